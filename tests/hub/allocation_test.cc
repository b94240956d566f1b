// Once warm, the data path does not call the allocator. This program's operator new counts.
#include <cstdint>
#include <string>
#include <vector>

#include "base/counted_new.h"
#include "gtest/gtest.h"
#include "hub/hub.h"

namespace halley::hub {
namespace {

using halley::counted::allocations;

constexpr uint32_t kMembers = 1000;
constexpr int32_t kOp = 1000;

class AllocationTest : public testing::Test {
 protected:
  AllocationTest() : hub_({}) {
    const std::vector<int32_t> ops = {kOp};
    for (uint32_t slot = 0; slot < kMembers; ++slot) {
      hub_.AddChannel({slot, 1, static_cast<int32_t>(slot), wire::Encoding::kGoimTcp, 0,
                       "key-" + std::to_string(slot), ops});
      hub_.JoinRoom(slot, "room");
    }
    plans_.resize(128);
    exceptions_.reserve(128);
  }

  // One turn: a message to the room and one to everyone, replies and personal pushes to some, all
  // of it sent. Every `full`-th of the members takes a part of what it is offered, and has room
  // again afterwards.
  void Turn(uint32_t full) {
    hub_.PushRoom("room", {kOp, false, body_}, now_ms_);
    hub_.PushAll({kOp, false, body_}, 0, now_ms_);
    for (uint32_t slot = 0; slot < kMembers; slot += 3) {
      hub_.Reply(slot, body_);
      hub_.PushKey(hub_.channel(slot).key.view(), {kOp, false, body_});
    }
    Flush(full);
    for (uint32_t slot = 0; slot < kMembers; ++slot) hub_.OnWritable(slot);
    Flush(0);
    hub_.Tick(++now_ms_);
    EXPECT_FALSE(hub_.HasWork());
  }

  void Flush(uint32_t full) {
    while (hub_.HasWork()) {
      const size_t count = hub_.PlanOwn(absl::MakeSpan(plans_));
      for (size_t i = 0; i < count; ++i) {
        const auto bytes = static_cast<int64_t>(Hub::PlanBytes(plans_[i]));
        hub_.SettleOwn(plans_[i], IsFull(plans_[i].slot, full) ? bytes / 2 : bytes);
      }
      Slice slice;
      if (!hub_.NextLaneSlice(128, 0, &slice)) continue;
      exceptions_.clear();
      for (uint32_t i = 0; i < slice.targets.size(); ++i) {
        if (IsFull(slice.targets[i].slot, full)) exceptions_.push_back({i, 20});
      }
      hub_.CompleteLaneSlice(exceptions_);
    }
  }
  static bool IsFull(uint32_t slot, uint32_t full) { return full > 0 && slot % full == 0; }

  Hub hub_;
  const std::string body_ = std::string(100, 'x');
  std::vector<SendPlan> plans_;
  std::vector<base::SendException> exceptions_;
  uint64_t now_ms_ = 1'000'000;
};

TEST_F(AllocationTest, TheCounterCounts) {
  const uint64_t before = allocations;
  delete new std::string(100, 'x');
  EXPECT_EQ(allocations, before + 2);
}

TEST_F(AllocationTest, PushingAndFlushingDoesNotAllocate) {
  for (int i = 0; i < 5; ++i) Turn(0);
  const uint64_t before = allocations;
  for (int i = 0; i < 20; ++i) Turn(0);
  EXPECT_EQ(allocations, before);
}

TEST_F(AllocationTest, NeitherDoesCatchingUp) {
  for (int i = 0; i < 5; ++i) Turn(7);
  const uint64_t before = allocations;
  for (int i = 0; i < 20; ++i) Turn(7);
  EXPECT_EQ(allocations, before);
  EXPECT_GT(hub_.Books().delivered, 20u * 2 * kMembers);
}

}  // namespace
}  // namespace halley::hub
