// Bucket: a slice of a shard's channels and rooms: key -> channels, mid -> channels, id -> room.
//
// A shard has many, so that a table that grows rehashes one slice and not a million entries.
//
// Threads    One shard's.
// Ownership  Owns its rooms. Keys are stored once, in the channels; the tables hold slots. Channels
//            that share a key or a mid are chained through their table entries, newest first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "hub/channel.h"
#include "hub/room.h"

namespace halley::hub {

// Which shard owns a key or is a room's home, and which bucket there. The same in every run.
uint64_t RoutingHash(std::string_view name);
inline uint32_t ShardOf(uint64_t hash, uint32_t shards) {
  return static_cast<uint32_t>((hash >> 32) % shards);
}

class Bucket {
 public:
  explicit Bucket(ChannelTable* channels)
      : channels_(channels),
        keys_(0, KeyHash{channels}, KeyEqual{channels}),
        mids_(0, MidHash{channels}, MidEqual{channels}) {}

  // The newest channel with this key or mid; kNone. Follow Channel::next_same_... for the others.
  uint32_t FindKey(std::string_view key) const;
  uint32_t FindMid(int64_t mid) const;
  void AddKey(uint32_t slot);
  void RemoveKey(uint32_t slot);
  void AddMid(uint32_t slot);
  void RemoveMid(uint32_t slot);

  Room* FindRoom(std::string_view id) const;
  Room* AddRoom(std::string_view id, uint32_t type);
  void RemoveRoom(std::string_view id);
  template <typename Visitor>
  void ForEachRoom(Visitor visit) const {
    for (const auto& room : rooms_) visit(*room);
  }
  size_t rooms_count() const { return rooms_.size(); }

 private:
  struct KeyHash {
    using is_transparent = void;
    const ChannelTable* channels;
    size_t operator()(std::string_view key) const { return absl::Hash<std::string_view>()(key); }
    size_t operator()(uint32_t slot) const { return (*this)((*channels)[slot].key.view()); }
  };
  struct KeyEqual {
    using is_transparent = void;
    const ChannelTable* channels;
    bool operator()(std::string_view a, uint32_t b) const { return a == (*channels)[b].key.view(); }
    bool operator()(uint32_t a, std::string_view b) const { return (*channels)[a].key.view() == b; }
    bool operator()(uint32_t a, uint32_t b) const {
      return (*channels)[a].key.view() == (*channels)[b].key.view();
    }
  };

  struct MidHash {
    using is_transparent = void;
    const ChannelTable* channels;
    size_t operator()(int64_t mid) const { return absl::Hash<int64_t>()(mid); }
    size_t operator()(uint32_t slot) const { return (*this)((*channels)[slot].mid); }
  };
  struct MidEqual {
    using is_transparent = void;
    const ChannelTable* channels;
    bool operator()(int64_t a, uint32_t b) const { return a == (*channels)[b].mid; }
    bool operator()(uint32_t a, int64_t b) const { return (*channels)[a].mid == b; }
    bool operator()(uint32_t a, uint32_t b) const {
      return (*channels)[a].mid == (*channels)[b].mid;
    }
  };

  struct RoomHash {
    using is_transparent = void;
    size_t operator()(std::string_view id) const { return absl::Hash<std::string_view>()(id); }
    size_t operator()(const std::unique_ptr<Room>& room) const { return (*this)(room->id()); }
  };
  struct RoomEqual {
    using is_transparent = void;
    bool operator()(const std::unique_ptr<Room>& a, std::string_view b) const {
      return a->id() == b;
    }
    bool operator()(const std::unique_ptr<Room>& a, const std::unique_ptr<Room>& b) const {
      return a->id() == b->id();
    }
  };

  ChannelTable* const channels_;
  absl::flat_hash_set<uint32_t, KeyHash, KeyEqual> keys_;
  absl::flat_hash_set<uint32_t, MidHash, MidEqual> mids_;
  absl::flat_hash_set<std::unique_ptr<Room>, RoomHash, RoomEqual> rooms_;
};

}  // namespace halley::hub
