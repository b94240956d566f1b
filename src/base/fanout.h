// FanoutTarget: what a flush needs to know of one member, in 16 bytes beside its neighbours.
//
// The hub keeps dense arrays of these, one per lane, and lends slices of them to the Ring, which
// fills one send per record and touches nothing else. It stands in base because hub and io never
// meet.
#pragma once

#include <cstdint>

namespace halley::base {

struct FanoutTarget {
  int32_t fd = -1;
  uint32_t slot = 0;        // the connection's slot on this shard
  uint32_t generation = 0;  // guards against a slot that was given to somebody else
  uint32_t cursor = 0;      // the hub's: kInSync, or which cursor a lagging member has
};
static_assert(sizeof(FanoutTarget) == 16);

// A send that did not take every byte. Sends that did leave no trace.
struct SendException {
  uint32_t index;  // of the target within the batch
  int32_t result;  // bytes taken (>= 0, fewer than asked), or -errno: the connection is dead
};

}  // namespace halley::base
