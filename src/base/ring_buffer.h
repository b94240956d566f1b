// RingBuffer<T>: a first-in first-out queue of small values in one power-of-two array.
//
// Ownership  Keeps its array between uses, so a queue that has warmed up does not allocate.
// Limits     Grows by doubling and only when full; Shrink() gives the array back while empty.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace halley::base {

template <typename T>
class RingBuffer {
 public:
  bool empty() const { return head_ == tail_; }
  size_t size() const { return tail_ - head_; }
  size_t capacity() const { return capacity_; }

  void PushBack(T value) {
    if (size() == capacity_) Grow();
    slots_[tail_++ & (capacity_ - 1)] = std::move(value);
  }

  T PopFront() {
    HALLEY_ASSERT(!empty());
    return std::exchange(slots_[head_++ & (capacity_ - 1)], T{});
  }

  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size() - 1]; }
  const T& front() const { return (*this)[0]; }
  const T& back() const { return (*this)[size() - 1]; }
  T& operator[](size_t index) { return slots_[(head_ + index) & (capacity_ - 1)]; }
  const T& operator[](size_t index) const { return slots_[(head_ + index) & (capacity_ - 1)]; }

  void Clear() {
    while (!empty()) PopFront();
  }

  void Shrink() {
    HALLEY_ASSERT(empty());
    slots_.reset();
    capacity_ = head_ = tail_ = 0;
  }

 private:
  void Grow() {
    const size_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    auto slots = std::make_unique<T[]>(capacity);
    const size_t count = size();
    for (size_t i = 0; i < count; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = capacity;
    head_ = 0;
    tail_ = count;
  }

  static constexpr size_t kFirstCapacity = 8;

  std::unique_ptr<T[]> slots_;
  size_t capacity_ = 0;
  size_t head_ = 0;  // free-running; masked on access
  size_t tail_ = 0;
};

}  // namespace halley::base
