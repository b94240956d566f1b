// HubTest: a hub, the model of what its clients must get, and short words for both.
//
// What is sent goes to the model, which reports a torn, mixed or repeated stream to GoogleTest.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hub/hub.h"
#include "hub/hub_model.h"

namespace halley::hub {

inline constexpr int32_t kOp = 1000;
using Slots = std::vector<uint32_t>;

class HubTest : public testing::Test {
 protected:
  // How many of `bytes` the client in this slot takes; negative: its connection broke.
  using Take = std::function<int64_t(uint32_t slot, uint64_t bytes)>;
  static int64_t All(uint32_t, uint64_t bytes) { return static_cast<int64_t>(bytes); }

  void Start(const HubLimits& limits = {}) {
    limits_ = limits;
    hub_.emplace(limits);
  }
  void Add(uint32_t slot, const std::string& key = "key", int64_t mid = 0,
           const std::vector<int32_t>& ops = {kOp},
           wire::Encoding encoding = wire::Encoding::kGoimTcp) {
    const Identity identity{slot, 1, static_cast<int32_t>(slot) + 100, encoding, mid, key, ops};
    hub_->AddChannel(identity);
    model_.Add(identity);
  }
  void Remove(uint32_t slot) {
    hub_->RemoveChannel(slot);
    model_.Remove(slot);
  }
  void Join(uint32_t slot, const std::string& room) {
    hub_->JoinRoom(slot, room);
    model_.Join(slot, room);
  }
  void LeaveRooms(uint32_t slot) {
    hub_->LeaveRooms(slot);
    model_.LeaveRooms(slot);
  }

  Push NewPush(uint64_t bytes, uint64_t* id) {
    *id = model_.NewPush(kOp, bytes, 0);
    return {kOp, false, model_.message(*id).body};
  }
  // The bytes of such a push on a goim TCP connection.
  static uint64_t WireBytes(uint64_t body_bytes) { return body_bytes + wire::kGoimHeaderBytes; }
  PersonalOutcome PushKey(const std::string& key, uint64_t bytes) {
    uint64_t id = 0;
    const PersonalOutcome outcome = hub_->PushKey(key, NewPush(bytes, &id));
    for (const uint32_t slot : model_.WithKey(key)) {
      if (outcome.taken > 0) model_.ExpectPersonal(slot, id, outcome.refused > 0);
    }
    return outcome;
  }
  uint64_t PushRoom(const std::string& room, uint64_t bytes = 20, uint64_t now_ms = 0) {
    uint64_t id = 0;
    const uint64_t taken = hub_->PushRoom(room, NewPush(bytes, &id), now_ms);
    for (const uint32_t slot : model_.Members(room)) model_.ExpectOfRoom(slot, room, id);
    return taken;
  }
  uint64_t PushAll(uint64_t bytes = 20, uint32_t pace = 0) {
    uint64_t id = 0;
    const uint64_t taken = hub_->PushAll(NewPush(bytes, &id), pace, 0);
    for (const uint32_t slot : model_.slots()) {
      if (hub_->channel(slot).stray_index == kNone) model_.ExpectOfEveryone(slot, id);
    }
    return taken;
  }
  void Reply(uint32_t slot, uint64_t bytes = 10) {
    const uint64_t id = model_.NewReply(bytes);
    hub_->Reply(slot, model_.message(id).wire[static_cast<size_t>(model_.encoding(slot))]);
    model_.ExpectReply(slot, id);
  }

  void Receive(uint32_t slot, absl::Span<const iovec> parts, int64_t taken) {
    for (const iovec& part : parts) {
      if (taken <= 0) return;
      const auto some = std::min(static_cast<size_t>(taken), part.iov_len);
      model_.Receive(slot, {static_cast<const char*>(part.iov_base), some});
      taken -= static_cast<int64_t>(some);
    }
  }
  // Sends what channels have of their own, `plans_max` of them; returns whose that was.
  Slots FlushOwn(const Take& take = All, size_t plans_max = 8) {
    std::vector<SendPlan> plans(plans_max);
    const size_t count = hub_->PlanOwn(absl::MakeSpan(plans));
    Slots slots;
    for (size_t i = 0; i < count; ++i) {
      const SendPlan& plan = plans[i];
      const int64_t taken = take(plan.slot, Hub::PlanBytes(plan));
      Receive(plan.slot, {plan.parts, plan.parts_count}, taken);
      hub_->SettleOwn(plan, taken);
      slots.push_back(plan.slot);
    }
    return slots;
  }
  Slots FlushLane(const Take& take = All, size_t sends = 128, uint64_t now_ns = 0) {
    Slice slice;
    if (!hub_->NextLaneSlice(sends, now_ns, &slice)) return {};
    uint64_t bytes = 0;
    for (const iovec& part : slice.span) bytes += part.iov_len;
    std::vector<base::SendException> exceptions;
    Slots slots;
    for (uint32_t i = 0; i < slice.targets.size(); ++i) {
      const int64_t taken = take(slice.targets[i].slot, bytes);
      Receive(slice.targets[i].slot, slice.span, taken);
      if (taken < static_cast<int64_t>(bytes)) {
        exceptions.push_back({i, static_cast<int32_t>(taken)});
      }
      slots.push_back(slice.targets[i].slot);
    }
    hub_->CompleteLaneSlice(exceptions);
    return slots;
  }
  void FlushEverything() {
    while (hub_->HasWork()) {
      FlushOwn();
      FlushLane();
    }
  }
  uint64_t Skipped(SkipReason reason) const {
    return hub_->Books().skipped[static_cast<size_t>(reason)];
  }
  void ExpectServed(uint32_t slot) {
    EXPECT_TRUE(hub_->Drained(slot)) << slot;
    EXPECT_TRUE(model_.AtBoundary(slot)) << slot;
    EXPECT_FALSE(model_.RepliesPending(slot)) << slot;
    EXPECT_EQ(model_.Pending(slot), 0u) << slot;
  }

  HubLimits limits_;
  std::optional<Hub> hub_;
  HubModel model_;
};

}  // namespace halley::hub
