// Questions for rooms: what all of them cost from the hub to the reply, and the longest of the turns that this
// is spread over, in microseconds, in the round that was disturbed least.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "hub/hub.h"
#include "push/rooms_reply.h"
#include "shard/room_survey.h"
#include "shard/room_tally.h"

namespace halley::push {
namespace {

constexpr size_t kRoomsSurveyed = 512;  // as shard/surveys.cc has them
constexpr size_t kTallySteps = 1024;

class Turns {
 public:
  template <typename Work>
  void Take(Work work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    ++count_;
    round_us_ = std::max(round_us_, took.count());
  }
  void EndRound() {
    longest_us_ = std::min(longest_us_, round_us_);
    round_us_ = 0;
  }
  void Tell(benchmark::State* state) const {
    state->counters["turns"] = benchmark::Counter(static_cast<double>(count_), benchmark::Counter::kAvgIterations);
    state->counters["longest_us"] = longest_us_;
  }

 private:
  uint64_t count_ = 0;
  double round_us_ = 0;
  double longest_us_ = std::numeric_limits<double>::infinity();
};

void BM_Survey(benchmark::State& state) {
  const auto rooms = static_cast<uint32_t>(state.range(0));
  hub::Hub hub({});
  for (uint32_t slot = 0; slot < rooms; ++slot) {
    const std::string key = "key-" + std::to_string(slot);
    hub.AddChannel({slot, 1, static_cast<int32_t>(slot), wire::Encoding::kGoimTcp, 0, key, {}});
    hub.JoinRoom(slot, "live://" + std::to_string(slot));
  }
  Turns turns;
  for (auto _ : state) {
    shard::RoomSurvey survey("live");
    for (bool done = false; !done;) turns.Take([&] { done = survey.Advance(hub, kRoomsSurveyed); });
    benchmark::DoNotOptimize(survey.Take());
    turns.EndRound();
  }
  turns.Tell(&state);
  state.SetItemsProcessed(state.iterations() * rooms);
}
BENCHMARK(BM_Survey)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

// Rooms of one member over six shards; the first 1000 of them, or all.
void Tally(benchmark::State& state, shard::RoomOrder order, uint32_t limit) {
  constexpr size_t kShards = 6;
  constexpr size_t kBuckets = 64;
  const auto rooms = static_cast<uint32_t>(state.range(0));
  std::vector<std::vector<shard::BucketRooms>> found(kShards, std::vector<shard::BucketRooms>(kBuckets));
  for (uint32_t room = 0; room < rooms; ++room) {
    found[room % kShards][room / kShards % kBuckets].Add("live://" + std::to_string(room * 7919), 1 + room % 100);
  }
  Turns turns;
  v1::RoomsResult scratch;
  for (auto _ : state) {
    state.PauseTiming();
    auto parts = found;
    state.ResumeTiming();
    shard::RoomTally tally(order, limit);
    for (auto& part : parts) tally.Add(std::move(part));
    RoomsReply reply;
    while (!tally.done()) turns.Take([&] { reply.Add(tally.Advance(kTallySteps), &scratch); });
    std::string sent;
    turns.Take([&] {
      for (const std::string& piece : reply.Finish(1, tally.total())) sent += piece;
    });
    benchmark::DoNotOptimize(sent.data());
    turns.EndRound();
  }
  turns.Tell(&state);
  state.SetItemsProcessed(state.iterations() * rooms);
}
void BM_TallyNone(benchmark::State& state) { Tally(state, shard::RoomOrder::kNone, UINT32_MAX); }
void BM_TallyMembers(benchmark::State& state) { Tally(state, shard::RoomOrder::kMembers, 1000); }
void BM_TallyName(benchmark::State& state) { Tally(state, shard::RoomOrder::kName, UINT32_MAX); }
BENCHMARK(BM_TallyNone)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_TallyMembers)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_TallyName)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace halley::push
