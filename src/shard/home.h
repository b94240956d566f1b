// Home: what a shard knows of the rooms it is home to: which shards have members, how many, and the
// number of the last message. Plain data; the shard moves the notes.
//
// Threads    One shard's.
// Limits     A room is known while some shard has members; its numbers start again at 1 after that.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "base/compact_text.h"

namespace halley::shard {

class Home {
 public:
  struct Presence {
    uint32_t shard;
    uint32_t members;
  };

  void SetPresent(std::string_view room, uint32_t shard, uint32_t members);
  void SetAbsent(std::string_view room, uint32_t shard);
  // False when the shard is not present there.
  bool SetMembers(std::string_view room, uint32_t shard, uint32_t members);

  uint32_t Members(std::string_view room) const;
  // Who has members; empty for an unknown room. Valid until the next change.
  absl::Span<const Presence> Shards(std::string_view room) const;
  // The next message's number, from 1; 0 for an unknown room.
  uint64_t NextSequence(std::string_view room);
  size_t rooms_count() const { return rooms_.size(); }

 private:
  struct Entry {
    base::CompactText room;
    uint64_t sequence = 0;
    absl::InlinedVector<Presence, 2> shards;
  };
  using Owned = std::unique_ptr<Entry>;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view room) const { return absl::Hash<std::string_view>()(room); }
    size_t operator()(const Owned& entry) const { return (*this)(entry->room.view()); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Owned& a, std::string_view b) const { return a->room.view() == b; }
    bool operator()(const Owned& a, const Owned& b) const { return (*this)(a, b->room.view()); }
  };

  Entry* Find(std::string_view room) const;

  absl::flat_hash_set<Owned, Hash, Equal> rooms_;
};

}  // namespace halley::shard
