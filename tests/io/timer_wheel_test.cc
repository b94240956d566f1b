#include "io/timer_wheel.h"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace halley::io {
namespace {

constexpr uint64_t kTick = TimerWheel::kTickNs;
constexpr size_t kNoBudget = SIZE_MAX;
// An odd start, so that the wheel's origin and the clock's differ.
constexpr uint64_t kStart = 1000 * kTick + 12345;

std::vector<uint32_t> Expire(TimerWheel* wheel, uint64_t now_ns) {
  std::vector<uint32_t> expired;
  EXPECT_TRUE(wheel->Advance(now_ns, kNoBudget, &expired));
  return expired;
}

TEST(TimerWheel, FiresNeverEarlyAndAtMostATickLate) {
  for (const uint64_t delay : {uint64_t{1}, kTick - 12345, kTick, 10 * kTick + 7, 5000 * kTick}) {
    TimerWheel wheel(kStart);
    wheel.Set(7, kStart + delay);
    EXPECT_TRUE(Expire(&wheel, kStart + delay - 1).empty()) << delay;
    EXPECT_EQ(Expire(&wheel, kStart + delay + kTick), std::vector<uint32_t>{7}) << delay;
    EXPECT_FALSE(wheel.IsSet(7));
    EXPECT_TRUE(Expire(&wheel, kStart + delay + 10'000 * kTick).empty());
  }
}

TEST(TimerWheel, APastDeadlineFiresWithTheNextTick) {
  TimerWheel wheel(kStart);
  EXPECT_TRUE(Expire(&wheel, kStart + 5 * kTick).empty());
  wheel.Set(1, 0);
  wheel.Set(2, kStart);
  EXPECT_EQ(Expire(&wheel, kStart + 6 * kTick).size(), 2u);
}

TEST(TimerWheel, SettingAgainMovesAndClearingForgets) {
  TimerWheel wheel(kStart);
  wheel.Set(1, kStart + 2 * kTick);
  wheel.Set(1, kStart + 20 * kTick);
  wheel.Set(2, kStart + 20 * kTick);
  wheel.Set(2, kStart + 2 * kTick);
  wheel.Set(3, kStart + 2 * kTick);
  wheel.Clear(3);
  wheel.Clear(3);
  wheel.Clear(4'000'000);  // never seen
  EXPECT_EQ(wheel.size(), 2u);
  EXPECT_EQ(Expire(&wheel, kStart + 3 * kTick), std::vector<uint32_t>{2});
  EXPECT_EQ(Expire(&wheel, kStart + 21 * kTick), std::vector<uint32_t>{1});
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheel, NextDeadlineIsNeverLate) {
  TimerWheel wheel(kStart);
  EXPECT_EQ(wheel.NextDeadlineNs(), TimerWheel::kNever);
  wheel.Set(1, kStart + 100 * kTick);
  const uint64_t first = wheel.NextDeadlineNs();
  EXPECT_GE(first, kStart + 100 * kTick);
  EXPECT_LT(first, kStart + 101 * kTick);
  wheel.Set(2, kStart + 3 * kTick);
  EXPECT_LT(wheel.NextDeadlineNs(), kStart + 4 * kTick);
  EXPECT_EQ(Expire(&wheel, wheel.NextDeadlineNs()), std::vector<uint32_t>{2});
  EXPECT_EQ(Expire(&wheel, wheel.NextDeadlineNs()), std::vector<uint32_t>{1});
  EXPECT_EQ(wheel.NextDeadlineNs(), TimerWheel::kNever);
}

TEST(TimerWheel, ADeadlineBeyondTheCircumferenceTakesItsTime) {
  TimerWheel wheel(kStart, 64);
  wheel.Set(1, kStart + 1000 * kTick);
  uint64_t now = kStart;
  for (int steps = 0; wheel.size() > 0; ++steps) {
    ASSERT_LT(steps, 100);
    now = wheel.NextDeadlineNs();
    ASSERT_LE(now, kStart + 1001 * kTick);
    Expire(&wheel, now);
  }
  EXPECT_GE(now, kStart + 1000 * kTick);
}

TEST(TimerWheel, EndlessDeadlinesAreKept) {
  TimerWheel wheel(kStart);
  wheel.Set(1, ~uint64_t{0});
  EXPECT_TRUE(Expire(&wheel, kStart + 1'000'000 * kTick).empty());
  EXPECT_TRUE(wheel.IsSet(1));
}

TEST(TimerWheel, ABudgetCutsTheWorkAndLosesNothing) {
  constexpr uint32_t kCount = 1000;
  TimerWheel wheel(kStart, 64);
  // All in one bucket; every second one is for a later round.
  for (uint32_t id = 0; id < kCount; ++id) wheel.Set(id, kStart + (id % 2 ? 70 : 6) * kTick);
  std::vector<uint32_t> expired;
  int calls = 1;
  while (!wheel.Advance(kStart + 8 * kTick, 64, &expired)) {
    ASSERT_LE(++calls, 20);
    EXPECT_LE(wheel.NextDeadlineNs(), kStart + 8 * kTick) << "there is more to do now";
    if (calls == 3) {
      wheel.Set(5000, kStart);            // overdue: the bucket at hand must not swallow it
      for (uint32_t id = 400; id < 450; ++id) wheel.Clear(id);
    }
  }
  EXPECT_EQ(std::count(expired.begin(), expired.end(), 5000u), 1);
  EXPECT_GE(calls, 15);
  size_t expected = 1;
  for (uint32_t id = 0; id < kCount; id += 2) {
    const auto fired = std::count(expired.begin(), expired.end(), id);
    EXPECT_LE(fired, 1);
    if (id < 400 || id >= 450) {
      EXPECT_EQ(fired, 1) << id;
    }
    expected += static_cast<size_t>(fired);
  }
  EXPECT_EQ(expired.size(), expected);
  EXPECT_EQ(Expire(&wheel, kStart + 72 * kTick).size(), kCount / 2 - 25);
}

TEST(TimerWheel, IdsReachTheirLimit) {
  TimerWheel wheel(kStart);
  wheel.Set(TimerWheel::kIdMax, kStart + kTick);
  EXPECT_TRUE(wheel.IsSet(TimerWheel::kIdMax));
  EXPECT_FALSE(wheel.IsSet(TimerWheel::kIdMax - 1));
  EXPECT_DEATH(wheel.Set(TimerWheel::kIdMax + 1, kStart), "assertion failed");
}

// Against a sorted map, with steps of every size: within a tick, over many, over whole rounds.
TEST(TimerWheel, AgreesWithASortedMap) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    std::mt19937_64 random(seed);
    TimerWheel wheel(kStart, 64);
    std::map<uint32_t, uint64_t> model;  // id -> deadline
    uint64_t now = kStart;
    for (int step = 0; step < 20'000; ++step) {
      const auto id = static_cast<uint32_t>(random() % 300);
      switch (random() % 8) {
        case 0:
          wheel.Clear(id);
          model.erase(id);
          break;
        case 1: {
          now += random() % (random() % 50 == 0 ? 200 * kTick : kTick);
          std::vector<uint32_t> expired;
          const bool done = wheel.Advance(now, 1 + random() % 40, &expired);
          for (const uint32_t fired : expired) {
            ASSERT_TRUE(model.contains(fired));
            ASSERT_LE(model[fired], now) << "early";
            model.erase(fired);
          }
          for (const auto& [left, deadline] : model) {
            ASSERT_TRUE(!done || deadline + 2 * kTick > now) << left << " is late";
            ASSERT_LE(wheel.NextDeadlineNs(), std::max(now, deadline) + 2 * kTick);
          }
          break;
        }
        default: {
          const uint64_t range = random() % 10 == 0 ? 300 * kTick : 10 * kTick;
          const uint64_t deadline = now + random() % range;
          wheel.Set(id, deadline);
          model[id] = deadline;
        }
      }
      ASSERT_EQ(wheel.size(), model.size());
    }
  }
}

}  // namespace
}  // namespace halley::io
