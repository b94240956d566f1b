#include "hub/hub_driver.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace halley::hub {
namespace {

constexpr int kSteps = 400;
constexpr uint64_t kMs = 1'000'000;

HubDriverSetting MakeSetting(std::mt19937& random) {
  const auto between = [&](uint64_t low, uint64_t high) { return low + random() % (high - low); };
  HubDriverSetting setting;
  HubLimits& limits = setting.limits;
  setting.roomy = random() % 3 == 0;
  setting.take_all = random() % 4 == 0 ? 100 : between(20, 95);
  setting.die = between(0, 10);
  setting.busy = random() % 2 == 0 ? 0 : between(0, 95);
  setting.slots = static_cast<uint32_t>(between(2, 30));
  setting.rooms = between(1, 6);
  // Those that the model can lay out: JSON has a test of its own.
  setting.encodings = between(1, static_cast<uint64_t>(wire::Encoding::kJsonWebSocket) + 1);
  setting.sends = between(1, 8);
  setting.receipts = random() % 2 == 0;
  limits.buckets = static_cast<uint32_t>(between(1, 4));
  limits.lane.span_bytes = random() % 2 == 0 ? 65536 : between(1, 3000);
  limits.ops = 4;
  if (random() % 3 == 0) limits.lane.linger_ms = static_cast<uint32_t>(between(1, 200));
  limits.lane.linger_bytes = between(1, 3000);
  if (setting.roomy) {
    setting.body_bytes = 20'000;
    limits.lane.log_bytes = uint64_t{1} << 30;
    limits.lane.log_messages = 1'000'000;
    limits.lane.log_age_ms = 1'000'000'000;
    limits.personal_queue_bytes = uint64_t{1} << 30;
    limits.accept_sets = random() % 2 == 0 ? 2 : 1000;
    return setting;
  }
  limits.lane.log_bytes = random() % 2 == 0 ? between(4096, 6000) : between(4096, 60'000);
  limits.lane.log_messages = between(16, 300);
  limits.lane.log_age_ms = between(10, 3000);
  limits.lane.overflow = static_cast<Overflow>(random() % 3);
  limits.personal_queue_bytes = between(200, 6000);
  limits.personal_overflow = static_cast<PersonalOverflow>(random() % 4);
  limits.accept_sets = static_cast<uint32_t>(between(1, 5));
  setting.body_bytes = limits.lane.log_bytes / 2;
  return setting;
}

}  // namespace

HubDriver::HubDriver(uint64_t seed)
    : random_(static_cast<uint32_t>(seed)), setting_(MakeSetting(random_)), hub_(setting_.limits) {}

void HubDriver::Run() {
  for (int step = 0; step < kSteps; ++step) {
    Step();
    if (testing::Test::HasFatalFailure()) {
      ADD_FAILURE() << "at step " << step;
      return;
    }
  }
  Finish();
}

void HubDriver::Step() {
  now_ns_ += Below(30) * kMs;
  const uint64_t what = Below(100);
  if (what < 8) {
    Join();
  } else if (what < 10) {
    Leave();
  } else if (what < 17) {
    EnterRoom();
  } else if (what < 20) {
    ChangeOps();
  } else if (what < 50) {
    PushSome();
  } else if (what < 54) {
    Reply();
  } else if (what < 88 && Percent(setting_.busy)) {
    PushSome();
  } else if (what < 68) {
    FlushOwn();
  } else if (what < 88) {
    FlushLane();
  } else if (what < 92) {
    Writable();
  } else if (what < 95) {
    Unmute();
  } else if (what < 99) {
    hub_.Tick(now_ms());
  } else {
    Settle();
  }
  CloseTooSlow();
  if (testing::Test::HasFatalFailure()) return;
  CheckBooks();
  CheckChannels();
  CheckRooms();
}

uint32_t HubDriver::AnySlot() {
  const std::vector<uint32_t> slots = model_.slots();
  return slots.empty() ? kNone : slots[Below(slots.size())];
}

void HubDriver::Join() {
  const auto slot = static_cast<uint32_t>(Below(setting_.slots));
  if (model_.Has(slot)) return;
  generation_[slot] = next_generation_++;
  const std::string key = AnyKey();
  std::vector<int32_t> ops;
  for (uint64_t i = Below(4); i > 0; --i) ops.push_back(AnyOp());
  const Identity identity{slot,
                          generation_[slot],
                          static_cast<int32_t>(slot) + 100,
                          static_cast<wire::Encoding>(Below(setting_.encodings)),
                          static_cast<int64_t>(Below(4)),
                          key,
                          ops};
  hub_.AddChannel(identity);
  model_.Add(identity);
  if (Percent(50)) return;
  hub_.Mute(slot);
  muted_.insert(slot);
}

void HubDriver::Close(uint32_t slot) {
  hub_.RemoveChannel(slot);
  model_.Remove(slot);
  blocked_.erase(slot);
  muted_.erase(slot);
}

void HubDriver::Leave() {
  const uint32_t slot = AnySlot();
  if (slot == kNone) return;
  // As before a farewell.
  if (Percent(50)) FlushOne(slot);
  if (model_.Has(slot)) Close(slot);
}

void HubDriver::EnterRoom() {
  const uint32_t slot = AnySlot();
  if (slot == kNone) return;
  if (Percent(70)) {
    hub_.LeaveRooms(slot);
    model_.LeaveRooms(slot);
  }
  if (Percent(10)) return;
  const std::string room = AnyRoom();
  EXPECT_EQ(hub_.JoinRoom(slot, room)->id(), room);
  model_.Join(slot, room);
}

void HubDriver::ChangeOps() {
  const uint32_t slot = AnySlot();
  if (slot == kNone) return;
  std::vector<int32_t> ops;
  for (uint64_t i = Below(3); i > 0; --i) ops.push_back(AnyOp() + static_cast<int32_t>(Below(3)));
  std::set<int32_t> wanted = model_.ops(slot);
  if (Percent(50)) {
    for (const int32_t op : ops) wanted.erase(op);
    hub_.RemoveAccepts(slot, ops);
    model_.SetOps(slot, wanted);
    return;
  }
  wanted.insert(ops.begin(), ops.end());
  const bool fits = wanted.size() <= setting_.limits.ops;
  EXPECT_EQ(hub_.AddAccepts(slot, ops), fits);
  if (fits) model_.SetOps(slot, wanted);
}

// Those who are not muted may be told so too.
void HubDriver::Unmute() {
  const uint32_t slot = AnySlot();
  if (slot == kNone) return;
  hub_.Unmute(slot);
  muted_.erase(slot);
}

void HubDriver::PushSome() {
  for (uint64_t i = Percent(10) ? Below(20) : 1; i > 0; --i) Push();
}

void HubDriver::Push() {
  const int32_t op = AnyOp();
  uint64_t bytes = 8 + Below(60);
  if (Percent(10)) bytes = 8 + Below(std::min<uint64_t>(2000, setting_.body_bytes - 8));
  if (Percent(2)) bytes = setting_.body_bytes - Below(100);
  const auto frames = static_cast<uint32_t>(bytes < 200 && Percent(15) ? 1 + Below(3) : 0);
  const uint64_t id = model_.NewPush(op, bytes, frames);
  const uint64_t where = Below(10);
  ++pushed_;
  if (setting_.receipts) receipt_ = hub_.receipts().Open();
  if (where < 3) {
    PushPersonal(op, id);
  } else if (where < 7) {
    PushToRoom(id);
  } else {
    PushToAll(op, id);
  }
  if (!setting_.receipts) return;
  if (hub_.receipts().Seal(receipt_)) CloseReceipt(receipt_);
  for (const uint32_t receipt : hub_.receipts().TakeDone()) CloseReceipt(receipt);
}

void HubDriver::CloseReceipt(uint32_t number) {
  const Receipt receipt = hub_.receipts().Close(number);
  EXPECT_EQ(receipt.pending(), 0u);
  receipts_expected_ += receipt.expected;
  receipts_delivered_ += receipt.delivered;
  receipts_skipped_ += receipt.skipped;
}

void HubDriver::PushPersonal(int32_t op, uint64_t id) {
  const HubModel::Message& message = model_.message(id);
  const hub::Push push{op, message.batch, message.body, receipt_};
  PersonalOutcome outcome;
  std::vector<uint32_t> slots;
  if (Percent(60)) {
    const std::string key = AnyKey();
    slots = model_.WithKey(key);
    outcome = hub_.PushKey(key, push);
  } else {
    const auto mid = static_cast<int64_t>(Below(4));
    slots = model_.WithMid(mid);
    outcome = hub_.PushMid(mid, push);
  }
  ASSERT_EQ(outcome.channels, slots.size());
  std::erase_if(slots, [&](uint32_t slot) { return model_.ops(slot).count(op) == 0; });
  ASSERT_EQ(outcome.filtered, outcome.channels - slots.size());
  ASSERT_EQ(outcome.taken + outcome.refused, slots.size());
  ASSERT_TRUE(!setting_.roomy || outcome.refused == 0);
  expected_ += outcome.taken;
  if (outcome.taken == 0) return;
  const bool maybe = outcome.refused > 0 || PersonalMayBeSkipped();
  for (const uint32_t slot : slots) model_.ExpectPersonal(slot, id, maybe);
}

bool HubDriver::PersonalMayBeSkipped() const {
  return !setting_.roomy && (setting_.limits.personal_overflow == PersonalOverflow::kSkip ||
                             setting_.limits.personal_overflow == PersonalOverflow::kLatest);
}

void HubDriver::PushToRoom(uint64_t id) {
  const HubModel::Message& message = model_.message(id);
  const std::string room = AnyRoom();
  const std::vector<uint32_t> slots = model_.Members(room);
  ASSERT_EQ(hub_.PushRoom(room, {message.op, message.batch, message.body, receipt_}, now_ms()), slots.size());
  expected_ += slots.size();
  for (const uint32_t slot : slots) model_.ExpectOfRoom(slot, room, id);
}

void HubDriver::PushToAll(int32_t op, uint64_t id) {
  const HubModel::Message& message = model_.message(id);
  std::vector<uint32_t> laned;
  std::vector<uint32_t> strays;
  for (const uint32_t slot : model_.slots()) {
    if (model_.ops(slot).count(op) == 0) continue;
    (hub_.channel(slot).stray_index == kNone ? laned : strays).push_back(slot);
  }
  const auto pace = static_cast<uint32_t>(Percent(70) ? 0 : 1 + Below(2000));
  const uint64_t taken = hub_.PushAll({op, message.batch, message.body, receipt_}, pace, now_ms());
  ASSERT_GE(taken, laned.size());
  ASSERT_LE(taken, laned.size() + strays.size());
  ASSERT_TRUE(!setting_.roomy || taken == laned.size() + strays.size());
  expected_ += taken;
  for (const uint32_t slot : laned) model_.ExpectOfEveryone(slot, id);
  if (taken == laned.size()) return;
  const bool maybe = taken < laned.size() + strays.size() || PersonalMayBeSkipped();
  for (const uint32_t slot : strays) model_.ExpectPersonal(slot, id, maybe);
}

void HubDriver::Reply() {
  const uint32_t slot = AnySlot();
  if (slot == kNone) return;
  const uint64_t id = model_.NewReply(8 + Below(100));
  hub_.Reply(slot, model_.message(id).wire[static_cast<size_t>(model_.encoding(slot))]);
  model_.ExpectReply(slot, id);
}

// --- checks

void HubDriver::CheckBooks() {
  const Accounting books = hub_.Books();
  const uint64_t closed = books.skipped[static_cast<size_t>(SkipReason::kClosed)];
  const uint64_t overflow = books.skipped[static_cast<size_t>(SkipReason::kOverflow)];
  ASSERT_EQ(books.pushed, pushed_);
  ASSERT_EQ(books.expected, expected_);
  ASSERT_EQ(books.delivered, model_.received());
  ASSERT_EQ(books.expected, books.delivered + closed + overflow + books.pending);
  if (!setting_.roomy) return;
  ASSERT_EQ(overflow, 0u);
  ASSERT_EQ(model_.passed_over(), 0u);
  ASSERT_EQ(closed, model_.lost());
  ASSERT_EQ(books.refused, 0u);
}

void HubDriver::CheckChannels() {
  ASSERT_EQ(hub_.channels_count(), model_.clients());
  ASSERT_EQ(hub_.blocked_count(), blocked_.size());
  const std::string key = AnyKey();
  std::vector<uint32_t> slots;
  hub_.FindKey(key, &slots);
  ASSERT_EQ(slots, model_.WithKey(key));
  ASSERT_EQ(hub_.IsOnline(key), !slots.empty());
  slots.clear();
  const auto mid = static_cast<int64_t>(Below(4));
  hub_.FindMid(mid, &slots);
  ASSERT_EQ(slots, model_.WithMid(mid));
  for (uint32_t slot = 0; slot < setting_.slots; ++slot) {
    ASSERT_EQ(hub_.Live(slot), model_.Has(slot));
    if (!hub_.Live(slot)) continue;
    ASSERT_EQ(hub_.channel(slot).blocked(), blocked_.count(slot) > 0);
    const bool owed = !model_.AtBoundary(slot) || model_.RepliesPending(slot);
    const bool drained = hub_.Drained(slot);
    ASSERT_FALSE(owed && drained);
    ASSERT_TRUE(!setting_.roomy || drained == (!owed && model_.Pending(slot) == 0));
  }
}

void HubDriver::CheckRooms() {
  const std::set<std::string> rooms = model_.Rooms();
  ASSERT_EQ(hub_.rooms_count(), rooms.size());
  for (const Hub::RoomChange& change : hub_.TakeRoomChanges()) {
    if (change.present) {
      ASSERT_TRUE(present_.insert(change.room).second) << change.room;
    } else {
      ASSERT_EQ(present_.erase(change.room), 1u) << change.room;
    }
  }
  ASSERT_EQ(present_, rooms);
  size_t seen = 0;
  hub_.ForEachRoom([&](const Room& room) {
    ++seen;
    EXPECT_EQ(room.members(), model_.Members(std::string(room.id())).size());
    EXPECT_EQ(hub_.FindRoom(room.id()), &room);
  });
  ASSERT_EQ(seen, rooms.size());
}

}  // namespace halley::hub
