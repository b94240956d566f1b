// A request of the push port from its bytes to a job: what every push costs before it is routed.
#include <benchmark/benchmark.h>

#include <string>

#include "push/codec.h"

namespace halley::push {
namespace {

constexpr uint32_t kBodyBytesMax = 1 << 20;

void Decode(benchmark::State& state, const v1::Request& request) {
  const std::string bytes = request.SerializeAsString();
  for (auto _ : state) {
    v1::Request parsed;
    shard::Job job;
    if (!parsed.ParseFromString(bytes) ||
        DecodeJob(&parsed, {.body_bytes = kBodyBytesMax}, &job).has_value()) {
      state.SkipWithError("not a request");
      return;
    }
    benchmark::DoNotOptimize(job.names.data());
  }
  state.SetItemsProcessed(state.iterations());
}

v1::Message MessageOf(size_t body_bytes) {
  v1::Message message;
  message.set_op(1000);
  message.set_body(std::string(body_bytes, 'b'));
  return message;
}

void BM_PushRoom(benchmark::State& state) {
  v1::Request request;
  request.mutable_push_rooms()->add_rooms("live://1000");
  *request.mutable_push_rooms()->mutable_message() =
      MessageOf(static_cast<size_t>(state.range(0)));
  Decode(state, request);
}
BENCHMARK(BM_PushRoom)->Arg(64)->Arg(4096);

void BM_PushKeys(benchmark::State& state) {
  v1::Request request;
  for (int64_t i = 0; i < state.range(0); ++i) {
    request.mutable_push_keys()->add_keys("a1b2c3d4-0000-1111-2222-" + std::to_string(i));
  }
  *request.mutable_push_keys()->mutable_message() = MessageOf(64);
  Decode(state, request);
}
BENCHMARK(BM_PushKeys)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace halley::push
