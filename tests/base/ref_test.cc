#include "base/ref.h"

#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace halley::base {
namespace {

struct Thing : Counted<Thing> {
  Thing(int v, int* ends) : value(v), ends_count(ends) {}
  ~Thing() { ++*ends_count; }
  int value;
  int* ends_count;
};

TEST(Ref, TheLastOneToGoEndsTheObject) {
  int ends = 0;
  {
    Ref<Thing> first(new Thing(1, &ends));
    {
      const Ref<Thing> second = first;
      EXPECT_EQ(second->value, 1);
      EXPECT_EQ(&*second, &*first);
    }
    EXPECT_EQ(ends, 0);
  }
  EXPECT_EQ(ends, 1);
}

TEST(Ref, AnEmptyOneHoldsNothing) {
  const Ref<Thing> empty;
  EXPECT_FALSE(empty);
  const Ref<Thing> copy = empty;
  EXPECT_FALSE(copy);
  const Ref<Thing> none(nullptr);
  EXPECT_FALSE(none);
}

TEST(Ref, MovingPassesTheReferenceOn) {
  int ends = 0;
  Ref<Thing> first(new Thing(1, &ends));
  Ref<Thing> second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT: what a move leaves behind is part of the contract
  EXPECT_TRUE(second);
  first = std::move(second);
  EXPECT_TRUE(first);
  EXPECT_EQ(ends, 0);
  first = Ref<Thing>();
  EXPECT_EQ(ends, 1);
}

TEST(Ref, AssignmentLetsGoOfWhatWasHeld) {
  int ends_a = 0;
  int ends_b = 0;
  Ref<Thing> a(new Thing(1, &ends_a));
  const Ref<Thing> b(new Thing(2, &ends_b));
  a = b;
  EXPECT_EQ(ends_a, 1);
  EXPECT_EQ(a->value, 2);
  Ref<Thing>& same = a;
  a = same;
  EXPECT_EQ(ends_b, 0);
  EXPECT_EQ(a->value, 2);
}

// For ThreadSanitizer, and for the count: what the threads drop and take ends exactly once.
TEST(Ref, IsCountedAcrossThreads) {
  int ends = 0;
  for (int round = 0; round < 20; ++round) {
    ends = 0;
    Ref<Thing> shared(new Thing(7, &ends));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([mine = shared] {
        for (int j = 0; j < 200; ++j) {
          const Ref<Thing> copy = mine;
          EXPECT_EQ(copy->value, 7);
        }
      });
    }
    shared = Ref<Thing>();
    for (std::thread& thread : threads) thread.join();
    // The threads' closures go with `threads`.
    threads.clear();
    ASSERT_EQ(ends, 1);
  }
}

}  // namespace
}  // namespace halley::base
