// Meant to run under ThreadSanitizer as well: the two-thread tests prove the order of the accesses.
#include "base/spsc_queue.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace halley::base {
namespace {

TEST(SpscQueue, StagedValuesAreInvisibleUntilPublished) {
  SpscQueue<int> queue(4);
  int value = 0;
  EXPECT_TRUE(queue.TryStage(1));
  EXPECT_TRUE(queue.TryStage(2));
  EXPECT_TRUE(queue.Empty());
  EXPECT_FALSE(queue.TryPop(&value));
  EXPECT_TRUE(queue.Publish());
  EXPECT_FALSE(queue.Empty());
  EXPECT_FALSE(queue.Publish()) << "nothing new";
  EXPECT_TRUE(queue.TryPop(&value));
  EXPECT_EQ(value, 1);
  EXPECT_TRUE(queue.TryPop(&value));
  EXPECT_EQ(value, 2);
  EXPECT_FALSE(queue.TryPop(&value));
  EXPECT_EQ(value, 2) << "left alone";
  EXPECT_TRUE(queue.Empty());
}

TEST(SpscQueue, ARefusedValueStaysWithTheCaller) {
  SpscQueue<std::unique_ptr<int>> queue(2);
  EXPECT_EQ(queue.capacity(), 2u);
  EXPECT_TRUE(queue.TryStage(std::make_unique<int>(1)));
  EXPECT_TRUE(queue.TryStage(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(queue.TryStage(std::move(third)));
  ASSERT_NE(third, nullptr);

  queue.Publish();
  std::unique_ptr<int> first;
  ASSERT_TRUE(queue.TryPop(&first));
  EXPECT_EQ(*first, 1);
  EXPECT_TRUE(queue.TryStage(std::move(third)));
  EXPECT_EQ(third, nullptr);
}

TEST(SpscQueue, KeepsTheOrderOverManyRounds) {
  SpscQueue<uint32_t> queue(8);
  uint32_t staged = 0;
  uint32_t popped = 0;
  for (int round = 0; round < 1000; ++round) {
    while (queue.TryStage(uint32_t{staged})) ++staged;
    queue.Publish();
    EXPECT_EQ(staged - popped, 8u);
    uint32_t value;
    for (int i = 0; i < round % 8 + 1 && queue.TryPop(&value); ++i) EXPECT_EQ(value, popped++);
  }
}

TEST(SpscQueue, OwnsValuesFromStageUntilPopAndKeepsNothingAfter) {
  const auto witness = std::make_shared<int>(0);
  {
    SpscQueue<std::shared_ptr<int>> queue(4);
    EXPECT_TRUE(queue.TryStage(std::shared_ptr<int>(witness)));
    EXPECT_TRUE(queue.TryStage(std::shared_ptr<int>(witness)));
    queue.Publish();
    EXPECT_TRUE(queue.TryStage(std::shared_ptr<int>(witness)));
    EXPECT_EQ(witness.use_count(), 4);
    {
      std::shared_ptr<int> popped;
      ASSERT_TRUE(queue.TryPop(&popped));
      EXPECT_EQ(witness.use_count(), 4);
    }
    EXPECT_EQ(witness.use_count(), 3) << "the slot holds no hidden copy";
  }
  EXPECT_EQ(witness.use_count(), 1);  // neither the published nor the staged one was popped
}

TEST(SpscQueueDeathTest, CapacityIsAPowerOfTwo) {
  EXPECT_DEATH(SpscQueue<int>(0), "assertion failed");
  EXPECT_DEATH(SpscQueue<int>(1), "assertion failed");
  EXPECT_DEATH(SpscQueue<int>(3), "assertion failed");
}

// Strings on the heap: a slot that is read before it was written, or written before it was read, is
// a data race and a wrong text.
TEST(SpscQueue, TwoThreadsPassEverythingInOrder) {
  constexpr uint32_t kCount = 50'000;
  SpscQueue<std::string> queue(64);
  std::thread producer([&] {
    for (uint32_t i = 0; i < kCount; ++i) {
      std::string text = "a text too long for the small buffer, number " + std::to_string(i);
      while (!queue.TryStage(std::move(text))) {
        queue.Publish();
        std::this_thread::yield();
      }
      if (i % 7 == 0) queue.Publish();
    }
    queue.Publish();
  });
  std::string text;
  for (uint32_t expected = 0; expected < kCount;) {
    if (!queue.TryPop(&text)) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(text, "a text too long for the small buffer, number " + std::to_string(expected));
    ++expected;
  }
  producer.join();
  EXPECT_TRUE(queue.Empty());
}

// The sleep protocol: the consumer says that it sleeps and looks once more; the producer publishes
// and looks whether it sleeps. One of the two must see the other, each time.
TEST(SpscQueue, NoWakeIsLostBetweenPublishAndSleep) {
  constexpr uint32_t kCount = 20'000;
  SpscQueue<uint32_t> queue(2);
  std::atomic<uint32_t> sleeping{0};
  std::atomic<uint64_t> wakes{0};
  std::thread consumer([&] {
    uint32_t value;
    uint64_t woken = 0;
    for (uint32_t expected = 0; expected < kCount;) {
      if (queue.TryPop(&value)) {
        EXPECT_EQ(value, expected++);
        continue;
      }
      sleeping.store(1, std::memory_order_seq_cst);
      if (queue.Empty()) {
        // Sleeps until it is woken, by nothing else.
        wakes.wait(woken);
        woken = wakes.load();
      }
      sleeping.store(0, std::memory_order_seq_cst);
    }
  });
  for (uint32_t i = 0; i < kCount; ++i) {
    while (!queue.TryStage(uint32_t{i})) std::this_thread::yield();
    queue.Publish();
    if (sleeping.load(std::memory_order_seq_cst) != 0 && sleeping.exchange(0) != 0) {
      wakes.fetch_add(1);
      wakes.notify_one();
    }
  }
  consumer.join();
}

}  // namespace
}  // namespace halley::base
