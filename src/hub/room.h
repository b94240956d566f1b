// Room: the members of one room on this shard, one lane per encoding.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/compact_text.h"
#include "hub/lane_set.h"

namespace halley::hub {

class Room {
 public:
  // `type`: by the hub's numbers, 0 for none.
  Room(std::string_view id, uint32_t type) : type_(static_cast<uint8_t>(type)), id_(id) {
    HALLEY_ASSERT(type_ == type);
  }

  std::string_view id() const { return id_.view(); }
  uint32_t type() const { return type_; }
  uint32_t members() const {
    size_t sum = 0;
    for (const Lane& lane : lanes) sum += lane.members();
    return static_cast<uint32_t>(sum);
  }

  LaneSet lanes;

  // The shard's notes. Whether the room's home has confirmed that this shard has members, in which
  // epoch of their presence; and the members on all shards as the home last said, with how many of
  // those it took for this shard's.
  uint64_t epoch : 55 = 0;  // of a million a second it lasts a thousand years
  bool announced : 1 = false;

 private:
  const uint8_t type_ : 8;

 public:
  uint32_t online = 0;
  uint32_t online_ours = 0;

 private:
  const base::CompactText id_;
};
static_assert(sizeof(Room) <= 32);

}  // namespace halley::hub
