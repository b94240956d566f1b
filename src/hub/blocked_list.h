// BlockedList: channels whose socket is full, the one that has made no progress for longest first.
//
// Threads    One shard's.
// Ownership  Slots are numbers. Whoever adds one keeps the node's number and removes it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/chunked_array.h"
#include "hub/channel.h"

namespace halley::hub {

class BlockedList {
 public:
  size_t size() const { return nodes_.in_use(); }

  // `since_ms` never goes back. Returns the node's number.
  uint32_t Add(uint32_t slot, uint64_t since_ms) {
    const uint32_t node = nodes_.Take();
    nodes_[node] = {since_ms, slot, last_, kNone};
    (last_ == kNone ? first_ : nodes_[last_].next) = node;
    last_ = node;
    return node;
  }

  void Remove(uint32_t node) {
    const Node& removed = nodes_[node];
    (removed.previous == kNone ? first_ : nodes_[removed.previous].next) = removed.next;
    (removed.next == kNone ? last_ : nodes_[removed.next].previous) = removed.previous;
    nodes_.Give(node);
  }

  // Calls visit(slot, since_ms) from the longest on, while it returns true; it may change nothing.
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    for (uint32_t node = first_; node != kNone; node = nodes_[node].next) {
      if (!visit(nodes_[node].slot, nodes_[node].since_ms)) return;
    }
  }

 private:
  struct Node {
    uint64_t since_ms = 0;
    uint32_t slot = 0;
    uint32_t previous = kNone;
    uint32_t next = kNone;
  };

  base::Pool<Node> nodes_;
  uint32_t first_ = kNone;
  uint32_t last_ = kNone;
};

}  // namespace halley::hub
