#include "hub/bucket.h"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace halley::hub {
namespace {

class BucketTest : public testing::Test {
 protected:
  BucketTest() { channels_.Reach(1000); }

  void Add(uint32_t slot, std::string_view key, int64_t mid) {
    channels_[slot].key = base::CompactText(key);
    channels_[slot].mid = mid;
    bucket_.AddKey(slot);
    bucket_.AddMid(slot);
  }
  void Remove(uint32_t slot) {
    bucket_.RemoveKey(slot);
    bucket_.RemoveMid(slot);
    channels_[slot].key = {};
  }
  std::vector<uint32_t> WithKey(std::string_view key) const {
    std::vector<uint32_t> slots;
    for (uint32_t at = bucket_.FindKey(key); at != kNone; at = channels_[at].next_same_key) {
      slots.push_back(at);
    }
    return slots;
  }
  // Walks the chain both ways.
  std::vector<uint32_t> WithMid(int64_t mid) const {
    std::vector<uint32_t> slots;
    uint32_t previous = kNone;
    for (uint32_t at = bucket_.FindMid(mid); at != kNone; at = channels_[at].next_same_mid) {
      EXPECT_EQ(channels_[at].previous_same_mid, previous);
      previous = at;
      slots.push_back(at);
    }
    return slots;
  }

