// Rooms that let messages wait for others, so that all go out in one send.
#include "hub/hub_fixture.h"

namespace halley::hub {
namespace {

constexpr uint64_t kMs = 1'000'000;

class HubLingerTest : public HubTest {
 protected:
  static HubLimits Lingering(uint32_t linger_ms, uint64_t linger_bytes = 16384) {
    HubLimits limits;
    limits.room_types.push_back({"live", {}});
    limits.room_types.back().lane.linger_ms = linger_ms;
    limits.room_types.back().lane.linger_bytes = linger_bytes;
    return limits;
  }
  // The bytes that each member of the next slice is sent; 0: there is none.
  uint64_t FlushedBytes(uint64_t now_ns) {
    uint64_t sent = 0;
    const auto take = [&sent](uint32_t slot, uint64_t bytes) {
      sent = bytes;
      return All(slot, bytes);
    };
    FlushLane(take, 128, now_ns);
    return sent;
  }
};

TEST_F(HubLingerTest, WhatComesInTimeGoesOutInOneSend) {
  Start(Lingering(10));
  Add(1);
  Join(1, "live://1");
  PushRoom("live://1", 20, 100);
  PushRoom("live://1", 20, 105);
  EXPECT_FALSE(hub_->HasWork());
  EXPECT_EQ(hub_->HeldBackUntilNs(), 110 * kMs);
  EXPECT_EQ(FlushedBytes(110 * kMs - 1), 0u);
  EXPECT_EQ(FlushedBytes(110 * kMs), 2 * WireBytes(20));
  EXPECT_EQ(hub_->HeldBackUntilNs(), 0u);
  ExpectServed(1);
  // And the next waits anew.
  PushRoom("live://1", 20, 111);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 121 * kMs);
}

TEST_F(HubLingerTest, EnoughBytesDoNotWait) {
  Start(Lingering(10, 2 * WireBytes(20)));
  Add(1);
  Join(1, "live://1");
  PushRoom("live://1", 20, 100);
  EXPECT_FALSE(hub_->HasWork());
  PushRoom("live://1", 20, 100);
  EXPECT_TRUE(hub_->HasWork());
  EXPECT_EQ(FlushedBytes(100 * kMs), 2 * WireBytes(20));
}

TEST_F(HubLingerTest, OnlyRoomsOfTheTypeWait) {
  Start(Lingering(10));
  Add(1);
  for (const char* room : {"chat://1", "live", "live:/1", "xlive://1", "live1://1", "://", ""}) {
    Join(1, room);
    PushRoom(room, 20, 100);
    EXPECT_EQ(FlushedBytes(100 * kMs), WireBytes(20)) << room;
    LeaveRooms(1);
  }
  PushAll();
  EXPECT_EQ(FlushedBytes(100 * kMs), WireBytes(20));
  Join(1, "live://");
  PushRoom("live://", 20, 100);
  EXPECT_EQ(FlushedBytes(100 * kMs), 0u);
}

TEST_F(HubLingerTest, LimitsThatChangeCountForRoomsThatAreThere) {
  Start(Lingering(10));
  Add(1);
  Join(1, "live://1");
  PushRoom("live://1", 20, 100);
  hub_->SetLimits(Lingering(1000));
  EXPECT_EQ(FlushedBytes(110 * kMs), WireBytes(20)) << "what waits does so by what it was told";
  PushRoom("live://1", 20, 111);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 1111 * kMs);
  hub_->SetLimits(Lingering(0));
  PushRoom("live://1", 20, 112);
  EXPECT_EQ(FlushedBytes(112 * kMs), 2 * WireBytes(20));
  ExpectServed(1);
}

