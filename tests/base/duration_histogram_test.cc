#include "base/duration_histogram.h"

#include <gtest/gtest.h>

#include <numeric>

namespace halley::base {
namespace {

using Histogram = DurationHistogram;

size_t BucketOf(uint64_t ns) {
  Histogram histogram;
  histogram.Add(ns);
  EXPECT_EQ(histogram.sum_ns(), ns);
  EXPECT_EQ(std::accumulate(histogram.counts().begin(), histogram.counts().end(), uint64_t{0}), 1u);
  size_t bucket = 0;
  while (histogram.counts()[bucket] == 0) ++bucket;
  return bucket;
}

TEST(DurationHistogram, ABoundBelongsToItsBucketAndWhatIsLongerToTheNext) {
  for (size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    EXPECT_EQ(BucketOf(Histogram::BoundNs(i)), i);
    EXPECT_EQ(BucketOf(Histogram::BoundNs(i) + 1), i + 1);
  }
}

TEST(DurationHistogram, TheEnds) {
  EXPECT_EQ(Histogram::BoundNs(0), 4096u);
  EXPECT_EQ(BucketOf(0), 0u);
  EXPECT_EQ(BucketOf(1), 0u);
  EXPECT_EQ(BucketOf(UINT64_MAX), Histogram::kBuckets - 1);
}

TEST(DurationHistogram, Adds) {
  Histogram histogram;
  for (const uint64_t ns : {5000u, 6000u, 9000u}) histogram.Add(ns);
  EXPECT_EQ(histogram.counts()[1], 2u);
  EXPECT_EQ(histogram.counts()[2], 1u);
  EXPECT_EQ(histogram.sum_ns(), 20'000u);
}

}  // namespace
}  // namespace halley::base
