// A whole session from its first byte to its last, in whatever transport and dialect: the first byte
// says which and within what limits, the rest is what the client sends.
#include "fuzz/fuzz_feed.h"
#include "session/session_feed.h"

namespace halley {
namespace {

constexpr uint8_t kTcp = 1;
constexpr uint8_t kNarrow = 2;
constexpr uint8_t kDeflate = 4;
constexpr uint8_t kGoimV1 = 8;

session::Transport TransportOf(uint8_t choice) {
  using session::Transport;
  if ((choice & kGoimV1) != 0) {
    return (choice & kTcp) != 0 ? Transport::kGoimV1Tcp : Transport::kGoimV1WebSocket;
  }
  return (choice & kTcp) != 0 ? Transport::kTcp : Transport::kWebSocket;
}

session::SessionLimits LimitsOf(uint8_t choice) {
  static const wire::HttpFile files[] = {{"/", "HTTP/1.1 200 OK", 8}};
  session::SessionLimits limits;
  limits.upgrade.deflate = (choice & kDeflate) != 0;
  limits.upgrade.subprotocols = "goim";
  limits.upgrade.files = files;
  if ((choice & kNarrow) == 0) return limits;
  // Such that mutations of the seeds reach them.
  limits.frame_body_bytes = 128;
  limits.message_bytes = 160;
  limits.fragments = 4;
  limits.upgrade.header_bytes_max = 512;
  limits.upgrade.headers_max = 10;
  limits.v1_upgrade = limits.upgrade;
  limits.v1_upgrade.goim_v1 = true;
  limits.v1_json_arrays = false;
  return limits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t choice = data[0];
  const std::string transcript = wire::testing::FuzzDecoder(
      session::testing::SessionDecoder(TransportOf(choice), LimitsOf(choice)),
      wire::testing::FuzzInput(data + 1, size - 1));
  // Nobody is live who has not logged in.
  const size_t heartbeat = transcript.find("\nheartbeat ");
  if (heartbeat != std::string::npos) {
    HALLEY_ASSERT(("\n" + transcript).find("\nauth ") <= heartbeat);
  }
  return 0;
}

}  // namespace halley
