// What fan-out costs in user space: the hub plans, counts and keeps its books, and nobody sends.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "hub/hub.h"

namespace halley::hub {
namespace {

constexpr int32_t kOp = 1000;
constexpr size_t kSends = 128;  // per slice, as the Ring takes them

void Fill(Hub* hub, uint32_t members, uint32_t rooms) {
  for (uint32_t slot = 0; slot < members; ++slot) {
    hub->AddChannel({slot, 1, static_cast<int32_t>(slot), wire::Encoding::kGoimTcp, 0,
                     "key-" + std::to_string(slot), {}});
    if (rooms > 0) hub->JoinRoom(slot, "room-" + std::to_string(slot % rooms));
  }
}

// Takes every slice there is; of each, `exceptions` targets take 20 bytes only.
void Flush(Hub* hub, const std::vector<base::SendException>& exceptions) {
  Slice slice;
  while (hub->NextLaneSlice(kSends, 0, &slice)) {
    const size_t count = std::min(exceptions.size(), slice.targets.size());
    hub->CompleteLaneSlice(absl::MakeConstSpan(exceptions).subspan(0, count));
  }
}

// Per member of one room: a flush of `range(1)` messages that everybody takes.
void BM_FlushPerMember(benchmark::State& state) {
  const auto members = static_cast<uint32_t>(state.range(0));
  const std::string body(64, 'x');
  Hub hub({});
  Fill(&hub, members, 1);
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(1); ++i) hub.PushRoom("room-0", {kOp, false, body}, 0);
    Flush(&hub, {});
  }
  state.SetItemsProcessed(state.iterations() * members);
}
BENCHMARK(BM_FlushPerMember)->Args({128, 1})->Args({10'000, 1})->Args({200'000, 1});
BENCHMARK(BM_FlushPerMember)->Args({10'000, 100})->Args({10'000, 500});

// Per member when every one of them is found full within a span of `range(0)` messages, and catches
// up with a send of its own.
void BM_FullSocketPerMember(benchmark::State& state) {
  constexpr uint32_t kMembers = 1000;
  const std::string body(64, 'x');
  Hub hub({});
  Fill(&hub, kMembers, 1);
  std::vector<base::SendException> exceptions;
  for (uint32_t i = 0; i < kSends; ++i) exceptions.push_back({i, 20});
  std::vector<SendPlan> plans(kSends);
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(0); ++i) hub.PushRoom("room-0", {kOp, false, body}, 0);
    Flush(&hub, exceptions);
    for (uint32_t slot = 0; slot < kMembers; ++slot) hub.OnWritable(slot);
    while (const size_t count = hub.PlanOwn(absl::MakeSpan(plans))) {
      for (size_t i = 0; i < count; ++i) {
        hub.SettleOwn(plans[i], static_cast<int64_t>(Hub::PlanBytes(plans[i])));
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * kMembers);
}
BENCHMARK(BM_FullSocketPerMember)->Arg(1)->Arg(100)->Arg(500);

// Per message into the log of a room whose one member lags: encode, append, look at the limits.
void BM_Append(benchmark::State& state) {
  const std::string body(static_cast<size_t>(state.range(0)), 'x');
  Hub hub({});
  Fill(&hub, 1, 1);
  hub.Reply(0, "x");
  SendPlan plan;
  if (!hub.PlanOne(0, &plan)) state.SkipWithError("nothing planned");
  hub.SettleOwn(plan, 0);
  for (auto _ : state) {
    hub.PushRoom("room-0", {kOp, false, body}, 0);
    Flush(&hub, {});
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Append)->Arg(64)->Arg(4096);

// A personal push and its send.
void BM_PersonalPush(benchmark::State& state) {
  const std::string body(64, 'x');
  const std::vector<int32_t> ops = {kOp};
  Hub hub({});
  hub.AddChannel({0, 1, 0, wire::Encoding::kGoimTcp, 0, "key", ops});
  std::vector<SendPlan> plans(kSends);
  for (auto _ : state) {
    hub.PushKey("key", {kOp, false, body});
    hub.PlanOwn(absl::MakeSpan(plans));
    hub.SettleOwn(plans[0], static_cast<int64_t>(Hub::PlanBytes(plans[0])));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PersonalPush);

// A member of a room of `range(0)` leaves it and comes back.
void BM_LeaveAndJoin(benchmark::State& state) {
  const auto members = static_cast<uint32_t>(state.range(0));
  Hub hub({});
  Fill(&hub, members, 1);
  uint32_t slot = 0;
  for (auto _ : state) {
    hub.LeaveRooms(slot);
    hub.JoinRoom(slot, "room-0");
    slot = (slot + 7919) % members;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_LeaveAndJoin)->Arg(2)->Arg(1000)->Arg(100'000);

// `range(0)` rooms of one member each have something unsent when all of them leave: per room.
void BM_EndOfManyGrownRooms(benchmark::State& state) {
  const auto rooms = static_cast<uint32_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    Hub hub({});
    Fill(&hub, rooms, rooms);
    for (uint32_t i = 0; i < rooms; ++i) {
      hub.PushRoom("room-" + std::to_string(i), {kOp, false, "x"}, 0);
    }
    state.ResumeTiming();
    for (uint32_t slot = 0; slot < rooms; ++slot) hub.RemoveChannel(slot);
  }
  state.SetItemsProcessed(state.iterations() * rooms);
}
BENCHMARK(BM_EndOfManyGrownRooms)->Arg(1000)->Arg(10'000);

}  // namespace
}  // namespace halley::hub
