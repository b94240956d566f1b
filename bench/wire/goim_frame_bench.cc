// goim's codec: what a frame from a client costs, and what a push costs before it is in a log.
#include <benchmark/benchmark.h>

#include <string>

#include "wire/goim_frame.h"

namespace halley::wire {
namespace {

std::string Frames(size_t count, size_t body_bytes) {
  std::string bytes;
  const std::string body(body_bytes, 'b');
  GoimFrame frame;
  frame.ver = 1;
  frame.op = 1000;
  frame.body = body;
  for (size_t i = 0; i < count; ++i) AppendReply(Encoding::kGoimTcp, frame, &bytes);
  return bytes;
}

void BM_Decode(benchmark::State& state) {
  constexpr size_t kFrames = 64;
  const std::string bytes = Frames(kFrames, static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    std::string_view rest = bytes;
    GoimFrame frame;
    size_t used = 0;
    while (DecodeGoimFrame(rest, 4096, &frame, &used) == DecodeStatus::kDone) {
      benchmark::DoNotOptimize(frame.op);
      rest.remove_prefix(used);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kFrames));
}
BENCHMARK(BM_Decode)->Arg(0)->Arg(64)->Arg(4096);

void BM_AppendReply(benchmark::State& state) {
  const Encoding encoding = static_cast<Encoding>(state.range(0));
  GoimFrame frame;
  frame.op = op::kHeartbeatReply;
  frame.body = "1234";
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendReply(encoding, frame, &out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_AppendReply)->ArgName("websocket")->Arg(0)->Arg(1);

void BM_WritePushPrefix(benchmark::State& state) {
  const Encoding encoding = static_cast<Encoding>(state.range(0));
  char prefix[kPushPrefixBytesMax];
  for (auto _ : state) {
    benchmark::DoNotOptimize(WritePushPrefix(encoding, 1000, 64, false, prefix));
    benchmark::DoNotOptimize(prefix);
  }
}
BENCHMARK(BM_WritePushPrefix)->ArgName("websocket")->Arg(0)->Arg(1);

void BM_IsGoimBatch(benchmark::State& state) {
  const std::string batch = Frames(20, 64);
  for (auto _ : state) benchmark::DoNotOptimize(IsGoimBatch(batch));
}
BENCHMARK(BM_IsGoimBatch);

void BM_ParseOpList(benchmark::State& state) {
  int32_t ops[kOpListMax];
  size_t count = 0;
  for (auto _ : state) benchmark::DoNotOptimize(ParseOpList("1000,1001,1002", ops, &count));
}
BENCHMARK(BM_ParseOpList);

}  // namespace
}  // namespace halley::wire
