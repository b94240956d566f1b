#include "shard/home.h"

#include <gtest/gtest.h>

namespace halley::shard {
namespace {

TEST(Home, KnowsARoomWhileSomeShardHasMembers) {
  Home home;
  EXPECT_TRUE(home.Shards("a").empty());
  EXPECT_EQ(home.NextSequence("a"), 0u);
  home.SetPresent("a", 2, 5);
  home.SetPresent("a", 0, 1);
  EXPECT_EQ(home.rooms_count(), 1u);
  EXPECT_EQ(home.Shards("a").size(), 2u);
  EXPECT_EQ(home.Members("a"), 6u);
  home.SetAbsent("a", 2);
  EXPECT_EQ(home.Members("a"), 1u);
  home.SetAbsent("a", 0);
  EXPECT_EQ(home.rooms_count(), 0u);
}

TEST(Home, NumbersARoomsMessagesFromOneAndEachRoomByItself) {
  Home home;
  home.SetPresent("a", 0, 1);
  home.SetPresent("b", 0, 1);
  EXPECT_EQ(home.NextSequence("a"), 1u);
  EXPECT_EQ(home.NextSequence("a"), 2u);
  EXPECT_EQ(home.NextSequence("b"), 1u);
  // A room that nobody was in starts again.
  home.SetAbsent("a", 0);
  home.SetPresent("a", 1, 1);
  EXPECT_EQ(home.NextSequence("a"), 1u);
}

TEST(Home, TakesCountsOnlyFromShardsThatArePresent) {
  Home home;
  EXPECT_FALSE(home.SetMembers("a", 0, 7));
  home.SetPresent("a", 0, 1);
  EXPECT_FALSE(home.SetMembers("a", 1, 7));
  EXPECT_TRUE(home.SetMembers("a", 0, 7));
  EXPECT_EQ(home.Members("a"), 7u);
  // Saying it again changes the count and nothing else.
  home.SetPresent("a", 0, 3);
  EXPECT_EQ(home.Shards("a").size(), 1u);
  EXPECT_EQ(home.Members("a"), 3u);
}

TEST(Home, SomebodyWhoWasNotThereMayLeave) {
  Home home;
  home.SetAbsent("a", 0);
  home.SetPresent("a", 0, 1);
  home.SetAbsent("a", 3);
  EXPECT_EQ(home.Members("a"), 1u);
}

}  // namespace
}  // namespace halley::shard
