// goim v1's clients: their JSON, and what a push of any bytes becomes for them.
#include "fuzz/fuzz_feed.h"
#include "wire/goim_v1.h"
#include "wire/json_frame.h"

namespace halley {
namespace {

// What is taken is written, and taken again as the same.
void CheckJson(std::string_view input) {
  wire::GoimFrame frame;
  if (wire::DecodeGoimV1JsonFrame(input, 64, &frame) != wire::DecodeStatus::kDone) return;
  HALLEY_ASSERT(frame.body.size() <= 64);
  const std::string body(frame.body);
  const wire::GoimFrame first{frame.op, frame.seq, frame.ver, body};
  std::string text;
  wire::AppendGoimV1Reply(wire::Encoding::kGoimV1Json, first, &text);
  const size_t object = text.find('{');
  HALLEY_ASSERT(wire::DecodeGoimV1JsonFrame(std::string_view(text).substr(object), 512, &frame) ==
                wire::DecodeStatus::kDone);
  HALLEY_ASSERT(frame.op == first.op && frame.seq == first.seq && frame.ver == first.ver);
}

// Every frame of a batch is one of op 5 with the same body, and nothing else is there.
void CheckBatch(std::string_view batch) {
  std::string frames;
  wire::AppendGoimV1Frames(batch, &frames);
  HALLEY_ASSERT(frames.size() == batch.size());
  for (std::string_view rest = frames; !rest.empty();) {
    wire::GoimFrame before, after;
    size_t bytes = 0;
    HALLEY_ASSERT(wire::DecodeGoimFrame(batch, batch.size(), &before, &bytes) ==
                  wire::DecodeStatus::kDone);
    batch.remove_prefix(bytes);
    HALLEY_ASSERT(wire::DecodeGoimFrame(rest, rest.size(), &after, &bytes) ==
                  wire::DecodeStatus::kDone);
    rest.remove_prefix(bytes);
    HALLEY_ASSERT(after.op == 5 && after.ver == 1 && after.seq == 0 && after.body == before.body);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = wire::testing::FuzzInput(data, size);
  CheckJson(input);
  if (wire::IsGoimBatch(input)) CheckBatch(input);
  std::string array;
  wire::AppendGoimV1JsonPush(wire::Encoding::kGoimV1JsonArray, input, true, &array);
  HALLEY_ASSERT(array[0] == '\x81' && array.ends_with("}]"));
  return 0;
}

}  // namespace halley
