// RoomTally: the answer to a question for rooms, made of what every shard's survey found, a slice at a time.
//
// A room's bucket has the same number on every shard, so that buckets are summed one after the other. In an order,
// only the rooms that may be listed are kept; in none, they are listed as they are summed.
//
// Threads    One shard's.
// Ownership  Owns what the surveys found, and lets go of each bucket when it has been summed.
// Limits     Holds one copy of the rooms that match; and of those that are listed, the ones still to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "shard/bucket_rooms.h"
#include "shard/job.h"

namespace halley::shard {

class RoomTally {
 public:
  // Lists `limit` rooms at most.
  RoomTally(RoomOrder order, uint32_t limit) : order_(order), limit_(limit), kept_(Earlier{order}) {}

  // What one shard's survey found. Each shard's is added before the first Advance().
  void Add(std::vector<BucketRooms> found);

  // Goes on for so many steps at most: a room is one on each shard that has it, one more to be taken into the answer,
  // and one to be listed in order; so is each shard's part of a bucket. Returns the next rooms of the answer; valid
  // until the next call.
  absl::Span<const RoomCount> Advance(size_t steps);
  // Lets go of everything: nobody wants the answer any more.
  void Abandon();

  bool done() const { return phase_ == Phase::kDone; }
  // Rooms that match, listed or not. Known when it is done.
  uint64_t total() const { return total_; }

 private:
  enum class Phase : uint8_t {
    kSum,   // a bucket's rooms, over the shards
    kTake,  // them into the answer; then the next bucket
    kList,  // those that were kept, in their order
    kDone,
  };
  struct Kept {
    std::string room;
    uint64_t members;
  };
  struct Earlier {
    RoomOrder order;
    bool operator()(const RoomCount& a, const RoomCount& b) const;
    bool operator()(const Kept& a, const Kept& b) const {
      return (*this)(RoomCount{a.room, a.members}, RoomCount{b.room, b.members});
    }
  };

  // Of what the last call listed, and of buckets that are in the answer.
  void LetGo();
  // Each takes from `steps`, and ends with none left or its phase over.
  void Sum(size_t* steps);
  void Take(size_t* steps);
  void List(size_t* steps);
  void EndSum();
  void EndTake();
  void Keep(const RoomCount& room);

  const RoomOrder order_;
  const uint32_t limit_;
  std::vector<std::vector<BucketRooms>> found_;  // per shard that has told, per bucket

  Phase phase_ = Phase::kSum;
  size_t bucket_ = 0;  // that is being summed, or taken
  size_t let_go_ = 0;  // buckets before this one
  size_t shard_ = 0;   // whose rooms are being summed
  size_t next_ = 0;    // of those, or of the rooms to be taken
  std::vector<RoomCount> summed_;                         // the bucket's rooms, each once
  absl::flat_hash_map<std::string_view, size_t> places_;  // of rooms in summed_
  uint64_t total_ = 0;

  absl::btree_set<Kept, Earlier> kept_;  // in an order: the first `limit_` so far
  size_t listed_of_kept_ = 0;            // at the front
  uint32_t listed_count_ = 0;
  std::vector<RoomCount> listed_;  // by the last call
};

}  // namespace halley::shard
