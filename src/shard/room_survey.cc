#include "shard/room_survey.h"

namespace halley::shard {

bool RoomSurvey::Advance(const hub::Hub& hub, size_t rooms) {
  found_.reserve(hub.buckets_count());
  size_t looked_at = 0;
  while (found_.size() < hub.buckets_count()) {
    const hub::Bucket& bucket = hub.bucket(found_.size());
    if (looked_at > 0 && looked_at + bucket.rooms_count() > rooms) return false;
    looked_at += 1 + bucket.rooms_count();
    BucketRooms& found = found_.emplace_back();
    bucket.ForEachRoom([&](const hub::Room& room) {
      if (room.id().starts_with(prefix_)) found.Add(room.id(), room.members());
    });
  }
  return true;
}

}  // namespace halley::shard
