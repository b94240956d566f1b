// A goim session on TCP, from its first byte.
#include "fuzz/fuzz_feed.h"
#include "session/session_feed.h"

namespace halley {

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const session::SessionLimits limits{.frame_body_bytes = 256};
  wire::testing::FuzzDecoder(session::testing::SessionDecoder(session::Transport::kTcp, limits),
                             wire::testing::FuzzInput(data, size));
  return 0;
}

}  // namespace halley
