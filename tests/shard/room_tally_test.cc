#include "shard/room_tally.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace halley::shard {
namespace {

constexpr uint32_t kAll = UINT32_MAX;

using Listed = std::vector<std::pair<std::string, uint64_t>>;
using Shards = std::vector<std::vector<BucketRooms>>;

// What one shard found: of each bucket its rooms.
std::vector<BucketRooms> FoundOf(const std::vector<std::vector<std::pair<std::string, uint32_t>>>& buckets) {
  std::vector<BucketRooms> found;
  for (const auto& bucket : buckets) {
    found.emplace_back();
    for (const auto& [id, members] : bucket) found.back().Add(id, members);
  }
  return found;
}

struct Answer {
  Listed listed;
  uint64_t total = 0;
  size_t turns = 0;
};

Answer AnswerOf(const Shards& shards, RoomOrder order, uint32_t limit, size_t steps = 1000) {
  RoomTally tally(order, limit);
  for (const std::vector<BucketRooms>& found : shards) tally.Add(found);
  Answer answer;
  while (!tally.done()) {
    const absl::Span<const RoomCount> next = tally.Advance(steps);
    EXPECT_LE(next.size(), steps);
    for (const RoomCount& room : next) answer.listed.emplace_back(room.room, room.members);
    ++answer.turns;
  }
  answer.total = tally.total();
  return answer;
}

TEST(RoomTally, ListsByNameUpToTheLimit) {
  const Shards shards{FoundOf({{{"live://2", 20}, {"live://1", 5}}, {{"live://10", 10}}})};
  const Answer two = AnswerOf(shards, RoomOrder::kName, 2);
  EXPECT_EQ(two.listed, (Listed{{"live://1", 5}, {"live://10", 10}}));
  EXPECT_EQ(two.total, 3u);
  const Answer all = AnswerOf(shards, RoomOrder::kName, 3);
  EXPECT_EQ(all.listed, (Listed{{"live://1", 5}, {"live://10", 10}, {"live://2", 20}}));
  const Answer none = AnswerOf(shards, RoomOrder::kName, 0);
  EXPECT_TRUE(none.listed.empty());
  EXPECT_EQ(none.total, 3u);
}

TEST(RoomTally, ListsThoseWithTheMostMembersAndEqualOnesByName) {
  const Shards shards{FoundOf({{{"d", 1}, {"c", 2}}, {{"b", 7}, {"a", 2}, {"e", 2}}})};
  const Answer answer = AnswerOf(shards, RoomOrder::kMembers, 3);
  EXPECT_EQ(answer.listed, (Listed{{"b", 7}, {"a", 2}, {"c", 2}}));
  EXPECT_EQ(answer.total, 5u);
}

// Its members on one shard alone would not have put it in front.
TEST(RoomTally, SumsARoomThatHasMembersOnSeveralShardsOnce) {
  const Shards shards{FoundOf({{{"b", 3}, {"a", 2}}, {}}), FoundOf({{{"a", 40}}, {}}),
                      FoundOf({{{"c", 1}}, {{"z", 4}}})};
  for (const RoomOrder order : {RoomOrder::kName, RoomOrder::kMembers, RoomOrder::kNone}) {
    Answer answer = AnswerOf(shards, order, kAll);
    std::sort(answer.listed.begin(), answer.listed.end());
    EXPECT_EQ(answer.listed, (Listed{{"a", 42}, {"b", 3}, {"c", 1}, {"z", 4}}));
    EXPECT_EQ(answer.total, 4u);
  }
  EXPECT_EQ(AnswerOf(shards, RoomOrder::kMembers, 1).listed, (Listed{{"a", 42}}));
}

TEST(RoomTally, WithoutAnOrderTheLimitHoldsToo) {
  const Shards shards{FoundOf({{{"b", 1}, {"a", 2}}, {{"c", 3}}})};
  EXPECT_EQ(AnswerOf(shards, RoomOrder::kNone, 2).listed.size(), 2u);
  EXPECT_EQ(AnswerOf(shards, RoomOrder::kNone, 2).total, 3u);
}

TEST(RoomTally, NothingIsAnAnswerToo) {
  for (const RoomOrder order : {RoomOrder::kName, RoomOrder::kMembers, RoomOrder::kNone}) {
    const Answer answer = AnswerOf({FoundOf({{}, {}}), FoundOf({{}, {}})}, order, 10);
    EXPECT_TRUE(answer.listed.empty());
    EXPECT_EQ(answer.total, 0u);
    EXPECT_EQ(answer.turns, 1u);
  }
}

TEST(RoomTally, LetsGoWhenNobodyWantsTheAnswer) {
  RoomTally tally(RoomOrder::kName, kAll);
  tally.Add(FoundOf({{{"a", 1}, {"b", 1}}}));
  EXPECT_TRUE(tally.Advance(1).empty());
  EXPECT_FALSE(tally.done());
  tally.Abandon();
  EXPECT_TRUE(tally.done());
  EXPECT_TRUE(tally.Advance(100).empty());
}

// The same answer however few steps a turn has, in as many turns as that takes.
TEST(RoomTally, SlicesAddUpToTheWholeAnswer) {
  constexpr size_t kBuckets = 8;
  std::mt19937 random(1);
  std::map<std::string, uint64_t> model;
  Shards shards;
  for (int shard = 0; shard < 3; ++shard) {
    std::vector<std::vector<std::pair<std::string, uint32_t>>> buckets(kBuckets);
    for (uint32_t room = 0; room < 300; ++room) {
      if (random() % 2 == 0) continue;
      const std::string id = "live://" + std::to_string(room);
      const uint32_t members = 1 + static_cast<uint32_t>(random() % 5);
      buckets[room % (kBuckets - 1)].emplace_back(id, members);
      model[id] += members;
    }
    shards.push_back(FoundOf(buckets));
  }
  Listed by_name(model.begin(), model.end());
  Listed by_members = by_name;
  const auto more = [](const auto& a, const auto& b) { return a.second > b.second; };
  std::stable_sort(by_members.begin(), by_members.end(), more);
  for (const size_t steps : {1, 7, 100, 100'000}) {
    for (const size_t limit : {size_t{1}, size_t{20}, model.size(), size_t{kAll}}) {
      const auto first = [limit](Listed rooms) {
        rooms.resize(std::min(rooms.size(), limit));
        return rooms;
      };
      const Answer name = AnswerOf(shards, RoomOrder::kName, static_cast<uint32_t>(limit), steps);
      EXPECT_EQ(name.listed, first(by_name));
      EXPECT_EQ(name.total, model.size());
      EXPECT_GE(name.turns, 2 * model.size() / steps);
      EXPECT_EQ(AnswerOf(shards, RoomOrder::kMembers, static_cast<uint32_t>(limit), steps).listed, first(by_members));
    }
    Answer all = AnswerOf(shards, RoomOrder::kNone, kAll, steps);
    std::sort(all.listed.begin(), all.listed.end());
    EXPECT_EQ(all.listed, by_name);
  }
}

}  // namespace
}  // namespace halley::shard
