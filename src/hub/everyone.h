// Everyone: the room all channels are in. Its lanes are keyed by encoding and accept set, so that
// an op filter costs nothing at delivery: a lane's log holds only what its members accept.
//
// Few distinct sets exist in practice. Beyond the cap a set gets no lane; its channels are strays,
// and a broadcast reaches them through their personal queues.
//
// Threads    One shard's.
// Ownership  Owns the sets and their lanes.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "base/chunked_array.h"
#include "hub/lane_set.h"

namespace halley::hub {

struct AcceptSet {
  std::vector<int32_t> ops;  // sorted, distinct
  uint32_t channels = 0;     // that have this set
  bool every = false;        // any op at all
  bool laned = false;        // came while there was room under the cap: has lanes
  LaneSet lanes;

  bool Contains(int32_t op) const;
};

class Everyone {
 public:
  explicit Everyone(uint32_t laned_max) : laned_max_(laned_max) {}

  // Takes a reference to the set of these ops (any order, repeats allowed); returns its number.
  uint32_t Take(std::vector<int32_t> ops);
  // The same for those who take every op.
  uint32_t TakeEvery();
  // Gives one back; the set must have no members in its lanes if this was the last.
  void Give(uint32_t set);

  AcceptSet& operator[](uint32_t set) { return sets_[set]; }
  const AcceptSet& operator[](uint32_t set) const { return sets_[set]; }

  // Sets with lanes (at most the cap), for a broadcast to walk.
  absl::Span<const uint32_t> laned_sets() const { return laned_sets_; }

 private:
  uint32_t Make();

  const uint32_t laned_max_;
  uint32_t every_ = kNone;  // the number of the set that has them all
  base::Pool<AcceptSet> sets_;
  absl::flat_hash_map<std::vector<int32_t>, uint32_t> numbers_;
  std::vector<uint32_t> laned_sets_;
};

}  // namespace halley::hub
