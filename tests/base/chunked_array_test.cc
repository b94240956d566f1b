#include "base/chunked_array.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace halley::base {
namespace {

TEST(ChunkedArray, GrowsByWholeChunksAndNoFurtherThanAsked) {
  ChunkedArray<int, 4> array;
  EXPECT_EQ(array.size(), 0u);
  array.Reach(0);
  EXPECT_EQ(array.size(), 4u);
  array.Reach(3);
  EXPECT_EQ(array.size(), 4u);
  array.Reach(4);
  EXPECT_EQ(array.size(), 8u);
  array.Reach(17);
  EXPECT_EQ(array.size(), 20u);
  array.Reach(2);
  EXPECT_EQ(array.size(), 20u);
}

TEST(ChunkedArray, ElementsStartOutAsTheirDefaultAndNeverMove) {
  ChunkedArray<std::string, 4> array;
  array.Reach(7);
  std::vector<std::string*> where;
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(array[i], "");
    array[i] = std::to_string(i);
    where.push_back(&array[i]);
  }
  array.Reach(10'000);
  const ChunkedArray<std::string, 4>& same = array;
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(&array[i], where[i]);
    EXPECT_EQ(same[i], std::to_string(i));
  }
  EXPECT_EQ(array[10'000], "");
}

TEST(Pool, GivesTheLastReturnedFirstAndKeepsItsState) {
  Pool<std::string> pool;
  const uint32_t a = pool.Take();
  const uint32_t b = pool.Take();
  EXPECT_NE(a, b);
  EXPECT_EQ(pool.in_use(), 2u);
  pool[b] = "kept for the next user";
  pool.Give(a);
  pool.Give(b);
  EXPECT_EQ(pool.in_use(), 0u);
  EXPECT_EQ(pool.Take(), b);
  EXPECT_EQ(pool[b], "kept for the next user");
  EXPECT_EQ(pool.Take(), a);
}

TEST(Pool, NeverHandsOutWhatIsInUse) {
  std::mt19937 random(3);
  Pool<uint32_t> pool;
  std::vector<uint32_t> taken;
  std::set<uint32_t> distinct;
  size_t most = 0;
  for (int step = 0; step < 5000; ++step) {
    if (taken.empty() || random() % 100 < 55) {
      const uint32_t index = pool.Take();
      ASSERT_TRUE(distinct.insert(index).second);
      pool[index] = index * 3;
      taken.push_back(index);
      most = std::max(most, taken.size());
    } else {
      const size_t which = random() % taken.size();
      ASSERT_EQ(pool[taken[which]], taken[which] * 3);
      pool.Give(taken[which]);
      distinct.erase(taken[which]);
      taken[which] = taken.back();
      taken.pop_back();
    }
    ASSERT_EQ(pool.in_use(), taken.size());
  }
  // What was given back is used again before anything new is made.
  for (const uint32_t index : taken) EXPECT_LT(index, most);
}

TEST(PoolDeathTest, NothingIsGivenBackThatWasNotTaken) {
  Pool<int> pool;
  EXPECT_DEATH(pool.Give(0), "assertion failed");
}

}  // namespace
}  // namespace halley::base
