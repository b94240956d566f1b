// LaneSet: the lanes of one room, or of one accept set: one for each encoding that has members, in
// the order of the encodings. Chained through the lanes themselves, so that an encoding nobody there
// uses costs nothing.
//
// Threads    One shard's.
// Ownership  Owns the lanes.
#pragma once

#include <memory>
#include <utility>

#include "base/assert.h"
#include "hub/lane.h"

namespace halley::hub {

class LaneSet {
 public:
  class Iterator {
   public:
    explicit Iterator(Lane* at) : at_(at) {}
    Lane& operator*() const { return *at_; }
    Iterator& operator++() {
      at_ = at_->sibling.get();
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    Lane* at_;
  };

  Iterator begin() const { return Iterator(first_.get()); }
  Iterator end() const { return Iterator(nullptr); }
  bool empty() const { return first_ == nullptr; }

  // Null: nobody there speaks it.
  Lane* Find(wire::Encoding encoding) const {
    for (Lane& lane : *this) {
      if (lane.encoding() == encoding) return &lane;
    }
    return nullptr;
  }

  // The first of its encoding.
  void Add(std::unique_ptr<Lane> lane) {
    std::unique_ptr<Lane>* place = &first_;
    while (*place != nullptr && (*place)->encoding() < lane->encoding()) {
      place = &(*place)->sibling;
    }
    HALLEY_ASSERT(*place == nullptr || (*place)->encoding() != lane->encoding());
    lane->sibling = std::move(*place);
    *place = std::move(lane);
  }

  // Ends one of them.
  void Remove(const Lane* lane) {
    std::unique_ptr<Lane>* place = &first_;
    while (place->get() != lane) {
      HALLEY_ASSERT(*place != nullptr);
      place = &(*place)->sibling;
    }
    const std::unique_ptr<Lane> removed = std::move(*place);
    *place = std::move(removed->sibling);
  }

 private:
  std::unique_ptr<Lane> first_;
};

}  // namespace halley::hub
