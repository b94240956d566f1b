// Rings that wake each other.
#include <latch>
#include <set>
#include <thread>

#include "io/loopback.h"
#include "io/ring_kinds.h"
#include "io/sockets.h"

namespace halley::io {
namespace {

using testing::Next;
using testing::Ready;
using testing::RingTest;

class RingWakeTest : public RingTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, RingWakeTest, ::testing::ValuesIn(testing::kRingKinds),
                         testing::NameOfKind);

// Two threads that sleep in their rings and do nothing but wake each other.
TEST_P(RingWakeTest, WakesEndWaitsBetweenThreads) {
  constexpr int kRounds = 500;
  const auto rings = ConnectedRings(2);

  std::latch started(2);
  const auto play = [&](uint32_t self) {
    Ring* ring = rings[self].get();
    EXPECT_TRUE(ring->Start().ok());
    started.arrive_and_wait();
    if (self == 0) ring->Wake(1);
    for (int round = 0; round < kRounds; ++round) {
      const Completion woken = Next(ring);
      ASSERT_EQ(woken.tag.op, Op::kWake);
      ASSERT_EQ(woken.tag.slot, 1 - self);
      const bool last = self == 0 && round == kRounds - 1;
      if (!last) ring->Wake(1 - self);
    }
    ring->Enter(0);
  };
  const uint64_t start_ns = MonotonicNowNs();
  std::thread other([&] { play(1); });
  std::thread one([&] { play(0); });
  one.join();
  other.join();
  // Had a wait gone on to its timeout of 100 ms each time, this would take 50 s.
  EXPECT_LT(MonotonicNowNs() - start_ns, 20'000'000'000u);
}

TEST_P(RingWakeTest, AWakeOfAShardThatDoesNotRunIsSilent) {
  const auto rings = ConnectedRings(2);
  ASSERT_TRUE(rings[0]->Start().ok());
  rings[0]->Wake(1);
  EXPECT_TRUE(Ready(rings[0].get()).empty());
  EXPECT_TRUE(Ready(rings[0].get()).empty());
  // Nor does it hear of it later.
  ASSERT_TRUE(rings[1]->Start().ok());
  EXPECT_TRUE(Ready(rings[1].get()).empty());
}

TEST_P(RingWakeTest, AWakeTellsWhoseItIs) {
  constexpr uint32_t kShards = 70;
  const auto rings = ConnectedRings(kShards);
  std::set<uint32_t> wakers;
  for (const auto& ring : rings) ASSERT_TRUE(ring->Start().ok());
  for (uint32_t shard = 1; shard < kShards; ++shard) {
    rings[shard]->Wake(0);
    rings[shard]->Enter(0);
    wakers.insert(shard);
  }
  while (!wakers.empty()) {
    const Completion woken = Next(rings[0].get());
    ASSERT_EQ(woken.tag.op, Op::kWake);
    EXPECT_EQ(wakers.erase(woken.tag.slot), 1u) << woken.tag.slot;
  }
  EXPECT_TRUE(Ready(rings[0].get()).empty());
  EXPECT_TRUE(Ready(rings[1].get()).empty());
}

}  // namespace
}  // namespace halley::io
