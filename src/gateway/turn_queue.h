// TurnQueue: the order in which shards that share CPUs take their turns: as they ask, as many at a time as
// there are CPUs.
//
// The kernel would divide the CPU's time fairly, which is something else: a shard that has run more than the
// others waits until all of them have caught up, and what goes through it waits with it. Here it waits for
// one turn of each, however long it ran before.
//
// Threads    Enter() and Leave() in pairs, on any.
// Limits     As many waiters as there are threads; each waits in its own stack frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace halley::gateway {

class TurnQueue {
 public:
  explicit TurnQueue(uint32_t cpus) : free_(cpus) {}
  TurnQueue(const TurnQueue&) = delete;
  TurnQueue& operator=(const TurnQueue&) = delete;

  // Returns when it is the caller's turn.
  void Enter();
  // Ends it, and begins that of whoever has waited longest.
  void Leave();

  size_t waiting() const;

 private:
  struct Waiter;

  mutable std::mutex mutex_;
  uint32_t free_;            // CPUs that nobody has a turn on
  Waiter* first_ = nullptr;  // has waited longest
  Waiter* last_ = nullptr;
};

}  // namespace halley::gateway
