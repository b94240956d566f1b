#include "journal/feed.h"

#include <gtest/gtest.h>

namespace halley::journal {
namespace {

TEST(Feed, WhatDoesNotFitIsDroppedAndCounted) {
  std::atomic<uint64_t> accepted{0};
  Feed feed(4, &accepted);
  for (uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(feed.Offer(i, Ended{}));
  EXPECT_FALSE(feed.Offer(4, Ended{}));
  EXPECT_FALSE(feed.Offer(5, Ended{}));
  EXPECT_EQ(feed.dropped(), 2u);
  // A trace's line is none of the access log's.
  EXPECT_FALSE(feed.Offer(6, Line("x")));
  EXPECT_EQ(feed.dropped(), 2u);
  for (uint64_t i = 0; i < 4; ++i) {
    const auto entry = feed.Take();
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->at_ns, i);
  }
  EXPECT_EQ(feed.Take(), nullptr);
  EXPECT_TRUE(feed.Offer(7, Line("y"))) << "there is room again";
  EXPECT_EQ(std::get<Line>(feed.Take()->what), "y");
}

TEST(Feed, OfAllShardsTogetherEveryNthIsChosen) {
  std::atomic<uint64_t> accepted{0};
  Feed one(2, &accepted);
  Feed two(2, &accepted);
  int chosen = 0;
  for (int i = 0; i < 1000; ++i) chosen += (i % 3 == 0 ? one : two).Choose(10) ? 1 : 0;
  EXPECT_EQ(chosen, 100);
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(one.Choose(1));
}

}  // namespace
}  // namespace halley::journal
