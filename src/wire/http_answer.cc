#include "wire/http_answer.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <cstring>

#include "base/assert.h"

namespace halley::wire {
namespace {

struct Answer {
  std::string_view status;
  std::string_view headers;  // beyond those that every refusal has
  std::string_view body;     // what is wrong and what to do, in one sentence
};

constexpr std::string_view kBadRequest = "400 Bad Request";
constexpr std::string_view kTooLarge = "431 Request Header Fields Too Large";

constexpr size_t kRefusalsCount = static_cast<size_t>(UpgradeRefusal::kCount_);
constexpr std::array<Answer, kRefusalsCount> kAnswers = {{
    {kBadRequest, "",
     "The request has a byte that HTTP does not allow, or a line that does not end with CR LF: "
     "send plain HTTP/1.1 to this port."},
    {kBadRequest, "", "The request line is malformed: send \"GET /sub HTTP/1.1\"."},
    {kBadRequest, "",
     "A header line is malformed: send \"Name: value\" without space before the colon."},
    {kBadRequest, "", "A header is folded over several lines: send each header on one line."},
    {kBadRequest, "",
     "Host, Cookie, Origin, Content-Length, Sec-WebSocket-Key or Sec-WebSocket-Version came twice: "
     "send it once."},
    {kBadRequest, "", "The Host header is missing or malformed: send the host you connect to."},
    {kBadRequest, "",
     "This is a WebSocket endpoint and the Upgrade header does not name websocket: connect with a "
     "WebSocket client."},
    {kBadRequest, "",
     "The Connection header does not name upgrade: send \"Connection: Upgrade\", and let proxies "
     "on the way forward it."},
    {kBadRequest, "", "Sec-WebSocket-Key is missing or not 16 bytes in base64: send such a key."},
    {kBadRequest, "", "The query is malformed: percent-encode what stands in it."},
    {kBadRequest, "",
     "This is neither a WebSocket's request nor a long poll: connect with a WebSocket client, or "
     "send \"/sub?ver=1&op=7&seq=1&t=TOKEN\" and perhaps \"&cb=NAME\"."},
    {kBadRequest, "",
     "Sec-WebSocket-Version is missing: send \"Sec-WebSocket-Version: 13\"."},
    {kBadRequest, "", "This id is connected already: end that connection first."},
    {"401 Unauthorized", "Sec-WebSocket-Version: 13\r\n",
     "The id, the time or the token is missing or not good: send a token that is signed now, by "
     "this server's clock."},
    {"403 Forbidden", "",
     "The token, or the cookie, is not accepted: send one that this server's backend gave out."},
    {"403 Forbidden", "",
     "Pages of this origin may not connect: the operator of this server can name it in "
     "websocket.origins."},
    {"404 Not Found", "", "There is nothing at this path: connect to /sub, to /json or to "
     "/sse."},
    {"405 Method Not Allowed", "Allow: GET\r\n", "This method is not supported: use GET."},
    {"405 Method Not Allowed", "Allow: GET, HEAD\r\n",
     "This method is not supported here: use GET or HEAD."},
    {"409 Conflict", "", "This key is connected already: end that connection first."},
    {"413 Content Too Large", "",
     "The request announces a body: send it without Content-Length and Transfer-Encoding."},
    {"426 Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
     "This WebSocket version is not supported: use version 13."},
    {"429 Too Many Requests", "Retry-After: 5\r\n",
     "There is too much from this address: close connections that you do not need, and try again "
     "later."},
    {kTooLarge, "", "The request header is too large: send fewer or smaller headers."},
    {kTooLarge, "", "The request has too many headers: send fewer."},
    {"503 Service Unavailable", "Retry-After: 5\r\n",
     "The server cannot take this client now: try again later."},
    {"505 HTTP Version Not Supported", "", "This HTTP version is not supported: use HTTP/1.1."},
}};
static_assert(!kAnswers.back().body.empty(), "every refusal has an answer");

// SHA1() looks up its implementation for every call, which costs more than so short a digest does.
class Sha1 {
 public:
  Sha1() : algorithm_(EVP_MD_fetch(nullptr, "SHA1", nullptr)), context_(EVP_MD_CTX_new()) {
    // They are there unless libcrypto has lost its default provider, or memory ran out.
    HALLEY_ASSERT(algorithm_ != nullptr && context_ != nullptr);
  }
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;
  ~Sha1() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }

  void Digest(std::string_view text, unsigned char (&digest)[SHA_DIGEST_LENGTH]) {
    const bool done = EVP_DigestInit_ex2(context_, algorithm_, nullptr) == 1 &&
                      EVP_DigestUpdate(context_, text.data(), text.size()) == 1 &&
                      EVP_DigestFinal_ex(context_, digest, nullptr) == 1;
    HALLEY_ASSERT(done);
  }

 private:
  EVP_MD* const algorithm_;
  EVP_MD_CTX* const context_;
};

}  // namespace

void AppendUpgradeAccepted(const UpgradeRequest& request, std::string* out) {
  const std::string_view key = request.key;
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
  constexpr size_t kKeyBytes = 24;
  HALLEY_ASSERT(key.size() == kKeyBytes);
  char text[kKeyBytes + kGuid.size()];
  std::memcpy(text, key.data(), kKeyBytes);
  std::memcpy(text + kKeyBytes, kGuid.data(), kGuid.size());
  unsigned char digest[SHA_DIGEST_LENGTH];
  thread_local Sha1 sha1;
  sha1.Digest({text, sizeof text}, digest);
  unsigned char base64[4 * ((sizeof digest + 2) / 3) + 1];
  const int base64_bytes = EVP_EncodeBlock(base64, digest, sizeof digest);
  out->append(
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ");
  out->append(reinterpret_cast<const char*>(base64), static_cast<size_t>(base64_bytes));
  if (!request.subprotocol.empty()) {
    out->append("\r\nSec-WebSocket-Protocol: ").append(request.subprotocol);
  }
  if (request.deflate.agreed) {
    out->append("\r\nSec-WebSocket-Extensions: ");
    AppendDeflateAnswer(request.deflate, out);
  }
  out->append("\r\n\r\n");
}

UpgradeRefusal GopusherRefusalOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kAuthRefused: return UpgradeRefusal::kGopusherUnauthorized;
    case CloseReason::kDuplicateRefused: return UpgradeRefusal::kGopusherDuplicate;
    default: return IsOfLimits(reason) ? RefusalOf(reason) : UpgradeRefusal::kUnavailable;
  }
}

UpgradeRefusal RefusalOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kTokenExpired:
    case CloseReason::kAuthRefused: return UpgradeRefusal::kUnauthorized;
    case CloseReason::kReplaced:
    case CloseReason::kDuplicateRefused: return UpgradeRefusal::kDuplicate;
    case CloseReason::kAddressFull:
    case CloseReason::kAddressRate:
    case CloseReason::kRateLimited: return UpgradeRefusal::kTooMany;
    default: return UpgradeRefusal::kUnavailable;
  }
}

void AppendUpgradeRefused(UpgradeRefusal refusal, std::string* out) {
  const auto index = static_cast<size_t>(refusal);
  HALLEY_ASSERT(index < kAnswers.size());
  const Answer& answer = kAnswers[index];
  out->append("HTTP/1.1 ").append(answer.status);
  out->append("\r\nContent-Type: text/plain\r\nContent-Length: ");
  out->append(std::to_string(answer.body.size() + 1)).append("\r\n");
  out->append(answer.headers).append("Connection: close\r\n\r\n");
  out->append(answer.body).append("\n");
}

}  // namespace halley::wire
