// RoomSurvey: one shard's part of a question for rooms: its rooms whose id begins with the prefix, bucket by
// bucket over as many turns as it takes.
//
// A room that comes or goes meanwhile may be told of or not; none is told of twice.
//
// Threads    The shard's.
// Limits     A bucket is looked through in one go, for a hash table that changes cannot be taken up again in the
//            middle: a turn's work is bounded by the largest bucket, and so by `shard.buckets`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hub/hub.h"
#include "shard/bucket_rooms.h"

namespace halley::shard {

class RoomSurvey {
 public:
  explicit RoomSurvey(std::string prefix) : prefix_(std::move(prefix)) {}

  // Looks at `rooms` more of the hub's rooms at most, an empty bucket counting as one, but through one bucket at
  // least. True: that was the last.
  bool Advance(const hub::Hub& hub, size_t rooms);

  // What was found, one entry per bucket of the hub.
  std::vector<BucketRooms> Take() { return std::move(found_); }

 private:
  std::string prefix_;
  std::vector<BucketRooms> found_;
};

}  // namespace halley::shard
