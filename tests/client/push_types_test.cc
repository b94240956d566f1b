#include "halley/push_types.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace halley {
namespace {

TEST(DurationFigures, QuantilesAreUpperBounds) {
  DurationFigures durations{.counts = {90, 9, 0, 1, 0}};
  EXPECT_EQ(durations.Count(), 100u);
  EXPECT_EQ(durations.QuantileNs(0.5), 4096u);
  EXPECT_EQ(durations.QuantileNs(0.9), 4096u);
  EXPECT_EQ(durations.QuantileNs(0.91), 8192u);
  EXPECT_EQ(durations.QuantileNs(0.99), 8192u);
  EXPECT_EQ(durations.QuantileNs(1), 32768u);
}

TEST(DurationFigures, NothingCountedAndTheLastBucket) {
  EXPECT_EQ(DurationFigures{}.QuantileNs(0.99), 0u);
  EXPECT_EQ((DurationFigures{.counts = {0, 0}}).QuantileNs(0.99), 0u);
  EXPECT_EQ((DurationFigures{.counts = {0, 1}}).QuantileNs(0.5), UINT64_MAX);
}

TEST(DurationFigures, Adds) {
  DurationFigures sum{.counts = {1}, .sum_ns = 5};
  sum.Add({.counts = {1, 2}, .sum_ns = 7});
  EXPECT_EQ(sum.counts, (std::vector<uint64_t>{2, 2}));
  EXPECT_EQ(sum.sum_ns, 12u);
}

}  // namespace
}  // namespace halley
