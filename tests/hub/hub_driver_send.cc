// HubDriver: what is sent, and to whom it must not be.
#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "hub/hub_driver.h"

namespace halley::hub {

int64_t HubDriver::Outcome(uint64_t bytes) {
  if (obliging_) return static_cast<int64_t>(bytes);
  if (Below(1000) < setting_.die) return -104;
  if (Percent(setting_.take_all)) return static_cast<int64_t>(bytes);
  return Percent(40) ? 0 : static_cast<int64_t>(Below(bytes));
}

void HubDriver::Deliver(uint32_t slot, absl::Span<const iovec> parts, uint64_t bytes) {
  for (const iovec& part : parts) {
    const uint64_t some = std::min<uint64_t>(bytes, part.iov_len);
    model_.Receive(slot, {static_cast<const char*>(part.iov_base), some});
    bytes -= some;
  }
  ASSERT_EQ(bytes, 0u);
}

void HubDriver::CheckMaySend(uint32_t slot, int32_t fd) {
  ASSERT_TRUE(model_.Has(slot));
  ASSERT_EQ(blocked_.count(slot), 0u) << "sent to slot " << slot << ", whose socket is full";
  ASSERT_EQ(fd, static_cast<int32_t>(slot) + 100);
}

void HubDriver::FlushOwn() {
  std::vector<SendPlan> plans(1 + Below(5));
  const size_t count = hub_.PlanOwn(absl::MakeSpan(plans));
  ASSERT_LE(count, plans.size());
  std::vector<int64_t> results;
  std::set<uint32_t> distinct;
  for (size_t i = 0; i < count; ++i) {
    const SendPlan& plan = plans[i];
    CheckMaySend(plan.slot, plan.fd);
    ASSERT_EQ(muted_.count(plan.slot), 0u);
    ASSERT_TRUE(distinct.insert(plan.slot).second);
    uint64_t bytes = 0;
    for (uint32_t part = 0; part < plan.parts_count; ++part) bytes += plan.parts[part].iov_len;
    ASSERT_GT(bytes, 0u);
    ASSERT_EQ(bytes, Hub::PlanBytes(plan));
    results.push_back(Outcome(bytes));
    Deliver(plan.slot, {plan.parts, plan.parts_count},
            static_cast<uint64_t>(std::max<int64_t>(results.back(), 0)));
    if (testing::Test::HasFatalFailure()) return;
  }
  // A connection that broke is closed between the others' settlements, as the shard does.
  for (size_t i = 0; i < count; ++i) {
    const uint32_t slot = plans[i].slot;
    hub_.SettleOwn(plans[i], results[i]);
    if (results[i] < static_cast<int64_t>(Hub::PlanBytes(plans[i]))) blocked_.insert(slot);
    if (results[i] < 0) Close(slot);
  }
}

void HubDriver::FlushOne(uint32_t slot) {
  SendPlan plan;
  while (hub_.PlanOne(slot, &plan)) {
    CheckMaySend(slot, plan.fd);
    ASSERT_EQ(plan.slot, slot);
    const uint64_t bytes = Hub::PlanBytes(plan);
    const int64_t result = Outcome(bytes);
    Deliver(slot, {plan.parts, plan.parts_count},
            static_cast<uint64_t>(std::max<int64_t>(result, 0)));
    if (testing::Test::HasFatalFailure()) return;
    hub_.SettleOwn(plan, result);
    if (result < static_cast<int64_t>(bytes)) blocked_.insert(slot);
  }
}

void HubDriver::FlushLane() {
  const size_t sends = 1 + Below(setting_.sends);
  Slice slice;
  if (!hub_.NextLaneSlice(sends, now_ns_, &slice)) return;
  ASSERT_GT(slice.targets.size(), 0u);
  ASSERT_LE(slice.targets.size(), sends);
  uint64_t bytes = 0;
  for (const iovec& part : slice.span) bytes += part.iov_len;
  ASSERT_GT(bytes, 0u);
  std::vector<base::SendException> exceptions;
  std::vector<uint32_t> dead;
  std::set<uint32_t> distinct;
  for (uint32_t i = 0; i < slice.targets.size(); ++i) {
    const base::FanoutTarget& target = slice.targets[i];
    CheckMaySend(target.slot, target.fd);
    ASSERT_EQ(muted_.count(target.slot), 0u);
    ASSERT_TRUE(distinct.insert(target.slot).second);
    ASSERT_EQ(target.generation, generation_[target.slot]);
    ASSERT_EQ(target.cursor, kInSync);
    const int64_t result = Outcome(bytes);
    Deliver(target.slot, slice.span, static_cast<uint64_t>(std::max<int64_t>(result, 0)));
    if (testing::Test::HasFatalFailure()) return;
    if (result == static_cast<int64_t>(bytes)) continue;
    exceptions.push_back({i, static_cast<int32_t>(result)});
    blocked_.insert(target.slot);
    if (result < 0) dead.push_back(target.slot);
  }
  hub_.CompleteLaneSlice(exceptions);
  for (const uint32_t slot : dead) Close(slot);
}

void HubDriver::Writable() {
  // Edges may also come for those who wait for nothing, and for slots where nobody is any more.
  const auto slot = static_cast<uint32_t>(Below(setting_.slots));
  if (!hub_.Live(slot)) return;
  hub_.OnWritable(slot);
  blocked_.erase(slot);
}

void HubDriver::CloseTooSlow() {
  for (const uint32_t slot : hub_.TakeTooSlow()) {
    ASSERT_FALSE(setting_.roomy);
    if (model_.Has(slot)) Close(slot);
  }
}

// With clients that take everything, all who are not blocked or muted end up with everything.
void HubDriver::Settle() {
  obliging_ = true;
  for (int turn = 0; hub_.HasWork() || hub_.HeldBackUntilNs() > 0; ++turn) {
    ASSERT_LT(turn, 20'000) << "the hub never comes to rest";
    now_ns_ = std::max(now_ns_, hub_.HeldBackUntilNs());
    FlushOwn();
    FlushLane();
    if (testing::Test::HasFatalFailure()) return;
  }
  obliging_ = false;
  EXPECT_FALSE(hub_.Congested());
  for (const uint32_t slot : model_.slots()) {
    if (blocked_.count(slot) + muted_.count(slot) > 0) continue;
    ASSERT_TRUE(hub_.Drained(slot)) << "slot " << slot;
    ASSERT_TRUE(model_.AtBoundary(slot)) << "slot " << slot;
    ASSERT_FALSE(model_.RepliesPending(slot)) << "slot " << slot;
    ASSERT_TRUE(!setting_.roomy || model_.Pending(slot) == 0) << "slot " << slot;
  }
}

void HubDriver::Finish() {
  for (const uint32_t slot : model_.slots()) hub_.OnWritable(slot);
  blocked_.clear();
  for (const uint32_t slot : model_.slots()) hub_.Unmute(slot);
  muted_.clear();
  Settle();
  if (testing::Test::HasFatalFailure()) return;
  EXPECT_EQ(hub_.Books().pending, 0u);
  CheckBooks();
  for (uint32_t slot = AnySlot(); slot != kNone; slot = AnySlot()) Close(slot);
  Settle();
  CheckBooks();
  CheckRooms();
  const Accounting books = hub_.Books();
  EXPECT_EQ(books.log_bytes, 0u);
  EXPECT_EQ(books.queue_bytes, 0u);
  EXPECT_EQ(books.pending, 0u);
  EXPECT_EQ(hub_.channels_count(), 0u);
  EXPECT_EQ(hub_.rooms_count(), 0u);
  EXPECT_FALSE(hub_.Congested());
  if (!setting_.receipts) return;
  // What the receipts say of each push adds up to what the books say of all.
  for (const uint32_t receipt : hub_.receipts().TakeDone()) CloseReceipt(receipt);
  EXPECT_EQ(receipts_expected_, books.expected);
  EXPECT_EQ(receipts_delivered_, books.delivered);
  EXPECT_EQ(receipts_delivered_ + receipts_skipped_, books.expected);
}

}  // namespace halley::hub
