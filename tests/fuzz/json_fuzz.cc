// A goim frame as JSON text: what is taken is written and taken again as the same.
#include "fuzz/fuzz_feed.h"
#include "wire/json_frame.h"

namespace halley {

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = wire::testing::FuzzInput(data, size);
  wire::GoimFrame frame;
  if (wire::DecodeJsonFrame(input, 64, &frame) != wire::DecodeStatus::kDone) return 0;
  HALLEY_ASSERT(frame.body.size() <= 64);
  if (frame.op == wire::op::kHeartbeatReply) return 0;
  const std::string body(frame.body);
  const wire::GoimFrame first{frame.op, frame.seq, frame.ver, body};
  std::string text;
  wire::AppendJsonReply(first, &text);
  HALLEY_ASSERT(wire::DecodeJsonFrame(text, 64, &frame) == wire::DecodeStatus::kDone);
  HALLEY_ASSERT(frame.op == first.op && frame.seq == first.seq && frame.body == body);
  return 0;
}

}  // namespace halley
