// BucketRooms: rooms of one bucket of one shard, as a survey copied them, with their members there.
//
// Packed into two pieces of memory, so that it costs as little to drop a thousand rooms as one.
//
// Threads    Whoever holds it; it crosses from shard to shard by value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shard/job.h"

namespace halley::shard {

class BucketRooms {
 public:
  void Add(std::string_view id, uint32_t members) {
    ids_.append(id);
    rooms_.push_back({ids_.size(), members});
  }

  size_t size() const { return rooms_.size(); }
  // Its id is valid as long as this is neither changed nor moved.
  RoomCount operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : rooms_[i - 1].end;
    return {std::string_view(ids_).substr(begin, rooms_[i].end - begin), rooms_[i].members};
  }

 private:
  struct Packed {
    size_t end;  // of its id, in ids_
    uint32_t members;
  };

  std::string ids_;
  std::vector<Packed> rooms_;
};

}  // namespace halley::shard
