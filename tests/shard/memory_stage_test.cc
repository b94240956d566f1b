#include "shard/memory_stage.h"

#include "gtest/gtest.h"

namespace halley::shard {
namespace {

TEST(MemoryStage, BeginsAtItsShareOfTheBudget) {
  constexpr uint64_t kBudget = 1'000'000;
  EXPECT_EQ(StageFor(0, kBudget), MemoryStage::kPlenty);
  EXPECT_EQ(StageFor(599'999, kBudget), MemoryStage::kPlenty);
  EXPECT_EQ(StageFor(600'000, kBudget), MemoryStage::kShortLogs);
  EXPECT_EQ(StageFor(749'999, kBudget), MemoryStage::kShortLogs);
  EXPECT_EQ(StageFor(750'000, kBudget), MemoryStage::kNoConnects);
  EXPECT_EQ(StageFor(850'000, kBudget), MemoryStage::kSkipLow);
  EXPECT_EQ(StageFor(949'999, kBudget), MemoryStage::kSkipLow);
  EXPECT_EQ(StageFor(950'000, kBudget), MemoryStage::kCloseSlow);
  EXPECT_EQ(StageFor(UINT64_MAX, kBudget), MemoryStage::kCloseSlow);
}

TEST(MemoryStage, WithoutABudgetThereIsPlenty) {
  EXPECT_EQ(StageFor(UINT64_MAX, 0), MemoryStage::kPlenty);
}

}  // namespace
}  // namespace halley::shard
