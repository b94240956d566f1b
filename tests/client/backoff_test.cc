#include "client/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace halley::client {
namespace {

const absl::Duration kMin = absl::Milliseconds(100);
const absl::Duration kMax = absl::Seconds(3);

TEST(Backoff, DrawsBelowACeilingThatDoublesUpToTheMax) {
  Backoff backoff(kMin, kMax, 7);
  absl::Duration ceiling = kMin;
  for (int attempt = 0; attempt < 50; ++attempt) {
    const absl::Duration delay = backoff.Next();
    EXPECT_GE(delay, absl::ZeroDuration());
    EXPECT_LE(delay, ceiling) << attempt;
    ceiling = std::min(ceiling * 2, kMax);
  }
}

TEST(Backoff, SpreadsOverTheWholeRange) {
  Backoff backoff(kMax, kMax, 7);
  std::vector<int> tenths(10);
  for (int draw = 0; draw < 10'000; ++draw) {
    ++tenths[static_cast<size_t>(std::min(9.0, absl::FDivDuration(backoff.Next(), kMax) * 10))];
  }
  for (int count : tenths) EXPECT_NEAR(count, 1000, 200);
}

TEST(Backoff, StartsOverAfterAReset) {
  Backoff backoff(kMin, kMax, 7);
  for (int attempt = 0; attempt < 20; ++attempt) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), kMin);
}

TEST(Backoff, DiffersFromSeedToSeed) {
  Backoff one(kMin, kMax, 1);
  Backoff two(kMin, kMax, 2);
  EXPECT_NE(one.Next(), two.Next());
}

}  // namespace
}  // namespace halley::client
