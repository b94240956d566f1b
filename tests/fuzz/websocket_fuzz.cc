// A goim session on WebSocket behind its upgrade, before and after login.
#include "fuzz/fuzz_feed.h"
#include "session/session_feed.h"

namespace halley {

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Limits that mutations of the seeds reach.
  static const session::SessionLimits limits{
      .frame_body_bytes = 128, .message_bytes = 160, .fragments = 4};
  static const session::testing::SessionDecoder upgraded = session::testing::Upgraded(limits);
  static const session::testing::SessionDecoder logged_in = session::testing::LoggedIn(limits);
  static const session::testing::SessionDecoder deflating =
      session::testing::LoggedInDeflating(limits);
  const std::string_view input = wire::testing::FuzzInput(data, size);
  wire::testing::FuzzDecoder(upgraded, input);
  wire::testing::FuzzDecoder(logged_in, input);
  wire::testing::FuzzDecoder(deflating, input);
  return 0;
}

}  // namespace halley
