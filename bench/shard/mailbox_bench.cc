// The road between two shards: a command there and its answer back, and commands in a stream.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>
#include <vector>

#include "shard/mailbox.h"

namespace halley::shard {
namespace {

// Both shards are awake: what a wake-up costs more is the kernel's (bench/scenarios/mailbox.py).
void BM_RoundTrip(benchmark::State& state) {
  Fabric fabric(2);
  std::atomic<bool> done{false};
  std::thread other([&] {
    Port port(&fabric, 1);
    std::vector<uint32_t> sleepers;
    Command command;
    while (!done.load(std::memory_order_relaxed)) {
      if (!port.Receive(0, &command)) continue;
      port.Send(0, std::move(command));
      port.Publish(&sleepers);
    }
  });
  Port port(&fabric, 0);
  std::vector<uint32_t> sleepers;
  Command command;
  for (auto _ : state) {
    port.Send(1, {.kind = CommandKind::kJobReport});
    port.Publish(&sleepers);
    while (!port.Receive(1, &command)) {
    }
  }
  done.store(true, std::memory_order_relaxed);
  other.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RoundTrip)->UseRealTime();

// One thread plays both, so that it is instructions and no waiting: a batch is sent, published once
// and taken.
void BM_SendAndReceive(benchmark::State& state) {
  Fabric fabric(2);
  Port from(&fabric, 0);
  Port to(&fabric, 1);
  std::vector<uint32_t> sleepers;
  Command command;
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(0); ++i) from.Send(1, {.kind = CommandKind::kJobReport});
    from.Publish(&sleepers);
    while (to.Receive(0, &command)) benchmark::DoNotOptimize(command.number);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_SendAndReceive)->Arg(1)->Arg(256);

}  // namespace
}  // namespace halley::shard
