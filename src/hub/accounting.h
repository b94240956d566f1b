// Accounting: the books of deliveries on one shard. Plain counters, written by the shard's thread.
//
// Invariant  expected = delivered + sum(skipped) + pending, where `expected` counts a message once
//            per channel it was appended for, `delivered` once all of its bytes were taken by the
//            kernel, and `pending` is what still waits in logs (per member) and queues.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace halley::hub {

// Why a message that was appended for a channel was not delivered to it.
enum class SkipReason : uint8_t {
  kOverflow,   // the member fell off the log's tail (policies skip and latest)
  kClosed,     // its connection ended first
  kMemory,     // the member lagged when memory was scarce
  kCount_,
};
inline constexpr size_t kSkipReasonsCount = static_cast<size_t>(SkipReason::kCount_);

inline std::string_view SkipReasonName(SkipReason reason) {
  constexpr std::string_view kNames[] = {"overflow", "closed", "memory"};
  static_assert(std::size(kNames) == kSkipReasonsCount);
  return kNames[static_cast<size_t>(reason)];
}

struct Accounting {
  uint64_t pushed = 0;     // messages that reached this shard's hub: one per key, mid, room or all
  uint64_t appended = 0;   // log appends, one per lane
  uint64_t expected = 0;
  uint64_t delivered = 0;
  std::array<uint64_t, kSkipReasonsCount> skipped{};
  uint64_t pending = 0;    // filled in when read
  uint64_t refused = 0;    // never expected: personal pushes that found the queue full, and messages
                           // whose text is longer than can be sent at once
  uint64_t filtered = 0;   // personal pushes to a channel that does not watch the op
  uint64_t log_bytes = 0;    // held by logs, filled in when read
  uint64_t queue_bytes = 0;  // held by personal queues, filled in when read
};

}  // namespace halley::hub
