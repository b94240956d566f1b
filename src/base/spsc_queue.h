// SpscQueue<T>: the only road from one thread to another.
//
// Bounded and lock-free, with a staged tail: a producer stages any number of values and publishes
// them with one store, so the price of ordering is paid once per turn and not once per value.
//
// Threads    TryStage() and Publish() on one producer thread; TryPop(), Empty() and Size() on one consumer
//            thread. Constructed and destroyed while neither runs.
// Ownership  A value is the queue's from a successful TryStage() until TryPop() hands it out. What
//            was never popped dies with the queue.
// Invariant  head <= published tail <= staged tail <= head + capacity.
// Limits     Capacity is a power of two. No allocation after construction. Full is an ordinary
//            answer; the caller owns the policy.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace halley::base {

inline constexpr size_t kCacheLineBytes = 64;

template <typename T>
class SpscQueue {
 public:
  explicit SpscQueue(size_t capacity)
      : mask_(capacity - 1), slots_(std::make_unique<T[]>(capacity)) {
    HALLEY_ASSERT(capacity >= 2 && std::has_single_bit(capacity));
  }
  SpscQueue(const SpscQueue&) = delete;
  SpscQueue& operator=(const SpscQueue&) = delete;

  // Moves from `value` only when it returns true. The consumer sees it after Publish().
  [[nodiscard]] bool TryStage(T&& value) {
    if (staged_ - head_seen_ > mask_) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (staged_ - head_seen_ > mask_) return false;
    }
    slots_[staged_ & mask_] = std::move(value);
    ++staged_;
    return true;
  }

  // True when something became visible that was not before. Sequentially consistent, because the
  // producer looks at the consumer's sleeping flag next and the two must not pass each other
  // (uring sleep protocol; a fence would do, but ThreadSanitizer of gcc 12 does not model fences).
  bool Publish() {
    if (staged_ == published_) return false;
    published_ = staged_;
    tail_.store(published_, std::memory_order_seq_cst);
    return true;
  }

  [[nodiscard]] bool TryPop(T* value) {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return false;
    }
    // The slot is left empty, so that whatever the value owned is not kept alive by the queue.
    *value = std::exchange(slots_[head & mask_], T{});
    // Release: the slot is empty before the producer may fill it again.
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  // The consumer's last look before it sleeps; sequentially consistent for the same reason as
  // Publish().
  bool Empty() const {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_seq_cst);
  }

  // What the consumer has before it.
  size_t Size() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed);
  }

  size_t capacity() const { return mask_ + 1; }

 private:
  const uint64_t mask_;
  const std::unique_ptr<T[]> slots_;

  // One cache line per writer, so that neither side's store evicts the other's.
  alignas(kCacheLineBytes) std::atomic<uint64_t> tail_{0};
  uint64_t staged_ = 0;     // producer only
  uint64_t published_ = 0;  // producer only: what tail_ says
  uint64_t head_seen_ = 0;  // producer only: its last look at head_
  alignas(kCacheLineBytes) std::atomic<uint64_t> head_{0};
  uint64_t tail_seen_ = 0;  // consumer only: its last look at tail_
};

}  // namespace halley::base
