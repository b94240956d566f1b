#include "hub/lane_queue.h"

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "hub/lane_world.h"

namespace halley::hub {
namespace {

class LaneQueueTest : public testing::Test {
 protected:
  static constexpr size_t kLanes = 6;

  LaneQueueTest() {
    for (size_t i = 0; i < kLanes; ++i) {
      lanes_.push_back(std::make_unique<Lane>(wire::Encoding::kGoimTcp, nullptr,
                                              world_.limits, world_.shared));
    }
  }
  void ExpectInOrder(const std::vector<size_t>& order) {
    for (const size_t lane : order) EXPECT_EQ(queue_.PopFront(), lanes_[lane].get());
    EXPECT_TRUE(queue_.empty());
  }

  LaneWorld world_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  LaneQueue queue_;
};

TEST_F(LaneQueueTest, FirstInFirstOut) {
  EXPECT_TRUE(queue_.empty());
  for (const size_t lane : {2u, 0u, 1u}) queue_.PushBack(lanes_[lane].get());
  EXPECT_FALSE(queue_.empty());
  ExpectInOrder({2, 0, 1});
}

TEST_F(LaneQueueTest, ALaneIsTakenOutWhereverItStands) {
  for (size_t length = 1; length <= 4; ++length) {
    for (size_t removed = 0; removed < length; ++removed) {
      std::vector<size_t> left;
      for (size_t lane = 0; lane < length; ++lane) {
        queue_.PushBack(lanes_[lane].get());
        if (lane != removed) left.push_back(lane);
      }
      queue_.Remove(lanes_[removed].get());
      // And may come back, at the end.
      queue_.PushBack(lanes_[removed].get());
      left.push_back(removed);
      ExpectInOrder(left);
    }
  }
}

TEST_F(LaneQueueTest, ThoseThatLingerStandInTheOrderOfTheirTimes) {
  // Every order in which four lanes may come, two of them with the same time.
  std::vector<size_t> coming = {0, 1, 2, 3};
  const uint64_t times[] = {10, 20, 20, 30};
  do {
    std::vector<size_t> expected = coming;
    std::stable_sort(expected.begin(), expected.end(),
                     [&](size_t a, size_t b) { return times[a] < times[b]; });
    for (const size_t lane : coming) {
      lanes_[lane]->lingers_until_ns = times[lane];
      queue_.PushInOrder(lanes_[lane].get());
    }
    EXPECT_EQ(queue_.front(), lanes_[0].get());
    ExpectInOrder(expected);
  } while (std::next_permutation(coming.begin(), coming.end()));
}

TEST_F(LaneQueueTest, BehavesLikeADequeInAnyOrderOfUse) {
  std::mt19937 random(9);
  std::deque<Lane*> model;
  for (int step = 0; step < 5000; ++step) {
    Lane* lane = lanes_[random() % kLanes].get();
    const auto found = std::find(model.begin(), model.end(), lane);
    if (found == model.end()) {
      queue_.PushBack(lane);
      model.push_back(lane);
    } else if (random() % 2 == 0) {
      queue_.Remove(lane);
      model.erase(found);
    } else {
      ASSERT_EQ(queue_.PopFront(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(queue_.empty(), model.empty());
  }
}

TEST_F(LaneQueueTest, DeathOfAMisuse) {
  EXPECT_DEATH(queue_.PopFront(), "assertion failed");
  EXPECT_DEATH(queue_.Remove(lanes_[0].get()), "assertion failed");
  queue_.PushBack(lanes_[0].get());
  EXPECT_DEATH(queue_.PushBack(lanes_[0].get()), "assertion failed");
  queue_.PushBack(lanes_[1].get());
  EXPECT_DEATH(queue_.PushBack(lanes_[0].get()), "assertion failed");
}

}  // namespace
}  // namespace halley::hub
