#include "gateway/log_budget.h"

#include <gtest/gtest.h>

namespace halley::gateway {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(LogBudget, TellsOfABurstThenOnceASecondAndHowManyWereLeftOut) {
  LogBudget budget;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(budget.Take(0), 0u) << i;
  for (int i = 0; i < 500; ++i) EXPECT_EQ(budget.Take(kSecond - 1), std::nullopt);
  EXPECT_EQ(budget.Take(kSecond), 500u);
  EXPECT_EQ(budget.Take(kSecond), std::nullopt);
  EXPECT_EQ(budget.Take(2 * kSecond), 1u);
  EXPECT_EQ(budget.Take(60 * kSecond), 0u);
  EXPECT_EQ(budget.left_out_ever(), 501u);
}

TEST(LogBudget, KindsDoNotTakeFromEachOther) {
  LogBudget loud, other;
  for (int i = 0; i < 100; ++i) loud.Take(0);
  EXPECT_EQ(other.Take(0), 0u);
}

}  // namespace
}  // namespace halley::gateway
