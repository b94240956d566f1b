// The load generator's instruments: if they are wrong, so is every figure and every "nothing lost".
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "halley-load/histogram.h"
#include "halley-load/ledger.h"
#include "halley-load/pace.h"
#include "halley-load/stamp.h"
#include "halley-load/system.h"
#include "halley-load/window.h"

namespace halley::load {
namespace {

TEST(Histogram, BucketsCoverEveryValueOnceAndInOrder) {
  uint64_t begin = 0;
  for (size_t bucket = 0; begin <= Histogram::kValueMax; ++bucket) {
    const uint64_t end = Histogram::BucketEnd(bucket);
    ASSERT_GE(end, begin);
    ASSERT_EQ(Histogram::BucketOf(begin), bucket);
    ASSERT_EQ(Histogram::BucketOf(end), bucket);
    ASSERT_LE(end - begin, begin / Histogram::kSubBuckets) << "wider than promised";
    begin = end + 1;
  }
}

TEST(Histogram, PercentilesAreThoseOfTheSortedValues) {
  std::mt19937_64 random(7);
  std::vector<uint64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random() >> (24 + random() % 40));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.0, 0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double rank = std::ceil(fraction * static_cast<double>(values.size()));
    const uint64_t exact = values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
    EXPECT_GE(histogram.Percentile(fraction), exact) << fraction;
    EXPECT_LE(histogram.Percentile(fraction), exact + exact / Histogram::kSubBuckets) << fraction;
  }
  EXPECT_EQ(histogram.min(), values.front());
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.count(), values.size());
}

TEST(Histogram, MergeIsTheSameAsRecordingEverythingInOne) {
  Histogram one, two, both;
  for (uint64_t value = 1; value < 1'000'000; value = value * 3 / 2 + 1) {
    (value % 2 == 0 ? one : two).Record(value);
    both.Record(value);
  }
  one.Merge(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.min(), both.min());
  EXPECT_EQ(one.max(), both.max());
  for (double fraction = 0; fraction <= 1; fraction += 0.05) {
    EXPECT_EQ(one.Percentile(fraction), both.Percentile(fraction));
  }
}

