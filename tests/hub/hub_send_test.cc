// What the hub gives out: the order of sources, full sockets, turns, pace.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hub/hub_fixture.h"

namespace halley::hub {
namespace {

constexpr uint64_t kMs = 1'000'000;

// --- sources and their order

TEST_F(HubTest, RepliesGoFirstThenPersonalThenBroadcastThenRooms) {
  Start();
  Add(1);
  Join(1, "room");
  // Full, so that everything waits.
  Reply(1, 100);
  FlushOwn([](uint32_t, uint64_t) { return 0; });
  PushRoom("room", 30);
  PushAll(40);
  PushKey("key", 50);
  Reply(1, 60);
  FlushLane();
  hub_->OnWritable(1);
  SendPlan plan;
  ASSERT_TRUE(hub_->PlanOne(1, &plan));
  std::vector<uint64_t> lengths;
  for (uint32_t i = 0; i < plan.parts_count; ++i) lengths.push_back(plan.parts[i].iov_len);
  EXPECT_EQ(lengths, (std::vector<uint64_t>{WireBytes(100) + WireBytes(60), WireBytes(50),
                                            WireBytes(40), WireBytes(30)}));
  Receive(1, {plan.parts, plan.parts_count}, static_cast<int64_t>(Hub::PlanBytes(plan)));
  hub_->SettleOwn(plan, static_cast<int64_t>(Hub::PlanBytes(plan)));
  ExpectServed(1);
}

// One send that carries something of every source is cut at every byte; what comes afterwards must
// not get between the pieces.
TEST_F(HubTest, AMessageBegunIsFinishedFirstWhateverItsSource) {
  constexpr uint64_t kTotal = 2 * 26 + 36 + 37 + 38;
  for (uint64_t cut = 0; cut < kTotal; ++cut) {
    for (const bool leaves : {false, true}) {
      SCOPED_TRACE(testing::Message() << "cut at " << cut << (leaves ? ", leaves" : ""));
      model_ = HubModel();
      Start();
      Add(1);
      Join(1, "room");
      Reply(1);
      FlushOwn([](uint32_t, uint64_t) { return 0; });
      Reply(1);
      PushKey("key", 20);
      PushAll(21);
      PushRoom("room", 22);
      FlushLane();
      FlushLane();
      hub_->OnWritable(1);
      FlushOwn([&](uint32_t, uint64_t bytes) {
        EXPECT_EQ(bytes, kTotal);
        return static_cast<int64_t>(cut);
      });
      EXPECT_TRUE(FlushOwn().empty());
      Reply(1);
      PushKey("key", 9);
      if (leaves) {
        LeaveRooms(1);
        EXPECT_TRUE(hub_->AddAccepts(1, {kOp + 1}));
        model_.SetOps(1, {kOp, kOp + 1});
        Join(1, "other");
        PushRoom("other");
      }
      PushAll(10);
      FlushLane();
      FlushLane();
      hub_->OnWritable(1);
      FlushEverything();
      ExpectServed(1);
      EXPECT_EQ(Skipped(SkipReason::kOverflow), 0u);
      Remove(1);
      if (HasFailure()) return;
    }
  }
}

TEST_F(HubTest, APlanEndsWithinAMessageAndGoesOnThere) {
  HubLimits limits;
  limits.personal_queue_bytes = 1 << 20;
  Start(limits);
  Add(1);
  Join(1, "room");
  PushKey("key", 50'000);
  PushRoom("room");
  std::vector<uint64_t> sent;
  for (int i = 0; hub_->HasWork() && i < 20; ++i) {
    FlushOwn([&](uint32_t, uint64_t bytes) {
      sent.push_back(bytes);
      return static_cast<int64_t>(bytes);
    });
    // Nothing of the room's may come between.
    FlushLane();
    Reply(1);
  }
  EXPECT_GT(sent.size(), 2u);
  FlushEverything();
  ExpectServed(1);
}

// --- blocked and dead

TEST_F(HubTest, NothingIsPlannedForAChannelThatIsFull) {
  Start();
  Add(1);
  Join(1, "room");
  PushRoom("room");
  EXPECT_EQ(FlushLane([](uint32_t, uint64_t) { return 5; }), Slots{1});
  PushRoom("room");
  PushKey("key", 10);
  Reply(1);
  EXPECT_TRUE(FlushOwn().empty());
  EXPECT_TRUE(FlushLane().empty());
  SendPlan plan;
  EXPECT_FALSE(hub_->PlanOne(1, &plan));
  EXPECT_FALSE(hub_->HasWork());
  EXPECT_FALSE(hub_->Drained(1));
  hub_->OnWritable(1);
  hub_->OnWritable(1);
  EXPECT_EQ(FlushOwn(), Slots{1});
  ExpectServed(1);
}

TEST_F(HubTest, NothingIsSentToAMutedChannelButWordsOfItsOwn) {
  Start();
  Add(1);
  hub_->Mute(1);
  Join(1, "room");
  PushRoom("room");
  PushAll();
  PushKey("key", 10);
  EXPECT_TRUE(FlushOwn().empty());
  EXPECT_TRUE(FlushLane().empty());
  Reply(1);
  EXPECT_TRUE(FlushOwn().empty());
  SendPlan plan;
  ASSERT_TRUE(hub_->PlanOne(1, &plan));
  EXPECT_EQ(Hub::PlanBytes(plan), WireBytes(10));
  Receive(1, {plan.parts, plan.parts_count}, static_cast<int64_t>(Hub::PlanBytes(plan)));
  hub_->SettleOwn(plan, static_cast<int64_t>(Hub::PlanBytes(plan)));
  // It is muted still.
  PushRoom("room");
  EXPECT_TRUE(FlushOwn().empty());
  EXPECT_TRUE(FlushLane().empty());
  EXPECT_FALSE(hub_->HasWork());
  hub_->Unmute(1);
  hub_->Unmute(1);
  FlushEverything();
  ExpectServed(1);
  PushAll();
  EXPECT_EQ(FlushLane(), Slots{1});
}

TEST_F(HubTest, AWritableEdgeForOneWhoWaitsForNothingIsNothing) {
  Start();
  Add(1);
  hub_->OnWritable(1);
  EXPECT_FALSE(hub_->HasWork());
  Remove(1);
  hub_->OnWritable(1);
  EXPECT_FALSE(hub_->HasWork());
}

TEST_F(HubTest, WhatAClosedChannelHadYetToGetIsSkipped) {
  Start();
  Add(1, "gone", 5);
  Add(2, "stays", 5);
  Join(1, "room");
  Join(2, "room");
  PushRoom("room");
  PushRoom("room");
  PushAll();
  PushKey("gone", 10);
  FlushOwn([](uint32_t, uint64_t) { return -104; });
  Remove(1);
  EXPECT_EQ(Skipped(SkipReason::kClosed), 4u);
  FlushEverything();
  ExpectServed(2);
  EXPECT_EQ(hub_->Books().delivered, 3u);
  EXPECT_FALSE(hub_->IsOnline("gone"));
  EXPECT_FALSE(hub_->Live(1));
}

TEST_F(HubTest, ASlotMayBeTakenAgainAtOnce) {
  Start();
  Add(1);
  Join(1, "room");
  PushRoom("room");
  Reply(1);
  FlushLane([](uint32_t, uint64_t) { return 3; });
  Remove(1);
  Add(1, "somebody else");
  EXPECT_TRUE(FlushOwn().empty());
  PushAll();
  FlushEverything();
  ExpectServed(1);
}

// --- fan-out over several lanes

TEST_F(HubTest, LanesTakeTurns) {
  Start();
  for (uint32_t slot = 0; slot < 6; ++slot) {
    Add(slot, "key", 0, {});
    Join(slot, slot < 4 ? "big" : "small");
  }
  PushRoom("big");
  PushRoom("small");
  std::vector<std::string> turns;
  for (Slots slots = FlushLane(All, 1); !slots.empty(); slots = FlushLane(All, 1)) {
    turns.push_back(slots[0] < 4 ? "big" : "small");
  }
  EXPECT_EQ(turns, (std::vector<std::string>{"big", "small", "big", "small", "big", "big"}));
}

TEST_F(HubTest, ChannelsTakeTurns) {
  Start();
  for (uint32_t slot = 0; slot < 5; ++slot) Add(slot);
  PushKey("key", 20'000);  // two plans each
  Slots order;
  for (Slots slots = FlushOwn(All, 2); !slots.empty(); slots = FlushOwn(All, 2)) {
    order.insert(order.end(), slots.begin(), slots.end());
  }
  EXPECT_EQ(order, (Slots{4, 3, 2, 1, 0, 4, 3, 2, 1, 0}));
}

TEST_F(HubTest, APacedBroadcastWaitsAndOthersDoNot) {
  Start();
  for (uint32_t slot = 0; slot < 4; ++slot) Add(slot);
  Join(1, "room");
  PushAll(20, 100);
  PushRoom("room");
  EXPECT_EQ(FlushLane(All, 128, kMs).size(), 2u);  // a fiftieth of a second's
  EXPECT_EQ(FlushLane(All, 128, kMs), Slots{1});
  EXPECT_TRUE(FlushLane(All, 128, kMs).empty());
  EXPECT_FALSE(hub_->HasWork());
  EXPECT_EQ(hub_->HeldBackUntilNs(), 21 * kMs);
  EXPECT_TRUE(FlushLane(All, 128, 21 * kMs - 1).empty());
  EXPECT_EQ(FlushLane(All, 128, 21 * kMs).size(), 2u);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 0u);
  for (uint32_t slot = 0; slot < 4; ++slot) ExpectServed(slot);
}

TEST_F(HubTest, ALaneMayEndWhileItWaits) {
  Start();
  Add(1);
  Add(2);
  Join(1, "room");
  PushRoom("room");
  PushAll(20, 1);
  EXPECT_EQ(FlushLane(), Slots{1});
  EXPECT_EQ(FlushLane(All, 128, 1).size(), 1u);
  EXPECT_TRUE(FlushLane(All, 128, 1).empty());
  EXPECT_NE(hub_->HeldBackUntilNs(), 0u);
  PushRoom("room");
  Remove(1);
  Remove(2);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 0u);
  EXPECT_TRUE(FlushLane().empty());
  EXPECT_FALSE(hub_->HasWork());
}

TEST_F(HubTest, WhoTakesNothingForLongIsStalled) {
  HubLimits limits;
  limits.stall_timeout_ms = 100;
  Start(limits);
  for (uint32_t slot = 1; slot <= 3; ++slot) Add(slot, "key" + std::to_string(slot));
  const auto stalled = [this](uint64_t now_ms) {
    hub_->SetTime(now_ms);
    Slots slots;
    hub_->FindStalled(&slots);
    return slots;
  };
  EXPECT_TRUE(stalled(1000).empty());
  for (uint32_t slot = 1; slot <= 3; ++slot) PushKey("key" + std::to_string(slot), 50);
  FlushOwn([](uint32_t slot, uint64_t bytes) { return slot == 2 ? static_cast<int64_t>(bytes) : 1; });
  EXPECT_EQ(hub_->blocked_count(), 2u);
  EXPECT_TRUE(stalled(1099).empty());
  // Room for a byte is progress.
  hub_->OnWritable(1);
  FlushOwn([](uint32_t, uint64_t) { return 1; });
  EXPECT_EQ(stalled(1100), Slots{3});
  EXPECT_EQ(stalled(1198), Slots{3});
  EXPECT_EQ(stalled(1199), (Slots{3, 1}));
  const auto slowest = [this](size_t count) {
    Slots slots;
    hub_->FindSlowest(count, &slots);
    return slots;
  };
  EXPECT_TRUE(slowest(0).empty());
  EXPECT_EQ(slowest(1), Slots{3});
  EXPECT_EQ(slowest(3), (Slots{3, 1}));
  Remove(3);
  EXPECT_EQ(stalled(1200), Slots{1});
  hub_->OnWritable(1);
  EXPECT_TRUE(stalled(1201).empty());
  FlushOwn();
  ExpectServed(1);
}

TEST_F(HubTest, WithoutATimeoutNobodyIsStalled) {
  HubLimits limits;
  limits.stall_timeout_ms = 0;
  Start(limits);
  Add(1);
  PushKey("key", 50);
  FlushOwn([](uint32_t, uint64_t) { return 0; });
  hub_->SetTime(1'000'000'000);
  Slots slots;
  hub_->FindStalled(&slots);
  EXPECT_TRUE(slots.empty());
}

}  // namespace
}  // namespace halley::hub
