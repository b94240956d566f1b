#include "hub/lane.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hub/lane_world.h"

namespace halley::hub {
namespace {

using Slots = std::vector<uint32_t>;

void JoinMany(LaneWorld& world, uint32_t count) {
  for (uint32_t slot = 0; slot < count; ++slot) world.Join(slot);
}

TEST(Lane, HoldsAFlowOnlyWhileSomethingIsUnderWay) {
  LaneWorld world;
  JoinMany(world, 3);
  EXPECT_EQ(world.flows.in_use(), 0u);
  // Who is held for another lane's sake needs none.
  world.MakeLagging(2);
  EXPECT_EQ(world.flows.in_use(), 0u);
  world.Append("one");
  world.SendSlice(2, [](uint32_t slot, uint64_t bytes) {
    return slot == 1 ? 1 : static_cast<int32_t>(bytes);
  });
  EXPECT_EQ(world.flows.in_use(), 1u);
  world.CatchUp(1);
  world.Append("two");
  world.CatchUp(2);
  EXPECT_EQ(world.flows.in_use(), 1u);
  world.SendAll();
  EXPECT_EQ(world.flows.in_use(), 0u);
  world.Append("three");
  world.SendAll();
  for (uint32_t slot = 0; slot < 3; ++slot) EXPECT_TRUE(world.HasAll(slot));
  EXPECT_EQ(world.flows.in_use(), 0u);
  EXPECT_EQ(world.pages.in_use_bytes(), 0u);
}

TEST(Lane, APassReachesEveryMemberOnceInSlices) {
  LaneWorld world;
  JoinMany(world, 10);
  EXPECT_FALSE(world.lane->grown());
  world.Append("hello");
  EXPECT_TRUE(world.lane->grown());
  EXPECT_EQ(world.lane->backlog_bytes(), 5u);
  std::set<uint32_t> reached;
  for (const size_t size : {3u, 3u, 3u, 1u}) {
    for (const uint32_t slot : world.SendSlice(3)) EXPECT_TRUE(reached.insert(slot).second);
    EXPECT_EQ(reached.size() % 3, size % 3);
  }
  EXPECT_EQ(reached.size(), 10u);
  EXPECT_FALSE(world.lane->grown());
  EXPECT_TRUE(world.SendSlice(3).empty());
  EXPECT_EQ(world.books.delivered, 10u);
  // With everybody served the log is empty.
  EXPECT_EQ(world.pages.in_use_bytes(), 0u);
  EXPECT_EQ(world.lane->log().bytes_held(), 0u);
}

TEST(Lane, WhatIsAppendedDuringAPassIsTheNextOnes) {
  LaneWorld world;
  JoinMany(world, 4);
  world.Append("first");
  EXPECT_EQ(world.SendSlice(2).size(), 2u);
  world.Append("second");
  world.Append("third");
  EXPECT_EQ(world.SendSlice(2).size(), 2u);
  EXPECT_EQ(world.books.delivered, 4u);
  EXPECT_EQ(world.lane->backlog_bytes(), 11u);
  // Both in one span.
  EXPECT_EQ(world.SendSlice(4).size(), 4u);
  EXPECT_EQ(world.books.delivered, 12u);
  EXPECT_FALSE(world.lane->grown());
}

TEST(Lane, APassIsCutAtTheSpansBytesOnABoundary) {
  LaneLimits limits;
  limits.span_bytes = 10;
  LaneWorld world(limits);
  JoinMany(world, 1);
  for (const char* text : {"12345", "12345", "1", "a longer one than the span", "x"}) {
    world.Append(text);
  }
  for (const uint64_t at : {10u, 11u, 37u, 38u}) {
    world.SendSlice(1);
    EXPECT_EQ(world.places[0], at);
  }
  EXPECT_TRUE(world.HasAll(0));
}

// The largest message that a span's parts hold wherever it begins, alone and as the last.
TEST(Lane, AMessageBeyondTheSpansBytesGoesInOnePiece) {
  LaneWorld world;
  JoinMany(world, 2);
  const std::string huge((kSpanPartsMax - 1) * PagePool::kBlockBytes, 'h');
  world.Append(huge);
  EXPECT_EQ(world.SendSlice(4).size(), 2u);
  world.Append("small");
  world.Append(huge);
  world.SendAll();
  EXPECT_TRUE(world.HasAll(0) && world.HasAll(1));
}

TEST(Lane, WithoutMembersInSyncThePassesGoByAtOnce) {
  LaneLimits limits;
  limits.span_bytes = 1;
  LaneWorld world(limits);
  JoinMany(world, 2);
  world.MakeLagging(0);
  world.MakeLagging(1);
  for (int i = 0; i < 5; ++i) world.Append("text");
  EXPECT_TRUE(world.SendSlice(4).empty());
  EXPECT_FALSE(world.lane->grown());
  world.CatchUp(0);
  world.CatchUp(1);
  EXPECT_TRUE(world.HasAll(0) && world.InSync(0));
  EXPECT_EQ(world.pages.in_use_bytes(), 0u);
}

// Each of the things that may happen to a member between two slices, at each place of a pass, to
// each member.
TEST(Lane, AnythingMayHappenToAnyMemberAtAnyPlaceOfAPass) {
  constexpr uint32_t kMembers = 7;
  const std::vector<std::function<void(LaneWorld&, uint32_t)>> happenings = {
      [](LaneWorld& world, uint32_t slot) { world.Leave(slot); },
      [](LaneWorld& world, uint32_t slot) { world.MakeLagging(slot); },
      [](LaneWorld& world, uint32_t slot) { world.Join(slot + 100); },
      [](LaneWorld& world, uint32_t slot) {
        world.Leave(slot);
        world.Join(slot);
      },
      [](LaneWorld& world, uint32_t slot) {
        world.MakeLagging(slot);
        world.CatchUp(slot, 0);
      },
      [](LaneWorld& world, uint32_t slot) {
        world.MakeLagging(slot);
        world.CatchUp(slot);
      },
  };
  for (size_t happening = 0; happening < happenings.size(); ++happening) {
    for (uint32_t slices = 0; slices <= 4; ++slices) {
      for (uint32_t slot = 0; slot < kMembers; ++slot) {
        SCOPED_TRACE(testing::Message() << happening << " after " << slices << " to " << slot);
        LaneWorld world;
        JoinMany(world, kMembers);
        world.Append("one");
        for (uint32_t i = 0; i < slices; ++i) world.SendSlice(2);
        happenings[happening](world, slot);
        world.Append("two");
        world.SendAll(2);
        for (const auto& [member, place] : world.places) {
          EXPECT_TRUE(!world.InSync(member) || world.HasAll(member));
        }
        for (const auto& [member, place] : world.places) world.CatchUp(member);
        for (const auto& [member, place] : world.places) {
          EXPECT_TRUE(world.InSync(member) && world.HasAll(member)) << member;
        }
        EXPECT_EQ(world.pages.in_use_bytes(), 0u);
        EXPECT_EQ(world.skipped(), 0u);
      }
    }
  }
}

// All subsets of a slice's targets take nothing, in slices of every size.
TEST(Lane, AnySetOfMembersMayTakeNothing) {
  constexpr uint32_t kMembers = 5;
  for (uint32_t subset = 0; subset < 1u << kMembers; ++subset) {
    for (size_t sends = 1; sends <= kMembers; ++sends) {
      SCOPED_TRACE(testing::Message() << subset << " in slices of " << sends);
      LaneWorld world;
      JoinMany(world, kMembers);
      world.Append("some text");
      const auto take = [&](uint32_t slot, uint64_t bytes) {
        if ((subset >> slot & 1) == 0) return static_cast<int32_t>(bytes);
        return slot % 2 == 0 ? 0 : -32;
      };
      for (uint32_t i = 0; i < kMembers; ++i) world.SendSlice(sends, take);
      EXPECT_FALSE(world.lane->grown());
      for (uint32_t slot = 0; slot < kMembers; ++slot) {
        EXPECT_EQ(world.InSync(slot), (subset >> slot & 1) == 0);
        EXPECT_EQ(world.HasAll(slot), (subset >> slot & 1) == 0);
        world.CatchUp(slot);
        EXPECT_TRUE(world.InSync(slot) && world.HasAll(slot));
      }
      EXPECT_EQ(world.books.delivered, kMembers);
    }
  }
}

TEST(Lane, AMemberMayTakeAnyPartOfASpan) {
  const std::string texts[] = {"first", "2", "number three"};
  const uint64_t total = 18;
  for (uint64_t first = 0; first < total; ++first) {
    for (uint64_t then = 0; first + then <= total; ++then) {
      SCOPED_TRACE(testing::Message() << first << " and then " << then);
      LaneWorld world;
      JoinMany(world, 3);
      for (const std::string& text : texts) world.Append(text);
      world.SendSlice(3, [&](uint32_t slot, uint64_t bytes) {
        return static_cast<int32_t>(slot == 1 ? first : bytes);
      });
      const uint64_t whole = first < 5 ? 0 : first < 6 ? 1 : 2;
      EXPECT_EQ(world.books.delivered, 6 + whole);
      EXPECT_EQ(world.lane->CountPending(), 3 - whole);
      EXPECT_EQ(world.lane->Torn(world.Index(1)), first != 0 && first != 5 && first != 6);
      // The log keeps the message that the member is within, and nothing before.
      EXPECT_EQ(world.lane->log().tail().offset, whole == 0 ? 0u : whole == 1 ? 5u : 6u);
      world.Append("more");
      world.SendAll();
      world.CatchUp(1, then);
      world.CatchUp(1);
      EXPECT_TRUE(world.InSync(1) && world.HasAll(1));
      EXPECT_EQ(world.books.delivered, 12u);
    }
  }
}

TEST(Lane, OneWhoTookNothingMayRejoinAheadOfThePass) {
  LaneWorld world;
  JoinMany(world, 6);
  world.Append("text");
  const Slots reached =
      world.SendSlice(2, [](uint32_t, uint64_t) { return 0; });
  ASSERT_EQ(reached.size(), 2u);
  // It stands where the pass began: the pass will come by again.
  world.CatchUp(reached[0], 0);
  EXPECT_TRUE(world.InSync(reached[0]));
  EXPECT_FALSE(world.HasAll(reached[0]));
  // The other has all that the pass brings: the pass is through with it.
  world.CatchUp(reached[1]);
  EXPECT_TRUE(world.InSync(reached[1]));
  Slots rest;
  for (Slots slots = world.SendSlice(2); !slots.empty(); slots = world.SendSlice(2)) {
    rest.insert(rest.end(), slots.begin(), slots.end());
  }
  EXPECT_EQ(rest.size(), 5u);
  EXPECT_EQ(std::count(rest.begin(), rest.end(), reached[0]), 1);
  EXPECT_EQ(std::count(rest.begin(), rest.end(), reached[1]), 0);
}

TEST(Lane, ALaggingMemberCatchesUpToThePassAndNoFurther) {
  LaneWorld world;
  JoinMany(world, 3);
  world.MakeLagging(0);
  world.Append("one");
  world.SendSlice(1);
  world.Append("two");
  EXPECT_EQ(world.lane->Target().offset, 3u);
  world.CatchUp(0, 2);
  EXPECT_FALSE(world.InSync(0));
  world.CatchUp(0);
  EXPECT_TRUE(world.InSync(0));
  EXPECT_EQ(world.places[0], 3u);
  world.SendAll();
  EXPECT_TRUE(world.HasAll(0));
}

TEST(Lane, OneThatLagsAndIsFreeIsToldThatItIsBehind) {
  LaneWorld world;
  JoinMany(world, 2);
  world.MakeLagging(0);
  world.Append("one");
  world.SendAll();
  EXPECT_TRUE(world.behind.empty());
  world.CatchUp(0, 0);
  EXPECT_EQ(world.behind, std::set<uint32_t>{0});
}

// --- who joins while something is unsent

TEST(Lane, ANewcomerGetsNothingThatWasAppendedBefore) {
  LaneWorld world;
  JoinMany(world, 2);
  world.Append("before");
  world.Join(5);
  EXPECT_FALSE(world.InSync(5));
  world.SendAll();
  // The pass ended where the newcomer stands, so no send was needed.
  EXPECT_TRUE(world.InSync(5));
  EXPECT_TRUE(world.behind.empty());
  world.Append("after");
  EXPECT_EQ(world.SendSlice(8).size(), 3u);
  EXPECT_TRUE(world.HasAll(5));
  EXPECT_EQ(world.books.delivered, 5u);
}

TEST(Lane, ANewcomerToTheLastPassIsThroughWithItAtOnce) {
  for (size_t slices = 1; slices <= 3; ++slices) {
    LaneWorld world;
    JoinMany(world, 4);
    world.Append("before");
    for (size_t i = 1; i < slices; ++i) world.SendSlice(1);
    // Starts the pass without sending yet.
    if (slices == 1) world.SendSlice(1, [](uint32_t, uint64_t) { return 0; });
    world.Join(5);
    EXPECT_TRUE(world.InSync(5));
    world.Append("after");
    world.SendAll(1);
    // Through with a pass that has hardly begun, it may get what is new in a send of its own.
    while (!world.behind.empty()) world.CatchUp(*world.behind.begin());
    EXPECT_TRUE(world.HasAll(5));
  }
}

// Pushes that arrive one after the other go out in one send, but for the few members that the first
// of them has reached already.
TEST(Lane, APassThatHasHardlyBegunTakesInWhatIsNew) {
  constexpr uint32_t kMembers = 1000;
  LaneWorld world;
  JoinMany(world, kMembers);
  world.Append("one");
  EXPECT_EQ(world.SendSlice(64).size(), 64u);
  world.Append("two");
  world.Append("three");
  EXPECT_EQ(world.SendSlice(kMembers).size(), kMembers - 64u);
  EXPECT_EQ(world.behind.size(), 64u);
  while (!world.behind.empty()) world.CatchUp(*world.behind.begin());
  for (uint32_t slot = 0; slot < kMembers; ++slot) {
    EXPECT_TRUE(world.HasAll(slot));
    EXPECT_TRUE(world.InSync(slot));
  }
  EXPECT_EQ(world.books.delivered, 3u * kMembers);
}

TEST(Lane, APassThatIsUnderWayLeavesWhatIsNewToTheNext) {
  constexpr uint32_t kMembers = 1000;
  LaneWorld world;
  JoinMany(world, kMembers);
  world.Append("one");
  EXPECT_EQ(world.SendSlice(129).size(), 129u);
  world.Append("two");
  EXPECT_EQ(world.SendSlice(kMembers).size(), kMembers - 129u);
  EXPECT_TRUE(world.behind.empty());
  EXPECT_EQ(world.books.delivered, 1u * kMembers);
  world.SendAll(kMembers);
  EXPECT_EQ(world.books.delivered, 2u * kMembers);
}

TEST(Lane, ANewcomerIsToldWhenThePassesHaveReachedIt) {
  LaneWorld world;
  JoinMany(world, 2);
  world.Append("one");
  world.SendSlice(1);
  world.Append("two");
  world.Join(5);
  world.Append("three");
  world.SendSlice(1);
  EXPECT_TRUE(world.behind.empty());
  // The second pass brings "two" and "three"; the newcomer lacks the latter alone.
  world.SendSlice(1);
  EXPECT_EQ(world.behind, std::set<uint32_t>{5});
  world.CatchUp(5);
  EXPECT_TRUE(world.InSync(5) && world.HasAll(5));
  world.SendAll();
  EXPECT_EQ(world.books.delivered, 7u);
}

TEST(Lane, ANewcomerMayLeaveOrBeReplacedWhileItWaits) {
  LaneWorld world;
  JoinMany(world, 2);
  world.Append("one");
  world.Join(5);
  world.Join(6);
  EXPECT_EQ(world.Leave(5), 0u);
  world.Append("two");
  EXPECT_EQ(world.Leave(6), 1u);
  world.Join(5);
  world.Append("three");
  world.SendAll();
  world.CatchUp(5);
  EXPECT_TRUE(world.InSync(5) && world.HasAll(5));
}

TEST(Lane, ANewcomerWhoseSocketIsFullIsNotDisturbed) {
  LaneWorld world;
  JoinMany(world, 2);
  world.Append("one");
  world.Join(5);
  world.channels[5].held = true;
  world.Append("two");
  world.SendAll();
  EXPECT_FALSE(world.InSync(5));
  EXPECT_TRUE(world.behind.empty());
  world.CatchUp(5);
  EXPECT_TRUE(world.InSync(5) && world.HasAll(5));
}

TEST(Lane, AnEmptyLaneForgetsWhatNobodyGot) {
  LaneWorld world;
  JoinMany(world, 2);
  world.Append("one");
  world.SendSlice(1);
  world.Leave(0);
  world.Leave(1);
  EXPECT_EQ(world.lane->log().bytes_held(), 0u);
  EXPECT_FALSE(world.lane->grown());
  world.Append("nobody hears this");
  world.Join(3);
  world.SendAll();
  EXPECT_TRUE(world.InSync(3));
  EXPECT_EQ(world.books.delivered, 1u);
}

TEST(Lane, MembersKeepTheirPlacesWhileTheArrayGrowsAndShrinks) {
  LaneWorld world;
  std::mt19937 random(5);
  std::set<uint32_t> members;
  for (const size_t size : {1000u, 10u, 300u, 0u, 70u}) {
    while (members.size() != size) {
      const auto slot = static_cast<uint32_t>(random() % 2000);
      if (members.size() < size) {
        if (!members.insert(slot).second) continue;
        world.channels[slot].memberships.push_back({world.lane.get(), kNone});
        world.lane->Join({static_cast<int32_t>(slot) + 100, slot, 1, kInSync});
        world.places[slot] = world.stream.size();
      } else if (members.erase(slot) > 0) {
        world.lane->Leave(world.Index(slot));
        world.channels[slot].memberships.clear();
        world.places.erase(slot);
      }
    }
    world.Append("text");
    std::set<uint32_t> reached;
    for (Slots slots = world.SendSlice(64); !slots.empty(); slots = world.SendSlice(64)) {
      reached.insert(slots.begin(), slots.end());
    }
    EXPECT_EQ(reached, members);
  }
}

TEST(LaneDeathTest, ALaneIsNotDestroyedUnderItsMembers) {
  LaneWorld world;
  world.Join(1);
  EXPECT_DEATH(world.lane.reset(), "assertion failed");
  EXPECT_DEATH(world.lane->NextSlice(0, 0, world), "assertion failed");
}

}  // namespace
}  // namespace halley::hub