TEST(Histogram, EmptySaysNothingAndTooLargeCountsAsTheLargest) {
  Histogram histogram;
  EXPECT_EQ(histogram.Percentile(0.5), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  histogram.Record(Histogram::kValueMax + 1);
  EXPECT_EQ(histogram.max(), Histogram::kValueMax);
  EXPECT_EQ(histogram.Percentile(0.5), Histogram::kValueMax);
}

Stamp SomeStamp() { return {0x01020304, 5, 6, 7, 8, 9}; }

TEST(Stamp, SurvivesABodyOfAnySizeFromTheSmallestOn) {
  for (size_t size = kStampBytesMin; size < kStampBytesMin + 40; ++size) {
    std::string body(size, 'x');
    WriteStamp(SomeStamp(), &body);
    Stamp read;
    ASSERT_TRUE(ReadStamp(body, &read));
    EXPECT_EQ(read.run, 0x01020304u);
    EXPECT_EQ(read.pusher, 5u);
    EXPECT_EQ(read.target, 6u);
    EXPECT_EQ(read.number, 7u);
    EXPECT_EQ(read.serial, 8u);
    EXPECT_EQ(read.sent_ns, 9u);
    EXPECT_FALSE(ReadStamp(std::string_view(body).substr(0, size - 1), &read)) << "cut short";
    EXPECT_FALSE(ReadStamp(body + "x", &read)) << "too long";
  }
}

TEST(Stamp, NoBitOfItMayChange) {
  std::string body(kStampBytesMin, 0);
  WriteStamp(SomeStamp(), &body);
  for (size_t bit = 0; bit < body.size() * 8; ++bit) {
    std::string flipped = body;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    Stamp read;
    EXPECT_FALSE(ReadStamp(flipped, &read)) << "bit " << bit;
  }
}

// One client, one pusher, unless a test says otherwise.
class LedgerTest : public testing::Test {
 protected:
  void Receive(std::initializer_list<uint32_t> numbers, uint32_t client = 0, uint32_t pusher = 0) {
    for (const uint32_t number : numbers) ledger_.Record(client, pusher, number);
  }
  // received, lost, duplicates, reordered, of a client that was sent `sent` messages.
  std::vector<uint64_t> Books(uint32_t sent) {
    ledger_.Close(0, {sent, 0});
    const LedgerCounts& c = ledger_.healthy();
    return {c.received, c.lost, c.duplicates, c.reordered};
  }
  using Expect = std::vector<uint64_t>;

  Ledger ledger_{2, 2};
};

TEST_F(LedgerTest, EverythingInOrder) {
  Receive({1, 2, 3, 4});
  EXPECT_EQ(Books(4), (Expect{4, 0, 0, 0}));
}

TEST_F(LedgerTest, NothingAtAllIsAllLost) { EXPECT_EQ(Books(4), (Expect{0, 4, 0, 0})); }

TEST_F(LedgerTest, AMissingFirstOne) {
  Receive({2, 3});
  EXPECT_EQ(Books(3), (Expect{2, 1, 0, 0}));
}

TEST_F(LedgerTest, AGapInTheMiddle) {
  Receive({1, 2, 6});
  EXPECT_EQ(Books(6), (Expect{3, 3, 0, 0}));
}

TEST_F(LedgerTest, AMissingEnd) {
  Receive({1, 2});
  EXPECT_EQ(ledger_.Missing(0, {5, 0}), 3u);
  EXPECT_EQ(Books(5), (Expect{2, 3, 0, 0}));
}

TEST_F(LedgerTest, ADuplicateOfTheLastAndOfAnOlderOne) {
  Receive({1, 2, 2, 3, 1});
  EXPECT_EQ(Books(3), (Expect{3, 0, 2, 0}));
}

TEST_F(LedgerTest, TwoChangedPlaces) {
  Receive({1, 3, 2, 4});
  EXPECT_EQ(Books(4), (Expect{4, 0, 0, 1}));
}

TEST_F(LedgerTest, TheFirstTwoChangedPlaces) {
  ledger_.BeginLife(0, {0, 0});
  Receive({2});
  EXPECT_EQ(ledger_.healthy().lost, 1u);
}

TEST_F(LedgerTest, LateAndThenAgain) {
  Receive({1, 3, 2, 2});
  EXPECT_EQ(Books(3), (Expect{3, 0, 1, 1}));
}

TEST_F(LedgerTest, MemoryEndsWhereItSays) {
  Receive({1});
  Receive({Ledger::kMemory + 2});  // a gap of 2 ... kMemory + 1
  EXPECT_EQ(ledger_.Record(0, 0, 3), Arrival::kFirst) << "as far back as it remembers";
  EXPECT_EQ(ledger_.Record(0, 0, 3), Arrival::kDuplicate);
  EXPECT_EQ(ledger_.Record(0, 0, 2), Arrival::kTooLate);
  EXPECT_EQ(Books(Ledger::kMemory + 2), (Expect{3, Ledger::kMemory - 1, 1, 2}));
}

TEST_F(LedgerTest, PushersAndClientsHaveStreamsOfTheirOwn) {
  Receive({1, 2}, 0, 0);
  Receive({1}, 0, 1);
  Receive({1, 2}, 1, 0);
  Receive({1}, 1, 1);
  ledger_.Close(0, {2, 1});
  ledger_.Close(1, {2, 1});
  EXPECT_EQ(ledger_.healthy().received, 6u);
  EXPECT_EQ(ledger_.healthy().lost, 0u);
}

TEST_F(LedgerTest, StalledClientsAreBookedApart) {
  ledger_.SetStalled(0);
  Receive({1, 4}, 0);
  Receive({1, 2, 3, 4}, 1);
  ledger_.Close(0, {5, 0});
  ledger_.Close(1, {4, 0});
  EXPECT_EQ(ledger_.stalled().lost, 3u);
  EXPECT_EQ(ledger_.stalled().received, 2u);
  EXPECT_EQ(ledger_.healthy().lost, 0u);
  EXPECT_EQ(ledger_.healthy().received, 4u);
  EXPECT_FALSE(ledger_.comparable(0));
}

TEST_F(LedgerTest, WhatCameWhileAwayIsNobodysLoss) {
  Receive({1, 2});
  ledger_.BeginLife(0, {7, 0});
  Receive({8, 9});
  EXPECT_EQ(Books(9), (Expect{4, 0, 0, 0}));
  EXPECT_FALSE(ledger_.comparable(0));
}

TEST_F(LedgerTest, ANewLifeMayBeginBeforeTheBooksWereRead) {
  Receive({1, 2});
  ledger_.BeginLife(0, {7, 0});  // 6 was under way when the login was answered
  Receive({6, 7, 8});
  EXPECT_EQ(Books(8), (Expect{5, 0, 0, 0}));
}

TEST_F(LedgerTest, ANewLifeLosesWhatItShouldHaveHad) {
  Receive({1, 2});
  ledger_.BeginLife(0, {7, 0});
  Receive({10});
  EXPECT_EQ(Books(11), (Expect{3, 3, 0, 0}));
}

TEST_F(LedgerTest, ANewLifeDoesNotTakeOldMessagesForLateOnes) {
  ledger_.BeginLife(0, {7, 0});
  Receive({9});  // 8 is lost
  EXPECT_EQ(ledger_.Record(0, 0, 8), Arrival::kFirst);
  EXPECT_EQ(ledger_.Record(0, 0, 7), Arrival::kDuplicate) << "it was before this life";
  EXPECT_EQ(Books(9), (Expect{2, 0, 1, 1}));
}

TEST_F(LedgerTest, NorWhenItsFirstMessageIsTheNextOne) {
  ledger_.BeginLife(0, {7, 0});
  Receive({8, 7});
  EXPECT_EQ(Books(8), (Expect{1, 0, 1, 0}));
}

TEST_F(LedgerTest, OrderTellsInterleavingsApartThatPushersCannotTell) {
  Receive({1}, 0, 0);
  Receive({1}, 0, 1);
  Receive({1}, 1, 1);
  Receive({1}, 1, 0);
  EXPECT_NE(ledger_.order(0), ledger_.order(1));
  EXPECT_EQ(ledger_.healthy().reordered, 0u);
}

TEST_F(LedgerTest, RandomStreamsKeepReceivedPlusLost) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    Ledger ledger(1, 1);
    const uint32_t sent = 1 + static_cast<uint32_t>(random() % 60);
    std::vector<uint32_t> numbers;
    for (uint32_t number = 1; number <= sent; ++number) {
      for (uint64_t copies = random() % 12; copies < 8; copies = copies * 2 + 3) {
        numbers.push_back(number);  // none, one or several
      }
    }
    for (size_t i = 1; i < numbers.size(); ++i) {
      if (random() % 4 == 0) std::swap(numbers[i - 1], numbers[i]);
    }
    for (const uint32_t number : numbers) ledger.Record(0, 0, number);
    ledger.Close(0, {sent});
    std::vector<uint32_t> distinct = numbers;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    EXPECT_EQ(ledger.healthy().received, distinct.size());
    EXPECT_EQ(ledger.healthy().received + ledger.healthy().lost, sent);
    EXPECT_EQ(ledger.healthy().duplicates, numbers.size() - distinct.size());
  }
}

