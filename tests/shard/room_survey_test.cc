#include "shard/room_survey.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace halley::shard {
namespace {

class RoomSurveyTest : public ::testing::Test {
 protected:
  static hub::HubLimits Limits() {
    hub::HubLimits limits;
    limits.buckets = 8;
    return limits;
  }

  static void Enter(hub::Hub* hub, uint32_t slot, const std::string& room) {
    const std::string key = "k" + std::to_string(slot);
    hub->AddChannel({slot, 1, static_cast<int32_t>(slot) + 100, wire::Encoding::kGoimTcp, 0, key, {}});
    hub->JoinRoom(slot, room);
  }

  struct Found {
    std::vector<std::string> ids;  // as they came
    std::vector<BucketRooms> buckets;
    size_t turns = 1;
  };
  static Found FoundIn(const hub::Hub& hub, const std::string& prefix, size_t rooms) {
    RoomSurvey survey(prefix);
    Found found;
    while (!survey.Advance(hub, rooms)) ++found.turns;
    return WithIds(std::move(found), survey.Take());
  }
  static Found WithIds(Found found, std::vector<BucketRooms> buckets) {
    found.buckets = std::move(buckets);
    for (const BucketRooms& bucket : found.buckets) {
      for (size_t i = 0; i < bucket.size(); ++i) found.ids.emplace_back(bucket[i].room);
    }
    return found;
  }

  hub::Hub hub_{Limits()};
};

TEST_F(RoomSurveyTest, FindsRoomsByTheirPrefixWithTheirMembers) {
  Enter(&hub_, 0, "live://1");
  Enter(&hub_, 1, "live://1");
  Enter(&hub_, 2, "chat://1");
  const Found found = FoundIn(hub_, "live", 1000);
  EXPECT_EQ(found.ids, std::vector<std::string>{"live://1"});
  EXPECT_EQ(found.buckets.size(), 8u);
  for (const BucketRooms& bucket : found.buckets) {
    if (bucket.size() > 0) {
      EXPECT_EQ(bucket[0].members, 2u);
    }
  }
  EXPECT_EQ(FoundIn(hub_, "", 1000).ids.size(), 2u);
  EXPECT_TRUE(FoundIn(hub_, "live://10", 1000).ids.empty());
}

TEST_F(RoomSurveyTest, TakesAsManyTurnsAsThereAreRooms) {
  for (uint32_t slot = 0; slot < 400; ++slot) Enter(&hub_, slot, "room" + std::to_string(slot));
  const Found at_once = FoundIn(hub_, "", 1000);
  EXPECT_EQ(at_once.turns, 1u);
  EXPECT_EQ(at_once.ids.size(), 400u);
  // One bucket a turn, where each is more than a turn's rooms.
  EXPECT_EQ(FoundIn(hub_, "", 10).turns, 8u);
  const Found some = FoundIn(hub_, "", 150);
  EXPECT_GT(some.turns, 2u);
  EXPECT_LT(some.turns, 8u);
  EXPECT_EQ(some.ids, at_once.ids);
}

// Whatever comes and goes: who stays is found, and nobody twice.
TEST_F(RoomSurveyTest, RoomsMayComeAndGoMeanwhile) {
  for (uint32_t slot = 0; slot < 100; ++slot) Enter(&hub_, slot, "stays" + std::to_string(slot));
  for (uint32_t slot = 100; slot < 200; ++slot) Enter(&hub_, slot, "goes" + std::to_string(slot));
  RoomSurvey survey("");
  uint32_t slot = 100;
  for (bool done = false; !done; slot += 10) {
    done = survey.Advance(hub_, 1);
    for (uint32_t i = 0; i < 10 && slot + i < 200; ++i) {
      hub_.RemoveChannel(slot + i);
      Enter(&hub_, slot + i, "comes" + std::to_string(slot + i));
    }
  }
  Found found = WithIds({}, survey.Take());
  std::sort(found.ids.begin(), found.ids.end());
  EXPECT_EQ(std::adjacent_find(found.ids.begin(), found.ids.end()), found.ids.end());
  const auto stays = [](const std::string& id) { return id.starts_with("stays"); };
  EXPECT_EQ(std::count_if(found.ids.begin(), found.ids.end(), stays), 100);
}

// Tallies sum bucket by bucket.
TEST_F(RoomSurveyTest, ARoomsBucketHasTheSameNumberOnEveryShard) {
  hub::Hub other{Limits()};
  for (uint32_t slot = 0; slot < 100; ++slot) {
    Enter(&hub_, slot, "r" + std::to_string(slot));
    Enter(&other, slot, "r" + std::to_string(99 - slot));
  }
  const Found here = FoundIn(hub_, "", 1000);
  const Found there = FoundIn(other, "", 1000);
  for (size_t bucket = 0; bucket < 8; ++bucket) {
    std::vector<std::string> ids[2];
    for (size_t i = 0; i < here.buckets[bucket].size(); ++i) ids[0].emplace_back(here.buckets[bucket][i].room);
    for (size_t i = 0; i < there.buckets[bucket].size(); ++i) ids[1].emplace_back(there.buckets[bucket][i].room);
    for (auto& each : ids) std::sort(each.begin(), each.end());
    EXPECT_EQ(ids[0], ids[1]);
  }
}

}  // namespace
}  // namespace halley::shard
