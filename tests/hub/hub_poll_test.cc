// Long polls: one message, one response, and books that say what became of the rest.
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hub/hub.h"

namespace halley::hub {
namespace {

using wire::Encoding;

constexpr uint64_t kAll = UINT64_MAX;

std::string Object(std::string_view body) {
  return "{\"ver\":1,\"op\":5,\"seq\":0,\"body\":" + std::string(body) + "}";
}

std::string Response(std::string_view json, const wire::LongPoll& poll = {}) {
  std::string text;
  wire::AppendLongPollHead(poll, json.size(), &text);
  return text.append(json);
}

std::string Empty(const wire::LongPoll& poll = {}) {
  std::string text;
  wire::AppendLongPollEmpty(poll, &text);
  return text;
}

class HubPollTest : public testing::Test {
 protected:
  // How many of so many bytes the client in this slot takes.
  using Take = std::function<uint64_t(uint32_t slot, uint64_t bytes)>;

  void Start(const HubLimits& limits = {}) { hub_.emplace(limits); }

  void Poll(uint32_t slot, const std::string& room = "room", const wire::LongPoll& poll = {},
            const std::string& key = "key") {
    hub_->AddChannel({slot, 1, static_cast<int32_t>(slot), Encoding::kGoimV1LongPoll, 7, key, {},
                      /*every_op=*/true, &poll});
    if (!room.empty()) hub_->JoinRoom(slot, room);
    sent_[slot].clear();
  }
  void Listen(uint32_t slot, const std::string& room = "room") {
    hub_->AddChannel({slot, 1, static_cast<int32_t>(slot), Encoding::kGoimV1Tcp, 8, "other", {},
                      /*every_op=*/true});
    hub_->JoinRoom(slot, room);
    sent_[slot].clear();
  }
  uint64_t PushRoom(std::string_view body, std::string_view room = "room") {
    return hub_->PushRoom(room, {1000, false, body}, 0);
  }
  PersonalOutcome PushKey(std::string_view body) { return hub_->PushKey("key", {1, false, body}); }

  void FlushOwn(const Take& take) {
    std::vector<SendPlan> plans(4);
    const size_t count = hub_->PlanOwn(absl::MakeSpan(plans));
    for (size_t i = 0; i < count; ++i) {
      const uint64_t bytes = Hub::PlanBytes(plans[i]);
      const uint64_t taken = std::min(bytes, take(plans[i].slot, bytes));
      Receive(plans[i].slot, {plans[i].parts, plans[i].parts_count}, taken);
      hub_->SettleOwn(plans[i], static_cast<int64_t>(taken));
    }
  }
  void FlushLane(const Take& take, size_t sends = 128) {
    Slice slice;
    if (!hub_->NextLaneSlice(sends, 1, &slice)) return;
    uint64_t bytes = 0;
    for (const iovec& part : slice.span) bytes += part.iov_len;
    std::vector<base::SendException> exceptions;
    for (uint32_t i = 0; i < slice.targets.size(); ++i) {
      const uint64_t taken = std::min(bytes, take(slice.targets[i].slot, bytes));
      Receive(slice.targets[i].slot, slice.span, taken);
      if (taken < bytes) exceptions.push_back({i, static_cast<int32_t>(taken)});
    }
    hub_->CompleteLaneSlice(exceptions);
  }
  void Receive(uint32_t slot, absl::Span<const iovec> parts, uint64_t taken) {
    for (const iovec& part : parts) {
      const size_t some = std::min<uint64_t>(taken, part.iov_len);
      sent_[slot].append(static_cast<const char*>(part.iov_base), some);
      taken -= some;
    }
  }
  // As the shard does: what is answered is closed.
  void CloseAnswered() {
    for (const uint32_t slot : hub_->TakeAnswered()) {
      if (!hub_->Live(slot)) continue;
      EXPECT_TRUE(closed_.insert(slot).second);
      hub_->RemoveChannel(slot);
    }
  }
  void Flush(const Take& take = [](uint32_t, uint64_t) { return kAll; }) {
    while (hub_->HasWork()) {
      FlushOwn(take);
      FlushLane(take);
      CloseAnswered();
      ExpectBooks();
    }
  }
  void ExpectBooks() {
    const Accounting books = hub_->Books();
    uint64_t skipped = 0;
    for (const uint64_t each : books.skipped) skipped += each;
    EXPECT_EQ(books.expected, books.delivered + skipped + books.pending);
  }
  uint64_t SkippedClosed() const {
    return hub_->Books().skipped[static_cast<size_t>(SkipReason::kClosed)];
  }