TEST(Window, HoldsAsManyAsItsSizeUntilTheOldestIsComplete) {
  Window window(3);
  EXPECT_EQ(window.slots(), 4u);
  window.Begin(1, 2);
  window.Begin(2, 1);
  EXPECT_TRUE(window.HasRoom());
  window.Begin(3, 1);
  EXPECT_FALSE(window.HasRoom());
  EXPECT_TRUE(window.Arrived(window.SlotOf(2), 1));
  EXPECT_TRUE(window.Arrived(window.SlotOf(1), 1));
  EXPECT_FALSE(window.HasRoom()) << "the oldest still waits for one";
  EXPECT_TRUE(window.Arrived(window.SlotOf(1), 1));
  EXPECT_TRUE(window.HasRoom());
  EXPECT_FALSE(window.Idle());
  EXPECT_TRUE(window.Arrived(window.SlotOf(3), 1));
  EXPECT_TRUE(window.Idle());
}

TEST(Window, RefusesWhatItDoesNotWaitFor) {
  Window window(1);
  EXPECT_FALSE(window.Arrived(0, 1)) << "nothing was pushed";
  window.Begin(1, 2);
  EXPECT_FALSE(window.Arrived(window.SlotOf(1), 3));
  EXPECT_TRUE(window.Arrived(window.SlotOf(1), 2)) << "what was refused was not counted";
}

TEST(WindowDeathTest, APushTooManyIsAnError) {
  Window window(1);
  window.Begin(1, 1);
  EXPECT_DEATH(window.Begin(2, 1), "size_");
}

TEST(Window, APushToNobodyIsCompleteAtOnce) {
  Window window(1);
  window.Begin(1, 0);
  EXPECT_TRUE(window.HasRoom());
}

TEST(Window, ReceiversOnOtherThreadsWakeThePusher) {
  constexpr uint64_t kPushes = 2000;
  constexpr uint32_t kReceivers = 2;
  Window window(4);
  std::atomic<uint64_t> begun{0};
  std::vector<std::thread> receivers;
  for (uint32_t i = 0; i < kReceivers; ++i) {
    receivers.emplace_back([&] {
      for (uint64_t serial = 1; serial <= kPushes; ++serial) {
        while (begun.load(std::memory_order_acquire) < serial) std::this_thread::yield();
        ASSERT_TRUE(window.Arrived(window.SlotOf(serial), 1));
      }
    });
  }
  for (uint64_t serial = 1; serial <= kPushes; ++serial) {
    while (!window.HasRoom()) window.Wait(NowNs() + 1'000'000'000);
    window.Begin(serial, kReceivers);
    begun.store(serial, std::memory_order_release);
  }
  while (!window.Idle()) window.Wait(NowNs() + 1'000'000'000);
  for (std::thread& receiver : receivers) receiver.join();
}

TEST(Pace, GivesTheRateAndNoBurstAfterAPause) {
  Pace pace(1000);
  pace.Start(0);
  uint64_t taken = 0;
  for (uint64_t now_ns = 0; now_ns <= 1'000'000'000; now_ns += 300'000) {
    while (pace.Take(now_ns)) ++taken;
  }
  EXPECT_NEAR(static_cast<double>(taken), 1000, 2);
  taken = 0;
  while (pace.Take(5'000'000'000)) ++taken;
  EXPECT_EQ(taken, 20u) << "20 ms' worth";
}

TEST(Pace, SlowRatesComeToTheirTurnAndZeroNever) {
  Pace pace(0.5);
  pace.Start(0);
  EXPECT_FALSE(pace.Take(1'900'000'000));
  EXPECT_TRUE(pace.Take(2'100'000'000));
  Pace never(0);
  never.Start(0);
  EXPECT_FALSE(never.Take(uint64_t{1} << 60));
}

}  // namespace
}  // namespace halley::load
