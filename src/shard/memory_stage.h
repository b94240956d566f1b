// MemoryStage: what the node does without as its memory budget fills up. Each stage includes those
// before it.
#pragma once

#include <cstdint>
#include <string_view>

namespace halley::shard {

enum class MemoryStage : uint8_t {
  kPlenty,
  kShortLogs,   // rooms keep a quarter of their logs' limits for members that lag
  kNoConnects,  // new connections are closed as `server_full`
  kSkipLow,     // rooms of the low class keep nothing for members that lag
  kCloseSlow,   // the slowest clients are closed as `slow_consumer`, and pushers not read
};

// Of the budget: where each stage begins.
inline constexpr uint32_t kStagePercents[] = {0, 60, 75, 85, 95};

// `budget_bytes` 0: there is none.
inline MemoryStage StageFor(uint64_t held_bytes, uint64_t budget_bytes) {
  auto stage = MemoryStage::kPlenty;
  if (budget_bytes == 0) return stage;
  for (uint8_t i = 1; i <= static_cast<uint8_t>(MemoryStage::kCloseSlow); ++i) {
    if (held_bytes >= budget_bytes / 100 * kStagePercents[i]) stage = static_cast<MemoryStage>(i);
  }
  return stage;
}

inline std::string_view MemoryStageName(MemoryStage stage) {
  constexpr std::string_view kNames[] = {"plenty", "short_logs", "no_connects", "skip_low",
                                         "close_slow"};
  return kNames[static_cast<uint8_t>(stage)];
}

}  // namespace halley::shard
