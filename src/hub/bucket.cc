#include "hub/bucket.h"

#include <functional>

#include "base/assert.h"

namespace halley::hub {

uint64_t RoutingHash(std::string_view name) {
  // libstdc++'s is the same in every process, unlike absl's; its high bits want mixing.
  uint64_t hash = std::hash<std::string_view>()(name);
  hash ^= hash >> 32;
  hash *= 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

uint32_t Bucket::FindKey(std::string_view key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? kNone : *found;
}

void Bucket::AddKey(uint32_t slot) {
  Channel& channel = (*channels_)[slot];
  const auto found = keys_.find(channel.key.view());
  channel.next_same_key = kNone;
  if (found != keys_.end()) {
    channel.next_same_key = *found;
    keys_.erase(found);
  }
  keys_.insert(slot);
}

void Bucket::RemoveKey(uint32_t slot) {
  Channel& channel = (*channels_)[slot];
  const auto found = keys_.find(channel.key.view());
  HALLEY_ASSERT(found != keys_.end());
  uint32_t at = *found;
  if (at == slot) {
    keys_.erase(found);
    if (channel.next_same_key != kNone) keys_.insert(channel.next_same_key);
    return;
  }
  while ((*channels_)[at].next_same_key != slot) {
    at = (*channels_)[at].next_same_key;
    HALLEY_ASSERT(at != kNone);
  }
  (*channels_)[at].next_same_key = channel.next_same_key;
}

uint32_t Bucket::FindMid(int64_t mid) const {
  const auto found = mids_.find(mid);
  return found == mids_.end() ? kNone : *found;
}

void Bucket::AddMid(uint32_t slot) {
  Channel& channel = (*channels_)[slot];
  const auto found = mids_.find(channel.mid);
  channel.next_same_mid = channel.previous_same_mid = kNone;
  if (found != mids_.end()) {
    channel.next_same_mid = *found;
    (*channels_)[*found].previous_same_mid = slot;
    mids_.erase(found);
  }
  mids_.insert(slot);
}

void Bucket::RemoveMid(uint32_t slot) {
  Channel& channel = (*channels_)[slot];
  const uint32_t next = channel.next_same_mid;
  const uint32_t previous = channel.previous_same_mid;
  if (next != kNone) (*channels_)[next].previous_same_mid = previous;
  if (previous != kNone) {
    (*channels_)[previous].next_same_mid = next;
    return;
  }
  mids_.erase(mids_.find(channel.mid));
  if (next != kNone) mids_.insert(next);
}

Room* Bucket::FindRoom(std::string_view id) const {
  const auto found = rooms_.find(id);
  return found == rooms_.end() ? nullptr : found->get();
}

Room* Bucket::AddRoom(std::string_view id, uint32_t type) {
  const auto [room, fresh] = rooms_.insert(std::make_unique<Room>(id, type));
  HALLEY_ASSERT(fresh);
  return room->get();
}

void Bucket::RemoveRoom(std::string_view id) {
  const auto found = rooms_.find(id);
  HALLEY_ASSERT(found != rooms_.end());
  rooms_.erase(found);
}

}  // namespace halley::hub
