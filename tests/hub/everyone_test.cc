#include "hub/everyone.h"

#include <map>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace halley::hub {
namespace {

std::set<uint32_t> Laned(const Everyone& everyone) {
  return {everyone.laned_sets().begin(), everyone.laned_sets().end()};
}

TEST(Everyone, EqualSetsAreOneWhateverTheirOrder) {
  Everyone everyone(8);
  const uint32_t set = everyone.Take({3, 1, 2});
  EXPECT_EQ(everyone.Take({1, 2, 3}), set);
  EXPECT_EQ(everyone.Take({2, 2, 3, 1, 1}), set);
  EXPECT_NE(everyone.Take({1, 2}), set);
  EXPECT_EQ(everyone[set].channels, 3u);
  EXPECT_EQ(everyone[set].ops, (std::vector<int32_t>{1, 2, 3}));
}

TEST(Everyone, ASetContainsItsOpsAndNoOthers) {
  Everyone everyone(8);
  const AcceptSet& set = everyone[everyone.Take({INT32_MIN, -1, 0, 5, INT32_MAX})];
  for (const int32_t op : {INT32_MIN, -1, 0, 5, INT32_MAX}) EXPECT_TRUE(set.Contains(op)) << op;
  for (const int32_t op : {INT32_MIN + 1, -2, 1, 4, 6, INT32_MAX - 1}) {
    EXPECT_FALSE(set.Contains(op)) << op;
  }
  EXPECT_FALSE(everyone[everyone.Take({})].Contains(0));
}

TEST(Everyone, SetsBeyondTheCapGetNoLane) {
  Everyone everyone(2);
  const uint32_t a = everyone.Take({1});
  const uint32_t b = everyone.Take({2});
  const uint32_t c = everyone.Take({3});
  EXPECT_TRUE(everyone[a].laned && everyone[b].laned);
  EXPECT_FALSE(everyone[c].laned);
  EXPECT_EQ(Laned(everyone), (std::set<uint32_t>{a, b}));
  // Its channels stay as they are; the next new set gets the place that came free.
  everyone.Give(a);
  EXPECT_FALSE(everyone[c].laned);
  EXPECT_EQ(everyone.Take({3}), c);
  EXPECT_FALSE(everyone[c].laned);
  const uint32_t d = everyone.Take({4});
  EXPECT_TRUE(everyone[d].laned);
  EXPECT_EQ(Laned(everyone), (std::set<uint32_t>{b, d}));
}

TEST(Everyone, ASetGoesWithItsLastChannel) {
  Everyone everyone(1);
  const uint32_t set = everyone.Take({1});
  everyone.Take({1});
  everyone.Give(set);
  EXPECT_EQ(Laned(everyone), std::set<uint32_t>{set});
  everyone.Give(set);
  EXPECT_TRUE(everyone.laned_sets().empty());
  // Without a trace of its ops.
  const uint32_t next = everyone.Take({2});
  EXPECT_FALSE(everyone[next].Contains(1));
  EXPECT_TRUE(everyone[next].laned);
  EXPECT_EQ(everyone[next].channels, 1u);
}

TEST(Everyone, BehavesLikeAMapInAnyOrderOfUse) {
  std::mt19937 random(4);
  Everyone everyone(3);
  std::map<std::set<int32_t>, uint32_t> references;
  std::map<std::set<int32_t>, uint32_t> numbers;
  std::map<std::set<int32_t>, bool> laned;
  for (int step = 0; step < 5000; ++step) {
    std::set<int32_t> ops;
    for (int32_t op = 0; op < 3; ++op) {
      if (random() % 2 == 0) ops.insert(op);
    }
    if (random() % 2 == 0) {
      size_t has_lanes = 0;
      for (const auto& [set, has_lane] : laned) has_lanes += has_lane ? 1 : 0;
      const uint32_t number = everyone.Take({ops.rbegin(), ops.rend()});
      if (++references[ops] == 1) {
        numbers[ops] = number;
        laned[ops] = has_lanes < 3;
      }
      ASSERT_EQ(numbers[ops], number);
    } else if (references[ops] > 0) {
      everyone.Give(numbers[ops]);
      if (--references[ops] == 0) laned.erase(ops);
    }
    std::set<uint32_t> expected;
    for (const auto& [set, has_lane] : laned) {
      ASSERT_EQ(everyone[numbers[set]].laned, has_lane);
      ASSERT_EQ(everyone[numbers[set]].channels, references[set]);
      if (has_lane) expected.insert(numbers[set]);
    }
    ASSERT_EQ(Laned(everyone), expected);
  }
}

TEST(EveryoneDeathTest, NothingIsGivenBackTwice) {
  Everyone everyone(1);
  const uint32_t set = everyone.Take({1});
  everyone.Give(set);
  EXPECT_DEATH(everyone.Give(set), "assertion failed");
}

// There is one set of them, as long as somebody has it.
TEST(Everyone, WhoTakesEveryOpSharesASet) {
  Everyone everyone(1);
  const uint32_t every = everyone.TakeEvery();
  EXPECT_EQ(everyone.TakeEvery(), every);
  EXPECT_TRUE(everyone[every].laned);
  for (const int32_t op : {INT32_MIN, -1, 0, 1000, INT32_MAX}) {
    EXPECT_TRUE(everyone[every].Contains(op));
  }
  const uint32_t none = everyone.Take({});
  EXPECT_NE(none, every);
  EXPECT_FALSE(everyone[none].Contains(0));
  everyone.Give(every);
  everyone.Give(every);
  EXPECT_TRUE(everyone.laned_sets().empty());
  const uint32_t again = everyone.Take({1});
  EXPECT_FALSE(everyone[again].Contains(2)) << "its place may be used again";
  EXPECT_TRUE(everyone[everyone.TakeEvery()].Contains(2));
}

}  // namespace
}  // namespace halley::hub
