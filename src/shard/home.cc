#include "shard/home.h"

#include <algorithm>

namespace halley::shard {

Home::Entry* Home::Find(std::string_view room) const {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : found->get();
}

void Home::SetPresent(std::string_view room, uint32_t shard, uint32_t members) {
  if (SetMembers(room, shard, members)) return;
  Entry* entry = Find(room);
  if (entry == nullptr) {
    auto fresh = std::make_unique<Entry>();
    fresh->room = base::CompactText(room);
    entry = rooms_.insert(std::move(fresh)).first->get();
  }
  entry->shards.push_back({shard, members});
}

void Home::SetAbsent(std::string_view room, uint32_t shard) {
  Entry* const entry = Find(room);
  if (entry == nullptr) return;
  auto& shards = entry->shards;
  const auto left = std::find_if(shards.begin(), shards.end(),
                                 [shard](const Presence& each) { return each.shard == shard; });
  if (left != shards.end()) {
    *left = shards.back();
    shards.pop_back();
  }
  if (shards.empty()) rooms_.erase(rooms_.find(room));
}

bool Home::SetMembers(std::string_view room, uint32_t shard, uint32_t members) {
  Entry* const entry = Find(room);
  if (entry == nullptr) return false;
  for (Presence& presence : entry->shards) {
    if (presence.shard != shard) continue;
    presence.members = members;
    return true;
  }
  return false;
}

uint32_t Home::Members(std::string_view room) const {
  uint32_t sum = 0;
  for (const Presence& presence : Shards(room)) sum += presence.members;
  return sum;
}

absl::Span<const Home::Presence> Home::Shards(std::string_view room) const {
  const Entry* const entry = Find(room);
  if (entry == nullptr) return {};
  return entry->shards;
}

uint64_t Home::NextSequence(std::string_view room) {
  Entry* const entry = Find(room);
  return entry == nullptr ? 0 : ++entry->sequence;
}

}  // namespace halley::shard
