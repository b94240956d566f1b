// gopush-cluster's clients, and what a push of any bytes becomes for them.
#include "fuzz/fuzz_feed.h"
#include "session/session_feed.h"
#include "wire/gopush.h"

namespace halley {

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = wire::testing::FuzzInput(data, size);
  const session::SessionLimits limits{.frame_body_bytes = 128};
  const std::string transcript = wire::testing::FuzzDecoder(
      session::testing::SessionDecoder(session::Transport::kGopush, limits), input);
  HALLEY_ASSERT(transcript.empty() || transcript.starts_with("auth 0/7/0 \"{\"key\":") ||
                transcript.starts_with("close bad_frame") ||
                transcript.starts_with("close frame_too_big"));

  // The length that is told is that of the message, whatever its bytes.
  for (const bool version : {false, true}) {
    std::string out;
    wire::AppendGopushPush(wire::GopushEncoding(false, version), input, false, 17, &out);
    const size_t head = out.find("\r\n");
    HALLEY_ASSERT(out[0] == '$' && out.ends_with(",\"mid\":17,\"gid\":0}\r\n"));
    HALLEY_ASSERT(std::to_string(out.size() - head - 4) == out.substr(1, head - 1));
  }
  return 0;
}

}  // namespace halley
