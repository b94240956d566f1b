// Many rooms, small rooms: what one holds while nothing happens in it, and what coming and going costs.
// This program's operator new counts bytes.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "hub/hub.h"

namespace {

int64_t bytes_in_use = 0;

void* Counted(size_t bytes) {
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  bytes_in_use += static_cast<int64_t>(malloc_usable_size(memory));
  return memory;
}

void Uncounted(void* memory) noexcept {
  if (memory != nullptr) bytes_in_use -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(size_t bytes) { return Counted(bytes); }
void* operator new[](size_t bytes) { return Counted(bytes); }
void operator delete(void* memory) noexcept { Uncounted(memory); }
void operator delete[](void* memory) noexcept { Uncounted(memory); }
void operator delete(void* memory, size_t) noexcept { Uncounted(memory); }
void operator delete[](void* memory, size_t) noexcept { Uncounted(memory); }

namespace halley::hub {
namespace {

constexpr int32_t kOp = 1000;
constexpr uint32_t kMembers = 2;

std::string RoomOf(uint32_t slot) { return "live://" + std::to_string(slot / kMembers); }

void AddChannels(Hub* hub, uint32_t count) {
  for (uint32_t slot = 0; slot < count; ++slot) {
    hub->AddChannel({slot, 1, static_cast<int32_t>(slot), wire::Encoding::kGoimTcp, 0,
                     "key-" + std::to_string(slot), {}});
  }
}

void FlushAll(Hub* hub) {
  Slice slice;
  while (hub->NextLaneSlice(128, 0, &slice)) hub->CompleteLaneSlice({});
}

// Bytes of a room of two: fresh, and quiet again after every room was pushed to.
void BM_QuietRoom(benchmark::State& state) {
  const auto rooms = static_cast<uint32_t>(state.range(0));
  int64_t fresh = 0;
  int64_t quiet = 0;
  for (auto _ : state) {
    Hub hub({});
    AddChannels(&hub, rooms * kMembers);
    const int64_t before = bytes_in_use;
    for (uint32_t slot = 0; slot < rooms * kMembers; ++slot) hub.JoinRoom(slot, RoomOf(slot));
    hub.TakeRoomChanges();
    fresh = bytes_in_use - before;
    for (uint32_t slot = 0; slot < rooms * kMembers; slot += kMembers) {
      hub.PushRoom(RoomOf(slot), {kOp, false, "hello"}, 0);
      FlushAll(&hub);
    }
    quiet = bytes_in_use - before;
  }
  state.counters["bytes_fresh"] = static_cast<double>(fresh) / rooms;
  state.counters["bytes_quiet"] = static_cast<double>(quiet) / rooms;
}
BENCHMARK(BM_QuietRoom)->Arg(1000)->Arg(100'000)->Iterations(1);

// Per join and leave, of a room that comes into being and ends with it (0), or that has a member
// besides (1), among 100,000 others.
void BM_JoinAndLeave(benchmark::State& state) {
  constexpr uint32_t kRooms = 100'000;
  Hub hub({});
  AddChannels(&hub, kRooms + 1);
  const auto others = static_cast<uint32_t>(state.range(0));
  for (uint32_t slot = 0; slot < kRooms; ++slot) {
    hub.JoinRoom(slot, (others == 0 ? "other://" : "live://") + std::to_string(slot));
  }
  std::vector<std::string> rooms;
  for (uint32_t i = 0; i < kRooms; ++i) rooms.push_back("live://" + std::to_string(i));
  uint32_t next = 0;
  for (auto _ : state) {
    hub.JoinRoom(kRooms, rooms[next]);
    hub.LeaveRooms(kRooms);
    next = (next + 7919) % kRooms;
    if (next % 1024 == 0) hub.TakeRoomChanges();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_JoinAndLeave)->Arg(0)->Arg(1);

}  // namespace
}  // namespace halley::hub
