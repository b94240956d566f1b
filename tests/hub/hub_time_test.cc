// Which pushes are timed, and from when: Hub::sent().
#include <string>
#include <vector>

#include "hub/hub_fixture.h"

namespace halley::hub {
namespace {

class HubTimeTest : public HubTest {
 protected:
  Push Timed(uint64_t taken_ns, uint64_t bytes = 20) {
    body_.assign(bytes, 'x');
    return {kOp, false, body_, kNone, taken_ns};
  }
  std::vector<uint64_t> TakeSent() {
    std::vector<uint64_t> sent(hub_->sent().begin(), hub_->sent().end());
    hub_->ClearSent();
    return sent;
  }
  // Sends as HubTest does, but to nobody's model.
  void SendLane(size_t sends = 128, uint64_t now_ns = 0, const std::vector<uint32_t>& full = {}) {
    Slice slice;
    ASSERT_TRUE(hub_->NextLaneSlice(sends, now_ns, &slice));
    std::vector<base::SendException> exceptions;
    for (uint32_t i = 0; i < slice.targets.size(); ++i) {
      if (std::find(full.begin(), full.end(), slice.targets[i].slot) != full.end()) {
        exceptions.push_back({i, 0});
      }
    }
    hub_->CompleteLaneSlice(exceptions);
  }
  void SendOwn(bool full = false) {
    std::vector<SendPlan> plans(4);
    const size_t count = hub_->PlanOwn(absl::MakeSpan(plans));
    for (size_t i = 0; i < count; ++i) {
      hub_->SettleOwn(plans[i], full ? 0 : static_cast<int64_t>(Hub::PlanBytes(plans[i])));
    }
  }
  void StartRoom(uint32_t members, const LaneLimits& lane = {}) {
    HubLimits limits;
    limits.lane = lane;
    Start(limits);
    for (uint32_t slot = 1; slot <= members; ++slot) {
      Add(slot, "key" + std::to_string(slot));
      Join(slot, "room");
    }
  }

  std::string body_;
};

TEST_F(HubTimeTest, APassCountsOnceWhenItsLastMemberHasIt) {
  StartRoom(3);
  hub_->PushRoom("room", Timed(1000), 0);
  SendLane(2);
  EXPECT_TRUE(TakeSent().empty());
  SendLane(2);
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{1000});
}

TEST_F(HubTimeTest, OfSeveralInOnePassTheOldestCounts) {
  StartRoom(1);
  hub_->PushRoom("room", Timed(1000), 0);
  hub_->PushRoom("room", Timed(2000), 0);
  SendLane();
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{1000});
  hub_->PushRoom("room", Timed(3000), 0);
  SendLane();
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{3000});
}

TEST_F(HubTimeTest, WhatAPassHasNotReachedCountsFromWhenItsPageWasWritten) {
  LaneLimits lane;
  lane.span_bytes = 100;
  StartRoom(1, lane);
  hub_->PushRoom("room", Timed(1'000'000, 80), 1);
  hub_->PushRoom("room", Timed(2'000'000, 80), 2);
  SendLane();
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{1'000'000});
  SendLane();
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{2'000'000});
}

TEST_F(HubTimeTest, NobodyWhoKeepsUpIsLeft) {
  StartRoom(1);
  hub_->PushRoom("room", Timed(1000), 0);
  SendLane(128, 0, /*full=*/{1});
  EXPECT_TRUE(TakeSent().empty());
}

TEST_F(HubTimeTest, WhatIsPacedIsNotTimed) {
  StartRoom(2);
  hub_->PushAll(Timed(1000), /*pace=*/100, 0);
  SendLane(128, 0);
  SendLane(128, 1'000'000'000);
  EXPECT_EQ(hub_->Books().delivered, 2u);
  EXPECT_TRUE(TakeSent().empty());
}

TEST_F(HubTimeTest, APersonalQueueCountsOnceWhenItIsEmpty) {
  StartRoom(1);
  hub_->PushKey("key1", Timed(1000));
  hub_->PushKey("key1", Timed(2000));
  SendOwn();
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{1000});
  hub_->PushKey("key1", Timed(3000));
  SendOwn();
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{3000});
}

TEST_F(HubTimeTest, AClientThatIsSlowIsNotTimedUntilItHasCaughtUp) {
  StartRoom(1);
  hub_->PushKey("key1", Timed(1000));
  SendOwn(/*full=*/true);
  hub_->PushKey("key1", Timed(2000));
  hub_->OnWritable(1);
  SendOwn();
  EXPECT_EQ(hub_->Books().delivered, 2u);
  EXPECT_TRUE(TakeSent().empty());
  hub_->PushKey("key1", Timed(3000));
  SendOwn();
  EXPECT_EQ(TakeSent(), std::vector<uint64_t>{3000});
}

TEST_F(HubTimeTest, WhatNobodyTimesIsNotTimed) {
  StartRoom(1);
  hub_->PushKey("key1", Timed(0));
  hub_->PushRoom("room", Timed(0), 0);
  SendOwn();
  SendLane();
  EXPECT_EQ(hub_->Books().delivered, 2u);
  EXPECT_TRUE(TakeSent().empty());
}

}  // namespace
}  // namespace halley::hub
