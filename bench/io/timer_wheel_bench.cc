// The timer wheel as a shard uses it: a deadline per connection, moved by heartbeats rarely, and an
// Advance() each turn.
#include <benchmark/benchmark.h>

#include <vector>

#include "io/timer_wheel.h"

namespace halley::io {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

// A login: the handshake's deadline becomes the idle one, in another bucket.
void BM_MoveDeadline(benchmark::State& state) {
  TimerWheel wheel(0);
  const auto ids = static_cast<uint32_t>(state.range(0));
  for (uint32_t id = 0; id < ids; ++id) wheel.Set(id, 5 * kSecondNs);
  uint32_t id = 0;
  uint64_t deadline_ns = 480 * kSecondNs;
  for (auto _ : state) {
    wheel.Set(id, deadline_ns);
    if (++id == ids) {
      id = 0;
      deadline_ns = deadline_ns == 480 * kSecondNs ? 240 * kSecondNs : 480 * kSecondNs;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_MoveDeadline)->Arg(1000)->Arg(100'000);

// A turn in which no tick has passed.
void BM_AdvanceNothing(benchmark::State& state) {
  TimerWheel wheel(0);
  for (uint32_t id = 0; id < 100'000; ++id) wheel.Set(id, 500 * kSecondNs);
  std::vector<uint32_t> expired;
  for (auto _ : state) benchmark::DoNotOptimize(wheel.Advance(1, 1024, &expired));
}
BENCHMARK(BM_AdvanceNothing);

// Deadlines that have come: one look, and set again for later, as after a heartbeat.
void BM_ExpireAndSetAgain(benchmark::State& state) {
  constexpr uint32_t kIds = 1024;
  TimerWheel wheel(0);
  std::vector<uint32_t> expired;
  uint64_t now_ns = 0;
  for (uint32_t id = 0; id < kIds; ++id) wheel.Set(id, now_ns + TimerWheel::kTickNs);
  for (auto _ : state) {
    now_ns += 2 * TimerWheel::kTickNs;
    expired.clear();
    wheel.Advance(now_ns, kIds, &expired);
    for (const uint32_t id : expired) wheel.Set(id, now_ns + TimerWheel::kTickNs);
  }
  state.SetItemsProcessed(state.iterations() * kIds);
}
BENCHMARK(BM_ExpireAndSetAgain);

}  // namespace
}  // namespace halley::io