  ChannelTable channels_;
  Bucket bucket_{&channels_};
};

using Slots = std::vector<uint32_t>;

TEST_F(BucketTest, FindsWhatWasAddedAndNothingElse) {
  EXPECT_EQ(bucket_.FindKey("alice"), kNone);
  EXPECT_EQ(bucket_.FindMid(7), kNone);
  Add(3, "alice", 7);
  Add(4, "", -7);
  EXPECT_EQ(bucket_.FindKey("alice"), 3u);
  EXPECT_EQ(bucket_.FindKey("alic"), kNone);
  EXPECT_EQ(bucket_.FindKey("alicf"), kNone);
  EXPECT_EQ(bucket_.FindKey(""), 4u);
  EXPECT_EQ(bucket_.FindMid(7), 3u);
  EXPECT_EQ(bucket_.FindMid(-7), 4u);
  Remove(3);
  EXPECT_EQ(bucket_.FindKey("alice"), kNone);
  EXPECT_EQ(bucket_.FindMid(7), kNone);
  EXPECT_EQ(bucket_.FindKey(""), 4u);
}

TEST_F(BucketTest, ChainsAreNewestFirst) {
  Add(5, "key", 1);
  Add(2, "key", 1);
  Add(9, "key", 1);
  EXPECT_EQ(WithKey("key"), (Slots{9, 2, 5}));
  EXPECT_EQ(WithMid(1), (Slots{9, 2, 5}));
}

// From chains of one to four, in every order.
TEST_F(BucketTest, ChannelsLeaveAChainFromItsHeadMiddleAndTail) {
  for (uint32_t length = 1; length <= 4; ++length) {
    Slots order;
    for (uint32_t slot = 0; slot < length; ++slot) order.push_back(slot);
    do {
      for (uint32_t slot = 0; slot < length; ++slot) Add(slot, "key", 1);
      Slots left;
      for (uint32_t slot = length; slot-- > 0;) left.push_back(slot);
      for (const uint32_t slot : order) {
        Remove(slot);
        std::erase(left, slot);
        ASSERT_EQ(WithKey("key"), left);
        ASSERT_EQ(WithMid(1), left);
      }
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_F(BucketTest, AChannelMayComeBackIntoItsChain) {
  Add(1, "key", 1);
  Add(2, "key", 1);
  Remove(1);
  Add(1, "key", 1);
  EXPECT_EQ(WithKey("key"), (Slots{1, 2}));
  EXPECT_EQ(WithMid(1), (Slots{1, 2}));
  Remove(1);
  Add(1, "another", 2);
  EXPECT_EQ(WithKey("key"), (Slots{2}));
  EXPECT_EQ(WithKey("another"), (Slots{1}));
}

TEST_F(BucketTest, BehavesLikeMapsOfListsInAnyOrderOfUse) {
  std::mt19937 random(11);
  std::map<std::string, std::deque<uint32_t>> keys;
  std::map<int64_t, std::deque<uint32_t>> mids;
  std::map<uint32_t, std::pair<std::string, int64_t>> live;
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<uint32_t>(random() % 1000);
    const auto found = live.find(slot);
    if (found == live.end()) {
      const std::string key = "k" + std::to_string(random() % 500);
      const auto mid = static_cast<int64_t>(random() % 200) - 100;
      Add(slot, key, mid);
      keys[key].push_front(slot);
      mids[mid].push_front(slot);
      live[slot] = {key, mid};
    } else {
      Remove(slot);
      std::erase(keys[found->second.first], slot);
      std::erase(mids[found->second.second], slot);
      live.erase(found);
    }
    const std::string key = "k" + std::to_string(random() % 500);
    ASSERT_EQ(WithKey(key), Slots(keys[key].begin(), keys[key].end()));
    const auto mid = static_cast<int64_t>(random() % 200) - 100;
    ASSERT_EQ(WithMid(mid), Slots(mids[mid].begin(), mids[mid].end()));
  }
}

TEST_F(BucketTest, RoomsAreFoundByTheirIds) {
  EXPECT_EQ(bucket_.FindRoom("lobby"), nullptr);
  std::string id = "lobby";
  Room* lobby = bucket_.AddRoom(id, 0);
  id = "xxxxx";  // the bucket keeps its own
  EXPECT_EQ(bucket_.FindRoom("lobby"), lobby);
  EXPECT_EQ(lobby->id(), "lobby");
  EXPECT_EQ(lobby->members(), 0u);
  // Rooms stay where they are while others come and go.
  for (int i = 0; i < 1000; ++i) bucket_.AddRoom("room" + std::to_string(i), 0);
  EXPECT_EQ(bucket_.rooms_count(), 1001u);
  EXPECT_EQ(bucket_.FindRoom("lobby"), lobby);
  for (int i = 0; i < 1000; ++i) bucket_.RemoveRoom("room" + std::to_string(i));
  EXPECT_EQ(bucket_.FindRoom("room7"), nullptr);
  EXPECT_EQ(bucket_.FindRoom("lobby"), lobby);
  bucket_.RemoveRoom(lobby->id());
  EXPECT_EQ(bucket_.rooms_count(), 0u);
}

TEST_F(BucketTest, DeathOfWhoeverIsNotThere) {
  Add(1, "key", 1);
  channels_[2].key = base::CompactText("other");
  EXPECT_DEATH(bucket_.RemoveKey(2), "assertion failed");
  channels_[2].key = base::CompactText("key");
  EXPECT_DEATH(bucket_.RemoveKey(2), "assertion failed");
  EXPECT_DEATH(bucket_.RemoveRoom("lobby"), "assertion failed");
}

// A key's shard and its bucket there must not go together, nor may similar keys.
TEST(RoutingHash, SpreadsKeysOverShardsAndBuckets) {
  constexpr uint32_t kShards = 4;
  constexpr uint32_t kBuckets = 64;
  constexpr int kKeys = 100'000;
  std::vector<int> counts(kShards * kBuckets);
  for (int i = 0; i < kKeys; ++i) {
    const uint64_t hash = RoutingHash("user-" + std::to_string(i));
    EXPECT_EQ(hash, RoutingHash("user-" + std::to_string(i)));
    ++counts[ShardOf(hash, kShards) * kBuckets + static_cast<uint32_t>(hash) % kBuckets];
  }
  // 390 on average; six standard deviations either way.
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  EXPECT_GT(*least, 390 - 120);
  EXPECT_LT(*most, 390 + 120);
}

TEST(RoutingHash, OneShardOwnsEverything) {
  for (const char* key : {"", "a", "b"}) EXPECT_EQ(ShardOf(RoutingHash(key), 1), 0u);
}

}  // namespace
}  // namespace halley::hub
