#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace halley::base {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// How many of the attempts, one every `step_ns`, are let through within `ns`.
uint64_t Taken(const Rate& rate, uint64_t step_ns, uint64_t ns, uint64_t begin_ns = 0) {
  TokenBucket bucket;
  uint64_t taken = 0;
  for (uint64_t at = 0; at <= ns; at += step_ns) taken += bucket.Take(rate, 1, begin_ns + at);
  return taken;
}

TEST(TokenBucket, OfZerosIsFullAtAnyTime) {
  for (const uint64_t now : {uint64_t{0}, uint64_t{5}, UINT64_MAX}) {
    TokenBucket bucket;
    const Rate rate{1, 3};
    EXPECT_TRUE(bucket.IsFull(rate, now));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(rate, 1, now));
    EXPECT_FALSE(bucket.Take(rate, 1, now));
    EXPECT_FALSE(bucket.IsFull(rate, now));
  }
}

TEST(TokenBucket, ATokenIsBackAfterItsTimeAndNotBefore) {
  const Rate rate{1, 1};
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take(rate, 1, 7));
  EXPECT_FALSE(bucket.Take(rate, 1, 7 + kSecond - 1));
  EXPECT_FALSE(bucket.IsFull(rate, 7 + kSecond - 1));
  EXPECT_TRUE(bucket.IsFull(rate, 7 + kSecond));
  EXPECT_TRUE(bucket.Take(rate, 1, 7 + kSecond));
  EXPECT_FALSE(bucket.Take(rate, 1, 7 + kSecond));
}

// Attempts that are refused must not round away what has come back so far.
TEST(TokenBucket, LosesNothingHoweverSmallTheSteps) {
  for (const uint64_t step_ns : {uint64_t{1'000'000}, uint64_t{3'333'333}, uint64_t{999'999}}) {
    // With a burst of one, what comes back waits for the next attempt, which is within a step.
    const uint64_t taken = Taken({1, 1}, step_ns, 1000 * kSecond);
    EXPECT_GE(taken, 1000 * kSecond / (kSecond + step_ns)) << step_ns;
    EXPECT_LE(taken, 1001u) << step_ns;
  }
  EXPECT_EQ(Taken({1, 1}, 1'000'000, 1000 * kSecond), 1001u);
  // With room for two nothing has to wait.
  EXPECT_EQ(Taken({1, 2}, 3'333'333, 1000 * kSecond), 1001u);
}

TEST(TokenBucket, IsExactForRatesThatNoStepIsAMultipleOf) {
  for (const uint32_t per_s : {3u, 7u, 997u, 20'000u, 999'983u}) {
    const uint64_t steps = uint64_t{per_s} * 10;
    const uint64_t ns = 10 * kSecond;
    const uint64_t taken = Taken({per_s, 5}, ns / (3 * steps), ns);
    EXPECT_NEAR(static_cast<double>(taken), static_cast<double>(steps + 5), 1) << per_s;
  }
}

TEST(TokenBucket, TakesManyOrNone) {
  const Rate rate{1000, 4096};
  TokenBucket bucket;
  EXPECT_FALSE(bucket.Take(rate, 4097, 0));
  EXPECT_TRUE(bucket.Take(rate, 4000, 0));
  EXPECT_FALSE(bucket.Take(rate, 97, 0));
  EXPECT_TRUE(bucket.Take(rate, 96, 0));
  EXPECT_FALSE(bucket.Take(rate, UINT64_MAX, kSecond));
  EXPECT_TRUE(bucket.Take(rate, 1000, kSecond));
  EXPECT_FALSE(bucket.Take(rate, 1, kSecond));
}

TEST(TokenBucket, HoldsAtTheEndsOfItsRanges) {
  const Rate rate{UINT32_MAX, UINT32_MAX};
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take(rate, UINT32_MAX, 0));
  EXPECT_FALSE(bucket.Take(rate, 1, 0));
  EXPECT_TRUE(bucket.Take(rate, 4, 1)) << "4.29 a nanosecond";
  EXPECT_FALSE(bucket.Take(rate, 1, 1));
  EXPECT_TRUE(bucket.IsFull(rate, UINT64_MAX));
}

TEST(TokenBucket, TimeThatGoesBackIsNoTime) {
  const Rate rate{1, 1};
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take(rate, 1, 10 * kSecond));
  EXPECT_FALSE(bucket.Take(rate, 1, 5 * kSecond));
  EXPECT_FALSE(bucket.Take(rate, 1, 11 * kSecond - 1));
  EXPECT_TRUE(bucket.Take(rate, 1, 11 * kSecond));
}

TEST(TokenBucket, TheRateMayChange) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take({10, 10}, 10, 0));
  EXPECT_FALSE(bucket.Take({1, 3}, 1, 0)) << "a smaller burst is as empty";
  EXPECT_TRUE(bucket.Take({1, 3}, 1, kSecond));
  EXPECT_FALSE(bucket.Take({1, 3}, 1, kSecond));
  EXPECT_TRUE(bucket.Take({10, 10}, 7, kSecond)) << "a larger one has the more at once";
  EXPECT_FALSE(bucket.Take({10, 10}, 1, kSecond));
}

}  // namespace
}  // namespace halley::base