  std::optional<Hub> hub_;
  std::map<uint32_t, std::string> sent_;
  std::set<uint32_t> closed_;
};

TEST_F(HubPollTest, OneMessageAndClosed) {
  for (int way = 0; way < 4; ++way) {
    Start();
    closed_.clear();
    Poll(3);
    Flush();
    EXPECT_EQ(sent_[3], "");
    switch (way) {
      case 0: EXPECT_EQ(PushRoom("7"), 1u); break;
      case 1: EXPECT_EQ(PushKey("7").taken, 1u); break;
      case 2: EXPECT_EQ(hub_->PushMid(7, {-5, false, "7"}).taken, 1u); break;
      case 3: EXPECT_EQ(hub_->PushAll({1, false, "7"}, 0, 0), 1u); break;
    }
    Flush();
    EXPECT_EQ(sent_[3], Response(Object("7"))) << way;
    EXPECT_EQ(closed_, std::set<uint32_t>({3}));
    EXPECT_EQ(hub_->Books().delivered, 1u);
    EXPECT_EQ(hub_->channels_count(), 0u);
    EXPECT_EQ(hub_->rooms_count(), 0u);
  }
}

TEST_F(HubPollTest, EachHasItsOwnAround) {
  Start();
  const wire::LongPoll page{"https://a.example", ""};
  const wire::LongPoll script{"", "got"};
  Poll(1);
  Poll(2, "room", page);
  Poll(3, "room", script);
  Listen(4);
  EXPECT_EQ(PushRoom("\"x\""), 4u);
  Flush();
  EXPECT_EQ(sent_[1], Response(Object("\"x\"")));
  EXPECT_EQ(sent_[2], Response(Object("\"x\""), page));
  EXPECT_EQ(sent_[3], Response(Object("\"x\""), script));
  EXPECT_TRUE(sent_[3].ends_with("\r\n\r\ngot=" + Object("\"x\"")));
  EXPECT_EQ(sent_[4].size(), 19u);
  EXPECT_TRUE(hub_->Live(4));
}

TEST_F(HubPollTest, TheRestIsSkippedAsOfAnybodyWhoLeaves) {
  Start();
  Poll(1);
  Listen(2);
  for (int i = 0; i < 10; ++i) PushRoom(std::to_string(i));
  Flush();
  EXPECT_EQ(sent_[1], Response(Object("0")));
  EXPECT_EQ(sent_[2].size(), 10 * 17u);
  EXPECT_EQ(hub_->Books().delivered, 11u);
  EXPECT_EQ(SkippedClosed(), 9u);
}

TEST_F(HubPollTest, APersonalPushThatComesSecondIsRefused) {
  Start();
  Poll(1);
  EXPECT_EQ(PushKey("1").taken, 1u);
  EXPECT_EQ(PushKey("2").refused, 1u);
  PushRoom("3");
  Flush();
  EXPECT_EQ(sent_[1], Response(Object("1")));
  EXPECT_EQ(hub_->Books().refused, 1u);
  EXPECT_EQ(SkippedClosed(), 1u);
  EXPECT_EQ(hub_->Books().queue_bytes, 0u);
}

TEST_F(HubPollTest, ShortSendsDoNotLetAnythingElseIn) {
  Start();
  Poll(1);
  const std::string body = "\"" + std::string(5000, '1') + "\"";
  PushRoom(body);
  const std::string whole = Response(Object(body));
  for (uint64_t number = 0; closed_.empty(); ++number) {
    ASSERT_LT(number, whole.size());
    Flush([](uint32_t, uint64_t) { return 1000; });
    EXPECT_TRUE(whole.starts_with(sent_[1]));
    EXPECT_EQ(closed_.empty(), sent_[1].size() < whole.size());
    if (!closed_.empty()) break;
    EXPECT_EQ(PushRoom("2"), 1u);
    EXPECT_EQ(PushKey("3").refused, 1u);
    hub_->Reply(1, "not heard");
    hub_->EndPoll(1);
    hub_->OnWritable(1);
  }
  EXPECT_TRUE(sent_[1] == whole);
  EXPECT_EQ(hub_->Books().delivered, 1u);
  EXPECT_GT(SkippedClosed(), 0u);
}

TEST_F(HubPollTest, WhatIsBegunAndNeverTakenIsSkipped) {
  Start();
  Poll(1);
  PushRoom("1");
  Flush([](uint32_t, uint64_t) { return 10; });
  PushRoom("2");
  EXPECT_EQ(hub_->Books().pending, 2u);
  hub_->RemoveChannel(1);
  ExpectBooks();
  EXPECT_EQ(SkippedClosed(), 2u);
  EXPECT_TRUE(hub_->TakeAnswered().empty());
}

TEST_F(HubPollTest, NoMessageForTooLong) {
  Start();
  const wire::LongPoll page{"https://a.example", "x"};
  Poll(1, "room", page);
  hub_->EndPoll(1);
  EXPECT_EQ(PushKey("late").refused, 1u);
  PushRoom("late");
  Flush();
  EXPECT_EQ(sent_[1], Empty(page));
  EXPECT_EQ(closed_.size(), 1u);
  EXPECT_EQ(hub_->Books().delivered, 0u);
  EXPECT_EQ(SkippedClosed(), 1u);
}

TEST_F(HubPollTest, AFarewellIsTheResponseOnlyWhereThereIsNone) {
  Start();
  Poll(1);
  hub_->Reply(1, "HTTP/1.1 503 x");
  hub_->Reply(1, "HTTP/1.1 503 y");
  PushRoom("1");
  Flush();
  EXPECT_EQ(sent_[1], "HTTP/1.1 503 x");
  Poll(2);
  PushRoom("1");
  SendPlan plan;
  FlushLane([](uint32_t, uint64_t) { return kAll; });
  hub_->Reply(2, "");  // says nothing, and answers nothing
  ASSERT_TRUE(hub_->PlanOne(2, &plan));
  hub_->SettleOwn(plan, static_cast<int64_t>(Hub::PlanBytes(plan)));
  hub_->Reply(2, "HTTP/1.1 503 z");
  EXPECT_FALSE(hub_->PlanOne(2, &plan));
}

TEST_F(HubPollTest, UntilItIsUnmutedNothingIsSaid) {
  Start();
  Poll(1);
  hub_->Mute(1);
  PushRoom("1");
  Flush();
  EXPECT_EQ(sent_[1], "");
  hub_->Unmute(1);
  Flush();
  EXPECT_EQ(sent_[1], Response(Object("1")));
}

TEST_F(HubPollTest, ABatchIsOneMessage) {
  Start();
  Poll(1);
  std::string batch(2 * 17, '\0');
  for (int i = 0; i < 2; ++i) {
    wire::WriteGoimHeader(batch.data() + 17 * i, 1, 1000, 0, 1);
    batch[static_cast<size_t>(17 * i + 16)] = static_cast<char>('1' + i);
  }
  hub_->PushRoom("room", {1000, true, batch}, 0);
  Flush();
  EXPECT_EQ(sent_[1], Response("[" + Object("1") + "," + Object("2") + "]"));
}

// A turn makes hardly more of them lag than it would send to, and other lanes have theirs.
TEST_F(HubPollTest, ManyAreAnsweredABatchAtATime) {
  Start();
  for (uint32_t slot = 0; slot < 1000; ++slot) Poll(slot, "room", {}, "k" + std::to_string(slot));
  EXPECT_EQ(PushRoom("1"), 1000u);
  const auto lagging = [&] {
    uint64_t count = 0;
    for (uint32_t slot = 0; slot < 1000; ++slot) count += hub_->channel(slot).queued ? 1 : 0;
    return count;
  };
  Slice slice;
  EXPECT_FALSE(hub_->NextLaneSlice(100, 1, &slice));
  EXPECT_GE(lagging(), 100u);
  EXPECT_LT(lagging(), 200u);
  EXPECT_TRUE(hub_->HasWork());

  Listen(1000);
  EXPECT_EQ(PushRoom("2"), 1001u);
  for (int turn = 0; turn < 2 && sent_[1000].empty(); ++turn) {
    FlushLane([](uint32_t, uint64_t) { return kAll; }, 100);
  }
  EXPECT_EQ(sent_[1000].size(), 17u);
  EXPECT_LT(lagging(), 400u);
  Flush();
  EXPECT_EQ(closed_.size(), 1000u);
  EXPECT_EQ(hub_->Books().delivered, 1001u);
  EXPECT_EQ(SkippedClosed(), 1000u);
}

TEST_F(HubPollTest, ReceiptsKnowWhoGotIt) {
  Start();
  for (uint32_t slot = 1; slot <= 3; ++slot) Poll(slot);
  Receipts& receipts = hub_->receipts();
  const uint32_t first = receipts.Open();
  const uint32_t second = receipts.Open();
  hub_->PushRoom("room", {1, false, "1", first}, 0);
  hub_->PushRoom("room", {1, false, "2", second}, 0);
  EXPECT_FALSE(receipts.Seal(first));
  EXPECT_FALSE(receipts.Seal(second));
  Flush();
  const Receipt of_first = receipts.Close(first);
  const Receipt of_second = receipts.Close(second);
  EXPECT_EQ(of_first.delivered, 3u);
  EXPECT_EQ(of_first.pending(), 0u);
  EXPECT_EQ(of_second.skipped, 3u);
  EXPECT_EQ(of_second.pending(), 0u);
}

// Behind what a log keeps: skipped, and answered with what is left.
TEST_F(HubPollTest, WhoIsTooSlowForTheLogStillGetsOneMessage) {
  for (const Overflow overflow : {Overflow::kSkip, Overflow::kLatest, Overflow::kClose}) {
    HubLimits limits;
    limits.lane.log_bytes = 4096;
    limits.lane.overflow = overflow;
    Start(limits);
    closed_.clear();
    Poll(1);
    PushRoom("1");
    Flush([](uint32_t, uint64_t) { return 10; });  // it has its message, and takes it slowly
    for (int i = 0; i < 100; ++i) PushRoom(std::string(200, '2'));
    EXPECT_TRUE(hub_->TakeTooSlow().empty());
    ExpectBooks();
    hub_->OnWritable(1);
    Flush();
    EXPECT_EQ(sent_[1], Response(Object("1")));
    EXPECT_EQ(closed_.size(), 1u);
  }
}

// Whatever happens in whatever order: each is sent a beginning of one response, whose length is
// true; whoever has all of one is closed; and the books balance.
class RandomPolls : public HubPollTest {
 protected:
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  void Step() {
    const auto slot = static_cast<uint32_t>(Below(kSlots));
    const std::string body(1 + Below(Below(8) == 0 ? 40'000 : 40), '7');
    switch (Below(9)) {
      case 0:
      case 1:
        if (!hub_->Live(slot)) Enter(slot);
        break;
      case 2: PushRoom(body, "room" + std::to_string(Below(2))); break;
      case 3: PushKey(body); break;
      case 4: hub_->PushAll({1, false, body}, 0, 0); break;
      case 5:
        if (IsPoll(slot) && Below(3) == 0) hub_->EndPoll(slot);
        break;
      case 6:
        if (hub_->Live(slot)) hub_->OnWritable(slot);
        break;
      case 7:
        if (hub_->Live(slot) && Below(4) == 0) hub_->RemoveChannel(slot);
        break;
      case 8:
        if (hub_->Live(slot)) hub_->Unmute(slot);
        break;
    }
    const Take take = [&](uint32_t, uint64_t bytes) {
      return Below(3) == 0 ? Below(bytes + 1) : kAll;
    };
    if (Below(2) == 0) FlushOwn(take);
    if (Below(2) == 0) FlushLane(take, 1 + Below(4));
    CloseAnswered();
    ExpectBooks();
  }
  void Enter(uint32_t slot) {
    closed_.erase(slot);
    const std::string room = "room" + std::to_string(Below(2));
    if (Below(4) == 0) {
      Listen(slot, room);
    } else {
      Poll(slot, room, {"", Below(2) == 0 ? "" : "cb"});
      if (Below(4) == 0) hub_->Mute(slot);
    }
  }
  bool IsPoll(uint32_t slot) const {
    return hub_->Live(slot) && hub_->channel(slot).encoding == Encoding::kGoimV1LongPoll;
  }
  void ExpectOneResponse(uint32_t slot) {
    const std::string& bytes = sent_[slot];
    if (!closed_.contains(slot) && !IsPoll(slot)) return;
    const std::string_view begin = "HTTP/1.1";
    EXPECT_EQ(bytes.substr(0, begin.size()), begin.substr(0, bytes.size()));
    if (bytes.size() < begin.size()) return;
    EXPECT_EQ(bytes.rfind(begin), 0u) << "a second response";
    const size_t head = bytes.find("\r\n\r\n");
    EXPECT_TRUE(head != std::string::npos || !closed_.contains(slot));
    if (head == std::string::npos) return;
    const size_t length = bytes.find("Content-Length: ");
    const size_t body_bytes =
        length == std::string::npos ? 0 : std::stoul(bytes.substr(length + 16));
    EXPECT_EQ(length == std::string::npos, bytes.starts_with("HTTP/1.1 204 "));
    const size_t got = bytes.size() - head - 4;
    EXPECT_EQ(got == body_bytes, closed_.contains(slot));
    EXPECT_LE(got, body_bytes);
  }

  static constexpr uint32_t kSlots = 8;
  std::mt19937_64 random_;
};

TEST_F(RandomPolls, KeepTheRule) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_.seed(seed);
    HubLimits limits;
    limits.lane.log_messages = seed % 2 == 0 ? 16 : 65536;
    limits.accept_sets = seed % 3 == 0 ? 0 : 1024;
    Start(limits);
    sent_.clear();
    closed_.clear();
    for (int step = 0; step < 300; ++step) {
      Step();
      for (uint32_t slot = 0; slot < kSlots; ++slot) ExpectOneResponse(slot);
      if (HasFailure()) return;
    }
    hub_->StopLingering();
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      if (!hub_->Live(slot)) continue;
      hub_->Unmute(slot);
      hub_->OnWritable(slot);
    }
    Flush();
    EXPECT_EQ(hub_->Books().pending, 0u);
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      ExpectOneResponse(slot);
      if (hub_->Live(slot)) EXPECT_FALSE(hub_->channel(slot).answered);
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace halley::hub
