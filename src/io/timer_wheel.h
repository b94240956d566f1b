// TimerWheel: one deadline per slot number, coarse and cheap.
//
// A hashed wheel. Heartbeats need not touch it: the owner stores the true deadline beside the
// connection, looks at it when the wheel names the id, and sets it again.
//
// Threads    One.
// Invariant  An id fires once, in the first Advance() whose time is at or past its deadline rounded
//            up to a whole tick: never early, at most one tick late. One whose deadline had passed
//            when it was set fires with the next tick.
// Limits     Ids below 2^24; 12 bytes each, in steps of 48 KiB. A deadline further away than the
//            wheel's circumference costs one look per round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/chunked_array.h"

namespace halley::io {

class TimerWheel {
 public:
  static constexpr uint64_t kTickNs = 128'000'000;
  // 4096 ticks are 524 s: longer than the idle timeout, so that a deadline is looked at once.
  static constexpr uint32_t kBucketsDefault = 4096;
  static constexpr uint32_t kIdMax = (uint32_t{1} << 24) - 1;
  static constexpr uint64_t kNever = ~uint64_t{0};

  // `buckets` is a power of two, at least 64.
  explicit TimerWheel(uint64_t now_ns, uint32_t buckets = kBucketsDefault);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Sets or moves the deadline of `id`. Costs nothing when the tick stays the same.
  void Set(uint32_t id, uint64_t deadline_ns);
  // Forgets the deadline of `id`, if there is one.
  void Clear(uint32_t id);
  bool IsSet(uint32_t id) const;

  // Appends ids whose time has come to `expired`, which are then no longer set, looking at `budget`
  // entries at most. True when it is done up to `now_ns`; false: call again, next turn.
  bool Advance(uint64_t now_ns, size_t budget, std::vector<uint32_t>* expired);

  // When Advance() should be called next; kNever when nothing is set. May be too early, never late.
  uint64_t NextDeadlineNs() const;

  size_t size() const { return size_; }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};

  struct Node {
    uint32_t next = kNone;
    uint32_t prev = kNone;
    uint32_t tick = kNone;  // counted from origin_tick_; kNone: not set
  };

  void Link(uint32_t id, uint32_t tick);
  void Unlink(uint32_t id);
  // Looks through the current tick's bucket; false when the budget ended before it.
  bool ExpireBucket(uint32_t now_tick, size_t* budget, std::vector<uint32_t>* expired);
  uint32_t buckets() const { return static_cast<uint32_t>(heads_.size()); }
  uint32_t BucketOf(uint32_t tick) const { return tick & (buckets() - 1); }

  const uint64_t origin_tick_;
  base::ChunkedArray<Node, 4096> nodes_;
  std::vector<uint32_t> heads_;
  std::vector<uint64_t> occupied_;  // one bit per bucket
  uint32_t tick_ = 0;               // the first tick that has not been looked through
  // Where the look through tick_'s bucket goes on; kNone: at its head. What joins that bucket
  // meanwhile joins in front, so it is given the next tick instead.
  uint32_t resume_ = kNone;
  size_t size_ = 0;
};

}  // namespace halley::io
