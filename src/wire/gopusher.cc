#include "wire/gopusher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "wire/goim_frame.h"
#include "wire/json_frame.h"
#include "wire/query.h"
#include "wire/utf8.h"

namespace halley::wire {
namespace {

// False: there is none, it is empty, or it cannot be decoded.
bool TakeParameter(std::string_view query, std::string_view name, std::string* value) {
  value->clear();
  return DecodeParameter(FindParameter(query, name).value_or(""), value) && !value->empty();
}

// Only the one way to write a number: id, time, node and key are signed without anything between
// them, and with zeros in front of the time the end of somebody's id could pass for its beginning.
std::optional<uint64_t> ReadTime(std::string_view text) {
  uint64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || stop != end || text.front() == '0') return std::nullopt;
  return seconds;
}

bool IsSigned(const GopusherApp& app, std::string_view id, std::string_view time,
              std::string_view token) {
  if (app.secret.empty()) return false;
  const std::string right = GopusherToken(app, id, time);
  return token.size() == right.size() &&
         CRYPTO_memcmp(token.data(), right.data(), right.size()) == 0;
}

bool Finish(std::string_view id, std::string_view token, GopusherLogin* login) {
  if (!IsUtf8(id) || !IsUtf8(token)) return false;
  AppendJsonLogin(id, token, &login->token);
  return true;
}

}  // namespace

std::string GopusherToken(const GopusherApp& app, std::string_view id, std::string_view time) {
  std::string text(id);
  text.append(time).append(app.node).append(app.key);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  unsigned int bytes = 0;
  const bool done = HMAC(EVP_sha256(), app.secret.data(), static_cast<int>(app.secret.size()),
                         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest,
                         &bytes) != nullptr;
  HALLEY_ASSERT(done && bytes == sizeof digest);
  unsigned char base64[4 * ((sizeof digest + 2) / 3) + 1];
  const int base64_bytes = EVP_EncodeBlock(base64, digest, sizeof digest);
  return {reinterpret_cast<const char*>(base64), static_cast<size_t>(base64_bytes)};
}

bool ReadGopusherLogin(std::string_view query, const GopusherApp& app, GopusherLogin* login) {
  login->token.clear();
  login->signed_at_s.reset();
  thread_local std::string id, time, token;
  if (!FindParameter(query, app.id_name).has_value()) {
    return app.unsigned_logins && TakeParameter(query, "c", &id) &&
           TakeParameter(query, "t", &token) && Finish(id, token, login);
  }
  if (!TakeParameter(query, app.id_name, &id) || !TakeParameter(query, app.time_name, &time) ||
      !TakeParameter(query, app.token_name, &token)) {
    return false;
  }
  // Base64 has no spaces: each was a '+' that was not percent-encoded.
  std::ranges::replace(token, ' ', '+');
  login->signed_at_s = ReadTime(time);
  return login->signed_at_s.has_value() && IsSigned(app, id, time, token) &&
         Finish(id, token, login);
}

bool IsGopusherTimely(uint64_t signed_at_s, uint64_t now_s, uint32_t window_s) {
  return std::max(signed_at_s, now_s) - std::min(signed_at_s, now_s) <= window_s;
}

WsOpcode GopusherOpcode(std::string_view body) {
  return IsUtf8(body) ? WsOpcode::kText : WsOpcode::kBinary;
}

void AppendGopusherBatch(std::string_view batch, std::string* out) {
  for (GoimFrame frame; !batch.empty();) {
    size_t frame_bytes = 0;
    const DecodeStatus status = DecodeGoimFrame(batch, batch.size(), &frame, &frame_bytes);
    HALLEY_ASSERT(status == DecodeStatus::kDone);
    batch.remove_prefix(frame_bytes);
    char header[kWsServerHeaderBytesMax];
    out->append(header,
                WriteWsHeader(GopusherOpcode(frame.body), frame.body.size(), header));
    out->append(frame.body);
  }
}

}  // namespace halley::wire
