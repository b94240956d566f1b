// Shard: the node's memory budget, and what is done without as it fills up.
#include "shard/shard.h"

namespace halley::shard {
namespace {

// Closed per tick, so that what they held is seen to be free before more are.
constexpr size_t kSlowestPerTick = 64;

}  // namespace

// What waits: in logs and queues, unread frames, and what was encrypted for a socket that is full.
uint64_t Shard::HeldBytes() const {
  return round_.in_use_bytes() + hub_.HeldBytes() + ring_.counters().held_bytes;
}

// Its own figure every turn, the other shards' as they last were: a burst is seen in the turn that
// takes it in.
void Shard::WatchMemory() {
  const uint64_t held = HeldBytes();
  fabric_.notice(index_).held_bytes.store(held, std::memory_order_relaxed);
  const uint64_t budget = uint64_t{options_.gateway.memory_mib} << 20;
  const MemoryStage stage = StageFor(held + held_elsewhere_, budget);
  if (stage == memory_stage_) return;
  memory_stage_ = stage;
  hub_.SetPressure({.short_logs = stage >= MemoryStage::kShortLogs,
                    .skip_low = stage >= MemoryStage::kSkipLow});
}

void Shard::RelieveMemory() {
  held_elsewhere_ = 0;
  for (uint32_t shard = 0; shard < fabric_.shards(); ++shard) {
    if (shard == index_) continue;
    held_elsewhere_ += fabric_.notice(shard).held_bytes.load(std::memory_order_relaxed);
  }
  if (memory_stage_ == MemoryStage::kPlenty) return;
  // What the stages before it free is freed before anybody is closed.
  hub_.EnforceAll(now_ms());
  WatchMemory();
  if (memory_stage_ < MemoryStage::kCloseSlow) return;
  std::vector<uint32_t> slowest;
  hub_.FindSlowest(kSlowestPerTick, &slowest);
  for (const uint32_t slot : slowest) {
    BeginClose(connections_.Get(slot), wire::CloseReason::kSlowConsumer);
  }
}

}  // namespace halley::shard
