#include "hub/hub.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hub/hub_fixture.h"

namespace halley::hub {
namespace {

// --- personal queues

TEST_F(HubTest, APersonalQueueTakesWhatFitsAndALoneMessageOfAnyLength) {
  HubLimits limits;
  limits.personal_queue_bytes = 200;
  Start(limits);
  Add(1);
  EXPECT_EQ(PushKey("key", 300).taken, 1u);
  EXPECT_EQ(PushKey("key", 8).refused, 1u);
  FlushEverything();
  EXPECT_EQ(PushKey("key", 100 - 16).taken, 1u);
  EXPECT_EQ(PushKey("key", 101 - 16).refused, 1u);
  EXPECT_EQ(PushKey("key", 100 - 16).taken, 1u);
  EXPECT_EQ(PushKey("key", 8).refused, 1u);
  FlushEverything();
  ExpectServed(1);
  const Accounting books = hub_->Books();
  EXPECT_EQ(books.refused, 3u);
  EXPECT_EQ(books.expected, 3u);
  EXPECT_EQ(books.pushed, 6u);
  EXPECT_EQ(books.queue_bytes, 0u);
}

class PersonalOverflowTest : public HubTest {
 protected:
  // Three messages fill the queue; the first is begun, or nothing is.
  void Fill(PersonalOverflow policy, bool begun) {
    if (hub_.has_value()) Remove(1);
    HubLimits limits;
    limits.personal_queue_bytes = 3 * WireBytes(20);
    limits.personal_overflow = policy;
    Start(limits);
    Add(1);
    for (int i = 0; i < 3; ++i) {
      uint64_t id = 0;
      EXPECT_EQ(hub_->PushKey("key", NewPush(20, &id)).taken, 1u);
      model_.ExpectPersonal(1, id, /*maybe=*/true);
    }
    if (begun) FlushOwn([](uint32_t, uint64_t) { return 7; });
  }
  PersonalOutcome PushOneMore(uint64_t bytes) {
    uint64_t id = 0;
    const PersonalOutcome outcome = hub_->PushKey("key", NewPush(bytes, &id));
    if (outcome.taken > 0) model_.ExpectPersonal(1, id, /*maybe=*/false);
    return outcome;
  }
  void ExpectTheRestIsSent(uint64_t skipped) {
    hub_->OnWritable(1);
    FlushEverything();
    ExpectServed(1);
    const Accounting books = hub_->Books();
    EXPECT_EQ(Skipped(SkipReason::kOverflow), skipped);
    EXPECT_EQ(books.expected, books.delivered + skipped);
    EXPECT_EQ(books.queue_bytes, 0u);
  }
};

TEST_F(PersonalOverflowTest, SkipLetsTheOldestGo) {
  Fill(PersonalOverflow::kSkip, false);
  EXPECT_EQ(PushOneMore(21).taken, 1u);
  ExpectTheRestIsSent(2);
  Fill(PersonalOverflow::kSkip, false);
  EXPECT_EQ(PushOneMore(20).taken, 1u);
  ExpectTheRestIsSent(1);
}

TEST_F(PersonalOverflowTest, WhatAnObservedChannelSkipsIsTold) {
  Fill(PersonalOverflow::kSkip, false);
  hub_->Observe(1, true);
  EXPECT_EQ(PushOneMore(21).taken, 1u);
  const auto skipped = hub_->TakeSkipped();
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_EQ(skipped[0].slot, 1u);
  EXPECT_EQ(skipped[0].messages, 2u);
  EXPECT_EQ(skipped[0].why, SkipReason::kOverflow);
  ExpectTheRestIsSent(2);
  // Nobody looks any more, and what was not taken is nobody's.
  Fill(PersonalOverflow::kSkip, false);
  EXPECT_EQ(PushOneMore(21).taken, 1u);
  hub_->Observe(1, true);
  hub_->Observe(1, false);
  EXPECT_TRUE(hub_->TakeSkipped().empty());
  ExpectTheRestIsSent(2);
}

TEST_F(HubTest, KnowsTheRoomsAndOpsOfAChannel) {
  Start();
  Add(1, "key", 0, {kOp});
  Join(1, "a");
  Join(1, "b");
  EXPECT_TRUE(hub_->InRoom(1, "a"));
  EXPECT_TRUE(hub_->InRoom(1, "b"));
  EXPECT_FALSE(hub_->InRoom(1, "c"));
  EXPECT_TRUE(hub_->Accepts(1, kOp));
  EXPECT_FALSE(hub_->Accepts(1, kOp + 1));
}

TEST_F(PersonalOverflowTest, SkipFinishesWhatWasBegun) {
  Fill(PersonalOverflow::kSkip, true);
  EXPECT_EQ(PushOneMore(60).taken, 1u);
  ExpectTheRestIsSent(2);
}

TEST_F(PersonalOverflowTest, LatestKeepsTheNewestOnly) {
  Fill(PersonalOverflow::kLatest, false);
  EXPECT_EQ(PushOneMore(20).taken, 1u);
  ExpectTheRestIsSent(3);
  Fill(PersonalOverflow::kLatest, true);
  EXPECT_EQ(PushOneMore(100).taken, 1u);  // more than the queue, but alone
  ExpectTheRestIsSent(2);
}

TEST_F(PersonalOverflowTest, CloseRefusesAndCloses) {
  Fill(PersonalOverflow::kClose, false);
  EXPECT_TRUE(hub_->TakeTooSlow().empty());
  EXPECT_EQ(PushOneMore(20).refused, 1u);
  EXPECT_EQ(hub_->TakeTooSlow(), Slots{1});
}

TEST_F(HubTest, APersonalPushReachesTheChannelsThatWatchItsOp) {
  Start();
  Add(1, "key", 7);
  Add(2, "key", 7, {kOp + 1});
  Add(3, "other", 7);
  const PersonalOutcome by_key = hub_->PushKey("key", {kOp, false, "x"});
  EXPECT_EQ(by_key.channels, 2u);
  EXPECT_EQ(by_key.taken, 1u);
  EXPECT_EQ(by_key.filtered, 1u);
  const PersonalOutcome by_mid = hub_->PushMid(7, {kOp, false, "x"});
  EXPECT_EQ(by_mid.channels, 3u);
  EXPECT_EQ(by_mid.taken, 2u);
  EXPECT_EQ(hub_->PushKey("nobody", {kOp, false, "x"}).channels, 0u);
  // No mid is no group of channels.
  EXPECT_EQ(hub_->PushMid(0, {kOp, false, "x"}).channels, 0u);
  EXPECT_EQ(hub_->Books().filtered, 2u);
}

TEST_F(HubTest, UnsentRepliesAreCounted) {
  Start();
  Add(1);
  EXPECT_EQ(hub_->UnsentReplyBytes(1), 0u);
  Reply(1, 10);
  PushKey("key", 100);
  EXPECT_EQ(hub_->UnsentReplyBytes(1), WireBytes(10));
  FlushOwn([](uint32_t, uint64_t) { return 5; });
  EXPECT_EQ(hub_->UnsentReplyBytes(1), WireBytes(10) - 5);
  hub_->OnWritable(1);
  FlushOwn();
  EXPECT_EQ(hub_->UnsentReplyBytes(1), 0u);
  hub_->Reply(1, "");
  EXPECT_FALSE(hub_->HasWork());
}

// --- rooms

TEST_F(HubTest, LeavingARoomKeepsWhatIsUnsentUpToTheQueuesLimit) {
  HubLimits limits;
  limits.personal_queue_bytes = 100;
  Start(limits);
  Add(1);
  Join(1, "room");
  PushRoom("room", 100);
  FlushLane([](uint32_t, uint64_t) { return 50; });
  for (int i = 0; i < 4; ++i) PushRoom("room", 24);
  LeaveRooms(1);
  EXPECT_EQ(hub_->RoomOf(1), nullptr);
  // The rest of what was begun is owed in any case; of the others two fit.
  EXPECT_EQ(Skipped(SkipReason::kOverflow), 2u);
  EXPECT_EQ(hub_->Books().pending, 3u);
  hub_->OnWritable(1);
  FlushEverything();
  EXPECT_EQ(hub_->Books().delivered, 3u);
  EXPECT_TRUE(model_.AtBoundary(1));
  EXPECT_TRUE(hub_->Drained(1));
}

// --- retiring

TEST_F(HubTest, WhoRetiresGetsWhatItIsOwedAndNoMoreOfRooms) {
  HubLimits limits;
  limits.personal_queue_bytes = 4 * WireBytes(20);
  Start(limits);
  Add(1);
  Add(2);
  Join(1, "a");
  Join(2, "a");
  PushRoom("a");
  PushAll();
  EXPECT_TRUE(hub_->Retire(1));
  EXPECT_FALSE(hub_->Drained(1));
  // What is its own still reaches it.
  EXPECT_EQ(PushKey("key", 20).taken, 2u);
  FlushEverything();
  ExpectServed(1);
  EXPECT_TRUE(hub_->Drained(1));
  model_.LeaveRooms(1);
  EXPECT_EQ(PushRoom("a"), 1u);
  EXPECT_EQ(hub_->FindRoom("a")->members(), 1u);
  Remove(1);
  EXPECT_EQ(PushAll(), 1u);
  FlushEverything();
  EXPECT_EQ(Skipped(SkipReason::kClosed), 0u);
}

TEST_F(HubTest, WhoseQueueHasNoRoomForItDoesNotRetire) {
  HubLimits limits;
  limits.personal_queue_bytes = 3 * WireBytes(20);
  Start(limits);
  Add(1);
  Join(1, "a");
  for (int i = 0; i < 4; ++i) PushRoom("a");
  EXPECT_FALSE(hub_->Retire(1));
  EXPECT_EQ(hub_->FindRoom("a")->members(), 1u);
  FlushEverything();
  ExpectServed(1);
  EXPECT_TRUE(hub_->Retire(1));
  EXPECT_TRUE(hub_->Drained(1));
  EXPECT_EQ(hub_->FindRoom("a"), nullptr);
  hub_->RemoveChannel(1);
  EXPECT_EQ(hub_->channels_count(), 0u);
}

TEST_F(HubTest, RoomsComeAndGoWithTheirMembersAndAreReportedInOrder) {
  Start();
  Add(1);
  Add(2, "key", 0, {kOp}, wire::Encoding::kGoimWebSocket);
  Join(1, "a");
  Join(2, "a");
  Join(1, "b");
  Join(1, "a");
  EXPECT_EQ(hub_->FindRoom("a")->members(), 2u);
  EXPECT_EQ(hub_->RoomOf(1), hub_->FindRoom("a"));
  EXPECT_EQ(hub_->rooms_count(), 2u);
  LeaveRooms(1);
  Remove(2);
  Add(2);
  Join(2, "a");
  std::vector<std::string> changes;
  for (const Hub::RoomChange& change : hub_->TakeRoomChanges()) {
    changes.push_back((change.present ? "+" : "-") + change.room);
  }
  EXPECT_EQ(changes, (std::vector<std::string>{"+a", "+b", "-b", "-a", "+a"}));
  EXPECT_TRUE(hub_->TakeRoomChanges().empty());
  EXPECT_EQ(PushRoom("b"), 0u);
  EXPECT_EQ(hub_->FindRoom("b"), nullptr);
}

// --- everyone

TEST_F(HubTest, ABroadcastReachesThoseWhoWatchItsOpAndIsNotCountedForOthers) {
  HubLimits limits;
  limits.accept_sets = 1;
  Start(limits);
  Add(1, "key", 0, {kOp});
  Add(2, "key", 0, {kOp, kOp + 1});
  Add(3, "key", 0, {kOp + 1});
  EXPECT_EQ(hub_->channel(1).stray_index, kNone);
  EXPECT_NE(hub_->channel(2).stray_index, kNone);
  EXPECT_EQ(hub_->PushAll({kOp, false, "x"}, 0, 0), 2u);
  EXPECT_EQ(hub_->PushAll({kOp + 1, false, "x"}, 0, 0), 2u);
  EXPECT_EQ(hub_->PushAll({kOp + 2, false, "x"}, 0, 0), 0u);
  const Accounting books = hub_->Books();
  EXPECT_EQ(books.expected, 4u);
  // A broadcast that a client does not watch is no personal push that was filtered.
  EXPECT_EQ(books.filtered, 0u);
  EXPECT_EQ(books.pushed, 3u);
}

TEST_F(HubTest, AnAcceptSetIsLimited) {
  HubLimits limits;
  limits.ops = 3;
  Start(limits);
  Add(1, "key", 0, {1, 2});
  EXPECT_FALSE(hub_->AddAccepts(1, {3, 4}));
  EXPECT_EQ(hub_->PushKey("key", {3, false, "x"}).filtered, 1u);
  EXPECT_TRUE(hub_->AddAccepts(1, {3, 1, 2}));
  EXPECT_EQ(hub_->PushKey("key", {3, false, "x"}).taken, 1u);
  hub_->RemoveAccepts(1, {1, 9});
  EXPECT_TRUE(hub_->AddAccepts(1, {4}));
  hub_->RemoveAccepts(1, {2, 3, 4});
  EXPECT_EQ(hub_->PushKey("key", {3, false, "x"}).filtered, 1u);
}

TEST_F(HubTest, AChangeOfAcceptSetMayUseTheLaneThatItFrees) {
  HubLimits limits;
  limits.accept_sets = 1;
  Start(limits);
  Add(1, "key", 0, {kOp});
  EXPECT_TRUE(hub_->AddAccepts(1, {kOp + 1}));
  EXPECT_EQ(hub_->channel(1).stray_index, kNone);
  hub_->RemoveAccepts(1, {kOp});
  EXPECT_EQ(hub_->channel(1).stray_index, kNone);
  EXPECT_EQ(hub_->PushAll({kOp + 1, false, "x"}, 0, 0), 1u);
  // To the set it has already: nothing moves.
  EXPECT_TRUE(hub_->AddAccepts(1, {kOp + 1, kOp + 1}));
  hub_->RemoveAccepts(1, {kOp});
  EXPECT_EQ(hub_->Books().queue_bytes, 0u);
  Slice slice;
  ASSERT_TRUE(hub_->NextLaneSlice(1, 0, &slice));
  hub_->CompleteLaneSlice({});
  EXPECT_TRUE(hub_->Drained(1));
}

// --- limits

TEST_F(HubTest, ABacklogAboveAQuarterOfTheLogIsCongestion) {
  HubLimits limits;
  limits.lane.log_bytes = 4000;
  Start(limits);
  Add(1);
  Join(1, "room");
  PushRoom("room", 1000 - 16);
  EXPECT_FALSE(hub_->Congested());
  PushRoom("room", 8);
  EXPECT_TRUE(hub_->Congested());
  FlushEverything();
  EXPECT_FALSE(hub_->Congested());
  PushRoom("room", 1001);
  EXPECT_TRUE(hub_->Congested());
  LeaveRooms(1);
  EXPECT_FALSE(hub_->Congested());
}

TEST_F(HubTest, EveryRoomIsVisitedInAsManyTicksAsThereAreBuckets) {
  HubLimits limits;
  limits.buckets = 5;
  limits.lane.log_age_ms = 100;
  Start(limits);
  Add(0);
  constexpr uint32_t kRooms = 40;
  for (uint32_t i = 0; i < kRooms; ++i) Join(0, "room" + std::to_string(i));
  Reply(0);
  FlushOwn([](uint32_t, uint64_t) { return 0; });
  for (uint32_t i = 0; i < kRooms; ++i) PushRoom("room" + std::to_string(i), 20, 1000);
  PushAll(20);
  FlushEverything();
  EXPECT_EQ(hub_->Books().pending, kRooms + 1);
  for (int i = 0; i < 5; ++i) hub_->Tick(1100);
  EXPECT_EQ(Skipped(SkipReason::kOverflow), 1u);  // the broadcast is of time 0
  for (int i = 0; i < 5; ++i) hub_->Tick(1101);
  EXPECT_EQ(Skipped(SkipReason::kOverflow), kRooms + 1);
  EXPECT_EQ(hub_->Books().pending, 0u);
  EXPECT_EQ(hub_->Books().log_bytes, 0u);
  EXPECT_TRUE(hub_->TakeTooSlow().empty());
}

TEST_F(HubTest, AClientWhoseRemainderOutgrowsItsQueueIsTooSlow) {
  for (const uint64_t queue_bytes : {500u, 501u}) {
    HubLimits limits;
    limits.lane.log_bytes = 2000;
    limits.personal_queue_bytes = queue_bytes;
    model_ = HubModel();
    Start(limits);
    Add(1);
    Join(1, "room");
    PushRoom("room", WireBytes(700));
    FlushLane([](uint32_t, uint64_t bytes) { return static_cast<int64_t>(bytes - 501); });
    PushRoom("room", 1000);
    PushRoom("room", 1000);
    EXPECT_EQ(hub_->TakeTooSlow(), queue_bytes == 500 ? Slots{1} : Slots{});
    EXPECT_TRUE(hub_->TakeTooSlow().empty());
    hub_->OnWritable(1);
    FlushEverything();
    EXPECT_TRUE(model_.AtBoundary(1));
  }
}

TEST_F(HubTest, EndsWithChannelsStillThere) {
  Start();
  Add(1);
  Join(1, "room");
  PushRoom("room");
  PushKey("key", 5000);
  Reply(1);
  hub_.reset();
}

}  // namespace
}  // namespace halley::hub