TEST_F(HubLingerTest, RoomTypesThatComeLaterAreForRoomsThatComeLater) {
  Start(Lingering(10));
  for (const uint32_t slot : {1u, 2u}) Add(slot, "key" + std::to_string(slot));
  Join(1, "late://1");
  HubLimits limits = Lingering(10);
  // Enough that a vector would have moved.
  for (int i = 0; i < 100; ++i) limits.room_types.push_back({"t" + std::to_string(i), {}});
  limits.room_types.push_back({"late", {}});
  limits.room_types.back().lane.linger_ms = 20;
  Join(2, "live://1");
  hub_->SetLimits(limits);
  PushRoom("late://1", 20, 100);
  EXPECT_EQ(FlushedBytes(100 * kMs), WireBytes(20));
  PushRoom("live://1", 20, 100);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 110 * kMs);
  EXPECT_EQ(FlushedBytes(110 * kMs), WireBytes(20));
  LeaveRooms(1);
  Join(1, "late://1");
  PushRoom("late://1", 20, 200);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 220 * kMs);
  EXPECT_EQ(FlushedBytes(220 * kMs), WireBytes(20));
}

TEST_F(HubLingerTest, EachRoomHasATimeOfItsOwn) {
  HubLimits limits = Lingering(50);
  limits.lane.linger_ms = 10;
  Start(limits);
  for (uint32_t slot = 1; slot <= 3; ++slot) Add(slot);
  Join(1, "live://1");
  Join(2, "chat://2");
  Join(3, "chat://3");
  PushRoom("live://1", 20, 100);
  PushRoom("chat://2", 20, 103);
  PushRoom("chat://3", 20, 101);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 111 * kMs);
  EXPECT_EQ(FlushLane(All, 128, 111 * kMs), Slots{3});
  EXPECT_EQ(hub_->HeldBackUntilNs(), 113 * kMs);
  EXPECT_EQ(FlushLane(All, 128, 149 * kMs), Slots{2});
  EXPECT_EQ(hub_->HeldBackUntilNs(), 150 * kMs);
  EXPECT_EQ(FlushLane(All, 128, 150 * kMs), Slots{1});
}

// What comes while a pass is under way waits from when it came, not from when the pass has ended.
TEST_F(HubLingerTest, NewsDuringAPassWaitFromWhenTheyCame) {
  Start(Lingering(10, 1 << 20));
  for (uint32_t slot = 0; slot < 300; ++slot) {
    Add(slot, "key" + std::to_string(slot));
    Join(slot, "live://1");
  }
  PushRoom("live://1", 20, 100);
  EXPECT_EQ(FlushLane(All, 128, 110 * kMs).size(), 128u);
  EXPECT_EQ(FlushLane(All, 128, 110 * kMs).size(), 128u);
  PushRoom("live://1", 20, 112);
  EXPECT_EQ(FlushLane(All, 128, 113 * kMs).size(), 44u);
  EXPECT_TRUE(FlushLane(All, 128, 113 * kMs).empty());
  EXPECT_EQ(hub_->HeldBackUntilNs(), 122 * kMs);
  EXPECT_EQ(FlushLane(All, 128, 122 * kMs).size(), 128u);
}

TEST_F(HubLingerTest, RepliesAndPersonalPushesDoNotWait) {
  Start(Lingering(1000));
  Add(1);
  Join(1, "live://1");
  PushRoom("live://1", 20, 0);
  Reply(1);
  PushKey("key", 30);
  EXPECT_EQ(FlushOwn(), Slots{1});
  EXPECT_FALSE(model_.RepliesPending(1));
  EXPECT_EQ(FlushedBytes(1000 * kMs), WireBytes(20));
  ExpectServed(1);
}

TEST_F(HubLingerTest, ARoomMayEndWhileItWaits) {
  Start(Lingering(10));
  Add(1);
  Join(1, "live://1");
  PushRoom("live://1", 20, 100);
  LeaveRooms(1);
  FlushEverything();
  ExpectServed(1);
  EXPECT_EQ(FlushedBytes(110 * kMs), 0u);
  EXPECT_EQ(hub_->HeldBackUntilNs(), 0u);
}

TEST_F(HubLingerTest, NothingWaitsOnceThatIsOver) {
  Start(Lingering(10'000));
  Add(1);
  Join(1, "live://1");
  PushRoom("live://1", 20, 100);
  hub_->StopLingering();
  EXPECT_EQ(FlushedBytes(100 * kMs), WireBytes(20));
  PushRoom("live://1", 20, 100);
  EXPECT_EQ(FlushedBytes(100 * kMs), WireBytes(20));
}

}  // namespace
}  // namespace halley::hub
