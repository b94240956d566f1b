// LaneQueue: lanes in the order of their turns, linked through the lanes themselves, so that one
// that ends is taken out wherever it stands.
//
// Ownership  Borrows the lanes; a lane is taken out before it ends.
// Invariant  A lane is in at most one queue, once.
#pragma once

#include "base/assert.h"
#include "hub/lane.h"

namespace halley::hub {

class LaneQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  Lane* front() const { return first_; }

  void PushBack(Lane* lane) {
    HALLEY_ASSERT(lane->next == nullptr && lane->previous == nullptr && lane != last_);
    lane->previous = last_;
    (last_ == nullptr ? first_ : last_->next) = lane;
    last_ = lane;
  }

  // Among lanes that linger: behind those that have as long to go or less. Most have the longest.
  void PushInOrder(Lane* lane) {
    Lane* before = last_;
    while (before != nullptr && before->lingers_until_ns > lane->lingers_until_ns) {
      before = before->previous;
    }
    if (before == last_) {
      PushBack(lane);
      return;
    }
    Lane* const after = before == nullptr ? first_ : before->next;
    lane->previous = before;
    lane->next = after;
    (before == nullptr ? first_ : before->next) = lane;
    after->previous = lane;
  }

  Lane* PopFront() {
    Lane* const lane = first_;
    HALLEY_ASSERT(lane != nullptr);
    Remove(lane);
    return lane;
  }

  // `lane` must be in this queue.
  void Remove(Lane* lane) {
    HALLEY_ASSERT(lane->previous != nullptr || lane == first_);
    (lane->previous == nullptr ? first_ : lane->previous->next) = lane->next;
    (lane->next == nullptr ? last_ : lane->next->previous) = lane->previous;
    lane->next = lane->previous = nullptr;
  }

 private:
  Lane* first_ = nullptr;
  Lane* last_ = nullptr;
};

}  // namespace halley::hub
