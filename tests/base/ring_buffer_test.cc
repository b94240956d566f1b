#include "base/ring_buffer.h"

#include <deque>
#include <memory>
#include <random>
#include <utility>

#include "gtest/gtest.h"

namespace halley::base {
namespace {

TEST(RingBuffer, HoldsNoArrayBeforeItsFirstUse) {
  const RingBuffer<int> queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.capacity(), 0u);
}

// Every position of the head in the array, at every size around a doubling.
TEST(RingBuffer, GrowsInOrderWhereverItsHeadStands) {
  for (size_t offset = 0; offset < 20; ++offset) {
    RingBuffer<size_t> queue;
    for (size_t i = 0; i < offset; ++i) {
      queue.PushBack(i);
      EXPECT_EQ(queue.PopFront(), i);
    }
    for (size_t i = 0; i < 33; ++i) {
      queue.PushBack(i);
      ASSERT_EQ(queue.size(), i + 1);
      ASSERT_EQ(queue.front(), 0u);
      ASSERT_EQ(queue.back(), i);
      for (size_t j = 0; j <= i; ++j) ASSERT_EQ(queue[j], j);
    }
    EXPECT_EQ(queue.capacity(), 64u);
    for (size_t i = 0; i < 33; ++i) ASSERT_EQ(queue.PopFront(), i);
    EXPECT_TRUE(queue.empty());
  }
}

TEST(RingBuffer, KeepsItsArrayUntilShrunk) {
  RingBuffer<int> queue;
  for (int i = 0; i < 100; ++i) queue.PushBack(i);
  queue.Clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.capacity(), 128u);
  for (int i = 0; i < 128; ++i) queue.PushBack(i);
  EXPECT_EQ(queue.capacity(), 128u);
  queue.Clear();
  queue.Shrink();
  EXPECT_EQ(queue.capacity(), 0u);
  queue.PushBack(7);
  EXPECT_EQ(queue.PopFront(), 7);
}

TEST(RingBuffer, LeavesNoResidueOfWhatWasTaken) {
  auto witness = std::make_shared<int>(0);
  RingBuffer<std::shared_ptr<int>> queue;
  queue.PushBack(witness);
  queue.PushBack(witness);
  queue.PopFront().reset();
  EXPECT_EQ(witness.use_count(), 2);
  for (int i = 0; i < 20; ++i) queue.PushBack(witness);
  EXPECT_EQ(witness.use_count(), 22);
  queue.Clear();
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(RingBuffer, TakesWhatCanOnlyBeMoved) {
  RingBuffer<std::unique_ptr<int>> queue;
  for (int i = 0; i < 9; ++i) queue.PushBack(std::make_unique<int>(i));
  for (int i = 0; i < 9; ++i) EXPECT_EQ(*queue.PopFront(), i);
}

TEST(RingBuffer, BehavesLikeADequeInAnyOrderOfUse) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    RingBuffer<uint64_t> queue;
    std::deque<uint64_t> model;
    for (int step = 0; step < 2000; ++step) {
      const uint64_t what = random() % 100;
      if (what < 50) {
        const uint64_t value = random();
        queue.PushBack(value);
        model.push_back(value);
      } else if (what < 98) {
        if (model.empty()) continue;
        ASSERT_EQ(queue.PopFront(), model.front());
        model.pop_front();
      } else {
        queue.Clear();
        model.clear();
        if (what == 99) queue.Shrink();
      }
      ASSERT_EQ(queue.size(), model.size());
      ASSERT_EQ(queue.empty(), model.empty());
      if (model.empty()) continue;
      ASSERT_EQ(queue.front(), model.front());
      ASSERT_EQ(queue.back(), model.back());
      const size_t index = random() % model.size();
      ASSERT_EQ(std::as_const(queue)[index], model[index]);
    }
  }
}

TEST(RingBufferDeathTest, NothingIsTakenFromAnEmptyOne) {
  RingBuffer<int> queue;
  EXPECT_DEATH(queue.PopFront(), "assertion failed");
  queue.PushBack(1);
  EXPECT_DEATH(queue.Shrink(), "assertion failed");
}

}  // namespace
}  // namespace halley::base
