// What a lane lets go, of whom, and how a pace holds it back.
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hub/lane.h"
#include "hub/lane_world.h"

namespace halley::hub {
namespace {

constexpr size_t kPage = PagePool::kBlockBytes;
constexpr uint64_t kMs = 1'000'000;

std::string Text(size_t bytes, uint64_t salt) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('A' + (salt * 7 + i) % 57);
  return text;
}

LaneLimits Limits(uint64_t bytes, uint64_t messages, Overflow overflow = Overflow::kSkip) {
  LaneLimits limits;
  limits.log_bytes = bytes;
  limits.log_messages = messages;
  limits.overflow = overflow;
  return limits;
}

TEST(LaneLimits, NothingIsLetGoUpToTheLimit) {
  LaneWorld world(Limits(1000, 8));
  world.Join(0);
  world.Join(1);
  world.MakeLagging(0);
  for (int i = 0; i < 8; ++i) world.Append(Text(125, 1));
  world.Enforce(0);
  EXPECT_EQ(world.lane->log().messages_held(), 8u);
  EXPECT_EQ(world.skipped(), 0u);
  world.SendAll();
  world.CatchUp(0);
  EXPECT_TRUE(world.HasAll(0));
}

TEST(LaneLimits, OneByteMoreLetsAQuarterGo) {
  LaneWorld world(Limits(1000, 100));
  world.Join(0);
  world.Join(1);
  world.MakeLagging(0);
  for (int i = 0; i < 10; ++i) world.Append(Text(100, 1));
  world.SendAll();
  world.Enforce(0);
  EXPECT_EQ(world.skipped(), 0u);
  world.Append("x");
  world.SendAll();
  world.Enforce(0);
  // 750 bytes may stay: seven of a hundred and the one of one.
  EXPECT_EQ(world.lane->log().bytes_held(), 701u);
  EXPECT_EQ(world.skipped(), 3u);
  EXPECT_EQ(world.places[0], 300u);
  world.CatchUp(0);
  EXPECT_TRUE(world.HasAll(0) && world.InSync(0));
  EXPECT_EQ(world.books.delivered, 11u + 8u);
}

TEST(LaneLimits, OneMessageMoreLetsAQuarterGo) {
  LaneWorld world(Limits(1 << 20, 8));
  world.Join(0);
  world.Join(1);
  world.MakeLagging(0);
  for (int i = 0; i < 9; ++i) world.Append("text");
  world.SendAll();
  world.Enforce(0);
  EXPECT_EQ(world.lane->log().messages_held(), 6u);
  EXPECT_EQ(world.skipped(), 3u);
}

TEST(LaneLimits, WhatEverybodyHasIsLetGoWithoutSkipping) {
  LaneWorld world(Limits(1000, 100));
  world.Join(0);
  world.Join(1);
  world.MakeLagging(0);
  world.Append(Text(900, 1));
  world.SendAll();
  world.CatchUp(0, 900);
  world.MakeLagging(0);
  world.Append(Text(200, 2));
  world.SendAll();
  world.Enforce(0);
  EXPECT_EQ(world.skipped(), 0u);
  EXPECT_EQ(world.lane->log().bytes_held(), 200u);
}

// --- members in sync, when even the passes cannot follow

TEST(LaneLimits, MembersInSyncSkipTooWhenNoPassIsUnderWay) {
  LaneWorld world(Limits(1000, 100, Overflow::kClose));
  for (uint32_t slot = 0; slot < 3; ++slot) world.Join(slot);
  for (int i = 0; i < 11; ++i) world.Append(Text(100, 1));
  world.Enforce(0);
  EXPECT_EQ(world.skipped(), 3u * 4);
  // They are not to blame.
  EXPECT_TRUE(world.too_slow.empty());
  world.SendAll();
  for (uint32_t slot = 0; slot < 3; ++slot) EXPECT_TRUE(world.HasAll(slot));
}

TEST(LaneLimits, APassThatIsOvertakenEnds) {
  LaneWorld world(Limits(1000, 100));
  for (uint32_t slot = 0; slot < 5; ++slot) world.Join(slot);
  for (int i = 0; i < 2; ++i) world.Append(Text(100, 1));
  EXPECT_EQ(world.SendSlice(2).size(), 2u);
  world.Join(7);  // waits for the passes, and is overtaken too
  for (int i = 0; i < 10; ++i) world.Append(Text(100, 2));
  world.Enforce(0);
  // 12 were appended, 7 are kept. Two members have 2, three have none, one came after 2.
  EXPECT_EQ(world.skipped(), 2u * 3 + 3u * 5 + 3u);
  world.SendAll();
  for (const auto& [slot, place] : world.places) {
    world.CatchUp(slot);
    EXPECT_TRUE(world.HasAll(slot) && world.InSync(slot)) << slot;
  }
}

TEST(LaneLimits, APassThatIsOvertakenInPartGoesOnFromThere) {
  LaneWorld world(Limits(1000, 100));
  for (uint32_t slot = 0; slot < 5; ++slot) world.Join(slot);
  for (int i = 0; i < 10; ++i) world.Append(Text(100, static_cast<uint64_t>(i)));
  EXPECT_EQ(world.SendSlice(2).size(), 2u);
  world.Append("x");
  world.Enforce(0);
  EXPECT_EQ(world.skipped(), 3u * 3);
  EXPECT_EQ(world.lane->Target().offset, 1000u);
  world.SendAll();
  for (uint32_t slot = 0; slot < 5; ++slot) EXPECT_TRUE(world.HasAll(slot)) << slot;
  EXPECT_EQ(world.books.delivered, 5u * 11 - 9);
}

TEST(LaneLimits, OneThatLagsAtTheLostBeginningOfAPassRejoinsIt) {
  LaneWorld world(Limits(1000, 100));
  for (uint32_t slot = 0; slot < 4; ++slot) world.Join(slot);
  for (int i = 0; i < 10; ++i) world.Append(Text(100, 1));
  const std::vector<uint32_t> reached = world.SendSlice(1, [](uint32_t, uint64_t) { return 0; });
  world.Append("x");
  world.Enforce(0);
  world.CatchUp(reached.front(), 0);
  EXPECT_TRUE(world.InSync(reached.front()));
  EXPECT_EQ(world.places[reached.front()], 300u);
  world.SendAll();
  EXPECT_TRUE(world.HasAll(reached.front()));
}

// --- policies

TEST(LaneLimits, SkipGoesOnAtTheOldestMessageKept) {
  LaneWorld world(Limits(1000, 100, Overflow::kSkip));
  world.Join(0);
  world.MakeLagging(0);
  for (int i = 0; i < 11; ++i) world.Append(Text(100, static_cast<uint64_t>(i)));
  world.Enforce(0);
  EXPECT_EQ(world.places[0], 400u);
  EXPECT_TRUE(world.too_slow.empty());
  EXPECT_FALSE(world.lane->Torn(world.Index(0)));
}

TEST(LaneLimits, LatestGoesOnAtTheNewestMessage) {
  LaneWorld world(Limits(1000, 100, Overflow::kLatest));
  world.Join(0);
  world.Join(1);
  world.MakeLagging(0);
  for (int i = 0; i < 11; ++i) world.Append(Text(100, static_cast<uint64_t>(i)));
  // The passes have not come so far: the newest is ahead of them.
  world.Enforce(0);
  EXPECT_EQ(world.places[0], 1000u);
  EXPECT_EQ(world.skipped(), 10u + 4u);
  world.CatchUp(0);
  EXPECT_EQ(world.places[0], 1000u);
  world.SendAll();
  EXPECT_EQ(world.behind, std::set<uint32_t>{0});
  world.CatchUp(0);
  EXPECT_TRUE(world.HasAll(0) && world.HasAll(1) && world.InSync(0));
}

TEST(LaneLimits, LatestWhenAgeLeavesNoMessageAtAll) {
  LaneLimits limits = Limits(1 << 20, 100, Overflow::kLatest);
  limits.log_age_ms = 10;
  LaneWorld world(limits);
  world.Join(0);
  world.Join(1);
  world.Append("first", 0);
  world.Append("second", 0);
  world.SendSlice(2, [](uint32_t slot, uint64_t bytes) {
    return slot == 0 ? 2 : static_cast<int32_t>(bytes);
  });
  world.Enforce(100);
  EXPECT_EQ(world.lane->log().bytes_held(), 0u);
  EXPECT_EQ(world.remainders, std::vector<std::string>{"rst"});
  EXPECT_EQ(world.skipped(), 1u);
  world.CatchUp(0);
  EXPECT_TRUE(world.InSync(0));
}

TEST(LaneLimits, CloseNamesThoseWhoSkipped) {
  LaneWorld world(Limits(1000, 100, Overflow::kClose));
  for (uint32_t slot = 0; slot < 3; ++slot) world.Join(slot);
  world.MakeLagging(0);
  for (int i = 0; i < 5; ++i) world.Append(Text(100, 1));
  world.SendAll();
  world.MakeLagging(1);
  for (int i = 0; i < 6; ++i) world.Append(Text(100, 1));
  world.SendAll();
  world.Enforce(0);
  EXPECT_EQ(world.too_slow, std::vector<uint32_t>{0});
}

// A client that was sent any part of a message gets the rest of it, wherever pages end.
TEST(LaneLimits, TheRestOfATornMessageIsHandedOver) {
  constexpr size_t kLength = 2 * kPage + 500;
  for (const uint64_t taken : {uint64_t{1}, uint64_t{499}, kPage - 1, kPage, kPage + 1, 2 * kPage,
                               uint64_t{kLength - 1}}) {
    for (const Overflow overflow : {Overflow::kSkip, Overflow::kLatest, Overflow::kClose}) {
      SCOPED_TRACE(testing::Message() << taken << " " << static_cast<int>(overflow));
      LaneWorld world(Limits(4 * kPage, 100, overflow));
      world.Join(0);
      world.Join(1);
      const std::string text = Text(kLength, taken);
      world.Append("some whole message");
      world.SendAll();
      world.Append(text);
      world.SendSlice(2, [&](uint32_t slot, uint64_t bytes) {
        return static_cast<int32_t>(slot == 0 ? taken : bytes);
      });
      world.Append(Text(kPage, 2));
      world.Append(Text(kPage, 3));
      world.SendAll();
      world.Enforce(0);
      EXPECT_EQ(world.remainders, std::vector<std::string>{text.substr(taken)});
      EXPECT_EQ(world.skipped(), overflow == Overflow::kLatest ? 1u : 0u);
      world.CatchUp(0);
      EXPECT_TRUE(world.HasAll(0) && world.InSync(0));
    }
  }
}

// --- age

TEST(LaneLimits, AgeIsForThoseWhoLag) {
  LaneLimits limits;
  limits.log_age_ms = 1000;
  LaneWorld world(limits);
  for (uint32_t slot = 0; slot < 4; ++slot) world.Join(slot);
  world.MakeLagging(0);
  world.Append("old", 5000);
  world.SendSlice(1);
  world.Enforce(6000);
  EXPECT_EQ(world.skipped(), 0u);
  // A pass that is under way keeps what it has yet to send, and with it what the member lacks.
  world.Enforce(9000);
  EXPECT_EQ(world.skipped(), 0u);
  world.SendAll();
  EXPECT_EQ(world.lane->log().bytes_held(), 3u);
  world.Enforce(6000);
  EXPECT_EQ(world.skipped(), 0u);
  world.Enforce(6001);
  EXPECT_EQ(world.skipped(), 1u);
  EXPECT_EQ(world.lane->log().bytes_held(), 0u);
  EXPECT_EQ(world.pages.in_use_bytes(), 0u);
  world.CatchUp(0);
  EXPECT_TRUE(world.InSync(0));
}

// --- pace

TEST(LanePace, SendsWhatAFiftiethOfASecondAllowsAndWaits) {
  LaneWorld world;
  for (uint32_t slot = 0; slot < 100; ++slot) world.Join(slot);
  world.Append("paced", 0, 1000);  // twenty in 20 ms
  uint64_t now_ns = 1000 * kMs;
  EXPECT_EQ(world.SendSlice(64, LaneWorld::All, now_ns).size(), 20u);
  EXPECT_EQ(world.lane->paced_until_ns(), now_ns + 20 * kMs);
  EXPECT_TRUE(world.SendSlice(64, LaneWorld::All, now_ns + 20 * kMs - 1).empty());
  EXPECT_TRUE(world.lane->grown());
  // Fewer at once wait for less long.
  now_ns += 20 * kMs;
  EXPECT_EQ(world.SendSlice(5, LaneWorld::All, now_ns).size(), 5u);
  EXPECT_EQ(world.lane->paced_until_ns(), now_ns + 5 * kMs);
  for (size_t left = 75; left > 0;) {
    now_ns = world.lane->paced_until_ns();
    left -= world.SendSlice(64, LaneWorld::All, now_ns).size();
  }
  EXPECT_FALSE(world.lane->grown());
  EXPECT_EQ(world.lane->paced_until_ns(), 0u);
  EXPECT_EQ(now_ns, 1085 * kMs);  // when the last fifteen went
}

TEST(LanePace, ASlowPaceSendsOneAtATime) {
  LaneWorld world;
  for (uint32_t slot = 0; slot < 3; ++slot) world.Join(slot);
  world.Append("paced", 0, 2);
  EXPECT_EQ(world.SendSlice(64, LaneWorld::All, 1).size(), 1u);
  EXPECT_EQ(world.lane->paced_until_ns(), 1 + 500 * kMs);
  EXPECT_EQ(world.SendSlice(64, LaneWorld::All, 1 + 500 * kMs).size(), 1u);
}

TEST(LanePace, GoesMessageByMessageAndEndsWithThePacedOnes) {
  LaneWorld world;
  for (uint32_t slot = 0; slot < 10; ++slot) world.Join(slot);
  world.Append("free");
  world.Append("paced", 0, 500);
  world.Append("behind it");
  world.Append("and this");
  uint64_t now_ns = 1;
  // What came before waits for its turn too: two messages, each to ten members.
  for (uint64_t sent = 0; sent < 20; now_ns = world.lane->paced_until_ns()) {
    sent += world.SendSlice(64, LaneWorld::All, now_ns).size();
    if (sent < 20) {
      EXPECT_GT(world.lane->paced_until_ns(), now_ns);
    }
  }
  EXPECT_EQ(world.books.delivered, 20u);
  // The rest goes at once, in one span.
  EXPECT_EQ(world.SendSlice(64, LaneWorld::All, 0).size(), 10u);
  EXPECT_FALSE(world.lane->grown());
}

TEST(LanePace, ALaneThatEmptiesHasNoPace) {
  LaneWorld world;
  world.Join(0);
  world.Join(1);
  world.Append("paced", 0, 1);
  EXPECT_EQ(world.SendSlice(1, LaneWorld::All, 1).size(), 1u);
  world.Leave(0);
  world.Leave(1);
  EXPECT_EQ(world.lane->paced_until_ns(), 0u);
  world.Join(2);
  world.Append("free");
  EXPECT_EQ(world.SendSlice(1, LaneWorld::All, 1).size(), 1u);
}

// --- all together

void RandomStep(LaneWorld& world, std::mt19937& random, uint64_t* now_ms) {
  const auto below = [&](uint64_t limit) { return random() % limit; };
  const auto slot = static_cast<uint32_t>(below(12));
  const bool here = world.places.count(slot) > 0;
  *now_ms += below(5);
  switch (below(10)) {
    case 0:
    case 1:
      if (here && below(3) == 0) world.Leave(slot);
      if (!here) world.Join(slot);
      break;
    case 2:
    case 3:
      world.Append(Text(1 + below(below(5) == 0 ? 3 * kPage : 90), random()), *now_ms,
                   static_cast<uint32_t>(below(6) == 0 ? 1 + below(5000) : 0));
      world.Enforce(*now_ms);
      break;
    case 4:
      world.Enforce(*now_ms);
      break;
    case 5:
      if (here && world.InSync(slot)) world.MakeLagging(slot);
      break;
    case 6:
      if (here) world.CatchUp(slot, below(2) == 0 ? UINT64_MAX : below(200));
      break;
    default:
      world.SendSlice(
          1 + below(4),
          [&](uint32_t, uint64_t bytes) {
            return static_cast<int32_t>(below(3) == 0 ? below(bytes) : bytes);
          },
          *now_ms * kMs);
  }
}

TEST(LaneLimits, HoldInAnyOrderOfThings) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    LaneLimits limits = Limits(2000 + random() % 60'000, 5 + random() % 60,
                               static_cast<Overflow>(random() % 3));
    limits.log_age_ms = 10 + random() % 1000;
    limits.span_bytes = 1 + random() % 20'000;
    LaneWorld world(limits);
    uint64_t now_ms = 1'000'000;
    for (int step = 0; step < 400; ++step) RandomStep(world, random, &now_ms);
    // The pace lets everything go in the end.
    for (int turn = 0; world.lane->grown() && turn < 100'000; ++turn) {
      world.SendSlice(8, LaneWorld::All, world.lane->paced_until_ns());
    }
    for (const auto& [slot, place] : world.places) {
      world.CatchUp(slot);
      EXPECT_TRUE(world.HasAll(slot)) << slot;
    }
    if (testing::Test::HasFailure()) return;
  }
}

