// Gopusher's clients: their requests, what follows them, and what a push of any bytes becomes.
#include "fuzz/fuzz_feed.h"
#include "session/session_feed.h"
#include "wire/gopusher.h"

namespace halley {
namespace {

// The first byte says whether logins must be signed.
session::SessionLimits LimitsOf(uint8_t choice) {
  session::SessionLimits limits;
  limits.message_bytes = 160;
  limits.gopusher.app.key = "app-key";
  limits.gopusher.app.secret = "correct horse";
  limits.gopusher.app.node = "node-1";
  limits.gopusher.app.unsigned_logins = (choice & 1) != 0;
  limits.gopusher.upgrade.header_bytes_max = 600;
  return limits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = wire::testing::FuzzInput(data, size);
  const session::SessionLimits limits = LimitsOf(size == 0 ? 0 : data[size - 1]);
  const std::string transcript = wire::testing::FuzzDecoder(
      session::testing::SessionDecoder(session::Transport::kGopusher, limits), input);
  HALLEY_ASSERT(transcript.empty() || transcript.starts_with("auth 0/7/0 \"{\"key\":") ||
                transcript.starts_with("close auth_refused > HTTP/1.1 401 ") ||
                transcript.starts_with("close bad_handshake > HTTP/1.1 4") ||
                transcript.starts_with("close bad_handshake > HTTP/1.1 505 "));

  // Who is let in as a signed one has the one token for its id and time.
  wire::GopusherLogin login;
  const size_t query = input.find('?') + 1;
  if (wire::ReadGopusherLogin(input.substr(query), limits.gopusher.app, &login)) {
    HALLEY_ASSERT(login.token.starts_with("{\"key\":\"") && login.token.ends_with("\"}"));
    HALLEY_ASSERT(login.signed_at_s.has_value() || limits.gopusher.app.unsigned_logins);
  }
  if (wire::IsGoimBatch(input)) {
    std::string out;
    wire::AppendGopusherBatch(input, &out);
    HALLEY_ASSERT(out.size() < input.size() && (out[0] == '\x81' || out[0] == '\x82'));
  }
  return 0;
}

}  // namespace halley
