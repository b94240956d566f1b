// The road between threads: what a value costs when nobody waits, what publishing costs, and what
// crossing to another core costs.
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "base/spsc_queue.h"

namespace halley::base {
namespace {

struct Item {
  std::array<uint64_t, 4> words{};
};

// Stages `range` values, publishes once, takes them all: one core, no contention.
void BM_StagePublishPop(benchmark::State& state) {
  SpscQueue<Item> queue(1024);
  const int64_t batch = state.range(0);
  Item item;
  for (auto _ : state) {
    for (int64_t i = 0; i < batch; ++i) {
      item.words[0] = static_cast<uint64_t>(i);
      if (!queue.TryStage(std::move(item))) state.SkipWithError("full");
    }
    benchmark::DoNotOptimize(queue.Publish());
    while (queue.TryPop(&item)) benchmark::DoNotOptimize(item.words[0]);
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_StagePublishPop)->Arg(1)->Arg(32)->Arg(512);

void BM_EmptyPop(benchmark::State& state) {
  SpscQueue<Item> queue(1024);
  Item item;
  for (auto _ : state) benchmark::DoNotOptimize(queue.TryPop(&item));
}
BENCHMARK(BM_EmptyPop);

// A consumer on another thread takes as fast as it can; both sides yield when they cannot go on,
// because there may be fewer cores than threads.
void BM_AcrossThreads(benchmark::State& state) {
  SpscQueue<Item> queue(4096);
  std::atomic<bool> done{false};
  std::thread consumer([&] {
    Item item;
    while (!done.load(std::memory_order_relaxed)) {
      if (queue.TryPop(&item)) {
        benchmark::DoNotOptimize(item.words[0]);
      } else {
        std::this_thread::yield();
      }
    }
  });
  const int64_t batch = state.range(0);
  Item item;
  for (auto _ : state) {
    for (int64_t i = 0; i < batch; ++i) {
      while (!queue.TryStage(std::move(item))) {
        queue.Publish();
        std::this_thread::yield();
      }
    }
    queue.Publish();
  }
  done = true;
  consumer.join();
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_AcrossThreads)->Arg(1)->Arg(32)->UseRealTime();

}  // namespace
}  // namespace halley::base