// --- under pressure

uint64_t SkippedForMemory(const LaneWorld& world) {
  return world.books.skipped[static_cast<size_t>(SkipReason::kMemory)];
}

TEST(LanePressure, ShortLogsKeepAQuarterForWhoLags) {
  LaneWorld world(Limits(1000, 100));
  for (uint32_t slot = 0; slot < 3; ++slot) world.Join(slot);
  world.MakeLagging(2);
  for (int i = 0; i < 9; ++i) {
    world.Append(Text(100, static_cast<uint64_t>(i)));
    world.SendAll();
  }
  world.Enforce(0);
  EXPECT_EQ(SkippedForMemory(world), 0u);
  world.pressure.short_logs = true;
  world.Enforce(0);
  EXPECT_EQ(SkippedForMemory(world), 7u);
  EXPECT_EQ(world.lane->log().bytes_held(), 200u);
  world.CatchUp(2);
  EXPECT_TRUE(world.HasAll(2));
}

TEST(LanePressure, RoomsOfTheLowClassKeepNothingForWhoLags) {
  for (const bool low : {false, true}) {
    LaneLimits limits = Limits(1000, 100);
    limits.low_class = low;
    LaneWorld world(limits);
    for (uint32_t slot = 0; slot < 3; ++slot) world.Join(slot);
    world.MakeLagging(2);
    for (int i = 0; i < 3; ++i) {
      world.Append(Text(50, static_cast<uint64_t>(i)));
      world.SendAll();
    }
    world.pressure.skip_low = true;
    world.Enforce(0);
    EXPECT_EQ(SkippedForMemory(world), low ? 3u : 0u);
    EXPECT_EQ(world.lane->log().bytes_held(), low ? 0u : 150u);
  }
}

// What members in sync have yet to get is kept, however scarce memory is.
TEST(LanePressure, MembersInSyncLoseNothing) {
  LaneLimits limits = Limits(1000, 100);
  limits.low_class = true;
  LaneWorld world(limits);
  for (uint32_t slot = 0; slot < 4; ++slot) world.Join(slot);
  world.MakeLagging(3);
  world.Append(Text(300, 1));
  EXPECT_EQ(world.SendSlice(2).size(), 2u);
  world.Append(Text(300, 2));
  world.pressure = {.short_logs = true, .skip_low = true};
  world.Enforce(0);
  EXPECT_EQ(SkippedForMemory(world), 0u);
  world.SendAll();
  for (uint32_t slot = 0; slot < 3; ++slot) EXPECT_TRUE(world.HasAll(slot)) << slot;
  world.Enforce(0);
  EXPECT_EQ(SkippedForMemory(world), 2u);
}

}  // namespace
}  // namespace halley::hub
