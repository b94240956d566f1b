#include "remote/engine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "remote/fake_transport.h"

namespace halley::remote {
namespace {

using backend::ConnectVerdict;

class EngineTest : public testing::Test {
 protected:
  void Begin(std::vector<std::string> addresses = {"a"}) {
    engine_ = std::make_unique<Engine>(
        options_, &transport_, &sink_, &figures_,
        [this](const AddressNews& news) { news_.emplace_back(news.name, news.open); }, 11);
    engine_->SetTime(now_ns_);
    engine_->SetAddresses(addresses);
    Advance(0);
  }
  void Advance(uint64_t ms) {
    now_ns_ += ms * kMs;
    next_ns_ = engine_->Advance(now_ns_);
  }
  void Submit(CallKind kind, uint64_t serial, std::string key = "k") {
    auto call = std::make_unique<Call>();
    call->kind = kind;
    call->serial = serial;
    call->ticket.slot = static_cast<uint32_t>(serial);
    if (kind != CallKind::kConnect) call->key = std::move(key);
    engine_->Submit(std::move(call));
    Advance(0);
  }
  // Takes the only address off its trial.
  void Prove() {
    for (size_t i = 0; i < options_.concurrency; ++i) {
      Submit(CallKind::kConnect, 1);
      Finish(Outcome::kAnswered, "prover");
    }
  }
  // Ends the oldest exchange that is open.
  FakeTransport::Started Finish(Outcome outcome, std::string key = "k") {
    FakeTransport::Started started = transport_.open.front();
    transport_.open.erase(transport_.open.begin());
    Result result;
    result.outcome = outcome;
    if (outcome == Outcome::kAnswered) {
      result.connect.verdict = ConnectVerdict::kAccepted;
      result.connect.key = std::move(key);
      result.refresh.verdict = ConnectVerdict::kAccepted;
    }
    engine_->SetTime(now_ns_);
    engine_->OnDone(started.id, std::move(result));
    Advance(0);
    return started;
  }
  void ProbeAll(bool good) {
    std::vector<AddressId> probes;
    probes.swap(transport_.probes);
    for (const AddressId address : probes) engine_->OnProbed(address, good, "why");
    Advance(0);
  }
  uint64_t Ended(CallKind kind, Ending ending) const { return figures_.Get(kind, ending); }
  // Every call ends once: nothing is lost without a reason.
  uint64_t EndedInAll() const {
    uint64_t sum = 0;
    for (const auto& kind : figures_.ended) {
      for (const auto& count : kind) sum += count.load();
    }
    return sum;
  }

  EngineOptions options_;
  FakeTransport transport_;
  FakeSink sink_;
  Figures figures_;
  std::vector<std::pair<std::string, bool>> news_;
  std::unique_ptr<Engine> engine_;
  uint64_t now_ns_ = 1'000'000'000;
  uint64_t next_ns_ = 0;
};

TEST_F(EngineTest, AsksAndAnswers) {
  Begin();
  Submit(CallKind::kConnect, 5);
  ASSERT_EQ(transport_.open.size(), 1u);
  EXPECT_EQ(transport_.open[0].timeout_ms, options_.timeout_ms);
  Finish(Outcome::kAnswered, "me");
  ASSERT_EQ(sink_.answers.size(), 1u);
  EXPECT_EQ(sink_.answers[0].connect.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(sink_.answers[0].connect.key, "me");
  EXPECT_EQ(sink_.answers[0].connect.serial, 5u);
  EXPECT_EQ(sink_.answers[0].ticket.slot, 5u);
  EXPECT_TRUE(engine_->Idle());
}

TEST_F(EngineTest, HasNoMoreUnderWayThanItMay) {
  options_.concurrency = 3;
  options_.queue = 5;
  Begin();
  for (uint64_t i = 1; i <= 6; ++i) Submit(CallKind::kConnect, i);
  EXPECT_EQ(transport_.open.size(), 3u);
  EXPECT_EQ(figures_.in_flight, 3u);
  EXPECT_EQ(figures_.queued, 2u);
  // The sixth did not fit: three under way and two that wait are five.
  ASSERT_EQ(sink_.answers.size(), 1u);
  EXPECT_EQ(sink_.answers[0].ticket.slot, 6u);
  EXPECT_EQ(sink_.answers[0].connect.verdict, ConnectVerdict::kUnavailable);
  EXPECT_EQ(Ended(CallKind::kConnect, Ending::kQueueFull), 1u);
  Finish(Outcome::kAnswered);
  EXPECT_EQ(transport_.open.size(), 3u);
  while (!transport_.open.empty()) Finish(Outcome::kAnswered);
  EXPECT_EQ(Ended(CallKind::kConnect, Ending::kAnswered), 5u);
  EXPECT_EQ(EndedInAll(), 6u);
}

TEST_F(EngineTest, ALoginsTimeIncludesItsWait) {
  options_.concurrency = 1;
  Begin();
  Submit(CallKind::kConnect, 1);
  Submit(CallKind::kConnect, 2);
  Advance(1000);
  EXPECT_LE(next_ns_, now_ns_ + 2000 * kMs) << "it wakes when the second is over";
  Finish(Outcome::kAnswered);
  ASSERT_EQ(transport_.open.size(), 1u);
  EXPECT_EQ(transport_.open[0].timeout_ms, 2000u);
}

TEST_F(EngineTest, ALoginThatWaitsTooLongIsUnavailable) {
  options_.concurrency = 1;
  Begin();
  Submit(CallKind::kConnect, 1);
  Advance(100);
  Submit(CallKind::kConnect, 2);
  Advance(options_.timeout_ms - 1);
  EXPECT_TRUE(sink_.answers.empty());
  Advance(1);
  ASSERT_EQ(sink_.answers.size(), 1u);
  EXPECT_EQ(sink_.answers[0].ticket.slot, 2u);
  EXPECT_EQ(sink_.answers[0].connect.verdict, ConnectVerdict::kUnavailable);
  EXPECT_EQ(Ended(CallKind::kConnect, Ending::kTimedOut), 1u);
}

TEST_F(EngineTest, ALoginIsRepeatedOnlyElsewhereAndOnlyWhenNobodyHeardIt) {
  Begin({"a", "b"});
  Submit(CallKind::kConnect, 1);
  const AddressId first = Finish(Outcome::kNotSent).address;
  ASSERT_EQ(transport_.open.size(), 1u);
  EXPECT_NE(transport_.open[0].address, first);
  EXPECT_TRUE(sink_.answers.empty());
  Finish(Outcome::kFailed);
  ASSERT_EQ(sink_.answers.size(), 1u);
  EXPECT_EQ(sink_.answers[0].connect.verdict, ConnectVerdict::kUnavailable);
  EXPECT_EQ(figures_.repeats, 1u);
}

TEST_F(EngineTest, WhatMayBeRepeatedIsWithGrowingDelays) {
  transport_.traits_.carries_serial = true;
  options_.failures = 1000;
  Begin();
  Prove();
  Submit(CallKind::kDisconnect, 9);
  uint64_t longest_ms = 0;
  const uint64_t begun_ns = now_ns_;
  int attempts = 0;
  while (!engine_->Idle()) {
    if (!transport_.open.empty()) {
      Finish(Outcome::kFailed);
      ++attempts;
    }
    const uint64_t before_ns = now_ns_;
    while (transport_.open.empty() && !engine_->Idle()) {
      transport_.probes.clear();
      Advance(1);
    }
    longest_ms = std::max(longest_ms, (now_ns_ - before_ns) / kMs);
  }
  EXPECT_GE(attempts, 20);
  EXPECT_LE(attempts, 60);
  EXPECT_LE(longest_ms, options_.retry_max_ms + 1);
  EXPECT_GE(longest_ms, options_.retry_max_ms / 2);
  EXPECT_GE((now_ns_ - begun_ns) / kMs, options_.retry_for_ms - options_.retry_max_ms);
  EXPECT_EQ(Ended(CallKind::kDisconnect, Ending::kFailed), 1u);
}

TEST_F(EngineTest, WhatWasUnderstoodWronglyIsNotRepeated) {
  Begin();
  Submit(CallKind::kDisconnect, 9);
  Finish(Outcome::kBadAnswer);
  EXPECT_TRUE(engine_->Idle());
  EXPECT_EQ(Ended(CallKind::kDisconnect, Ending::kBadAnswer), 1u);
}

TEST_F(EngineTest, WithNobodyToAskLoginsEndAtOnceAndDisconnectsWait) {
  transport_.traits_.messages = true;
  transport_.traits_.carries_serial = true;
  Begin();
  ProbeAll(false);
  Advance(options_.probe_every_ms);
  ProbeAll(false);
  ASSERT_EQ(news_.size(), 1u);
  EXPECT_FALSE(news_[0].second);
  EXPECT_FALSE(engine_->AnyOpen());
  EXPECT_EQ(figures_.open_addresses, 0u);
  Submit(CallKind::kConnect, 1);
  Submit(CallKind::kReceive, 2);
  Submit(CallKind::kDisconnect, 3);
  ASSERT_EQ(sink_.answers.size(), 1u);
  EXPECT_EQ(sink_.answers[0].connect.verdict, ConnectVerdict::kUnavailable);
  EXPECT_EQ(Ended(CallKind::kReceive, Ending::kNoBackend), 1u);
  EXPECT_TRUE(transport_.open.empty());
  // It comes back: what waited is told.
  Advance(options_.probe_every_ms);
  ProbeAll(true);
  ASSERT_EQ(transport_.open.size(), 1u);
  EXPECT_EQ(transport_.open[0].calls[0].kind, CallKind::kDisconnect);
  EXPECT_EQ(news_.back(), (std::pair<std::string, bool>("a", true)));
}

TEST_F(EngineTest, LoginsThatWaitEndWhenTheLastAddressShuts) {
  options_.concurrency = 1;
  Begin();
  Submit(CallKind::kConnect, 1);
  Submit(CallKind::kConnect, 2);
  Finish(Outcome::kFailed);
  EXPECT_EQ(sink_.answers.size(), 2u);
  EXPECT_EQ(Ended(CallKind::kConnect, Ending::kNoBackend), 1u);
}

TEST_F(EngineTest, OneThatComesBackIsNotTrampled) {
  Begin();
  Submit(CallKind::kConnect, 1);
  Finish(Outcome::kFailed);
  ASSERT_FALSE(engine_->AnyOpen());
  transport_.traits_.carries_serial = true;
  for (uint64_t i = 2; i <= 200; ++i) Submit(CallKind::kDisconnect, i, std::to_string(i));
  ProbeAll(true);  // begun before it was shut for long enough
  Advance(options_.probe_every_ms);
  ProbeAll(true);
  EXPECT_EQ(transport_.open.size(), kTrialExchanges);
  size_t most = 0;
  int finished = 0;
  while (!transport_.open.empty()) {
    Finish(Outcome::kAnswered);
    ++finished;
    most = std::max(most, transport_.open.size());
    EXPECT_LE(transport_.open.size(), kTrialExchanges + static_cast<size_t>(finished));
  }
  EXPECT_LE(most, options_.concurrency);
  EXPECT_GE(most, options_.concurrency / 2);
}

TEST_F(EngineTest, OneClientsMessagesAreSentInOrderOneAtATime) {
  transport_.traits_.carries_serial = true;
  options_.queue_per_client = 4;
  Begin();
  for (int i = 0; i < 5; ++i) Submit(CallKind::kReceive, 7);
  Submit(CallKind::kReceive, 8);
  Submit(CallKind::kDisconnect, 7);
  EXPECT_EQ(Ended(CallKind::kReceive, Ending::kClientQueueFull), 1u);
  std::vector<std::pair<uint64_t, CallKind>> order;
  while (!transport_.open.empty()) {
    size_t of_seven = 0;
    for (const auto& each : transport_.open) of_seven += each.calls[0].serial == 7 ? 1 : 0;
    EXPECT_LE(of_seven, 1u);
    const FakeTransport::Started started = Finish(Outcome::kAnswered);
    if (started.calls[0].serial == 7) order.emplace_back(7, started.calls[0].kind);
  }
  ASSERT_EQ(order.size(), 5u);
  EXPECT_EQ(order.back().second, CallKind::kDisconnect) << "after all that it sent";
  EXPECT_TRUE(engine_->Idle());
}

TEST_F(EngineTest, MessagesLeaveRoomForDisconnects) {
  transport_.traits_.carries_serial = true;
  options_.queue = 8;
  Begin();
  for (uint64_t i = 1; i <= 6; ++i) Submit(CallKind::kReceive, i);
  EXPECT_EQ(Ended(CallKind::kReceive, Ending::kQueueFull), 2u);
  for (uint64_t i = 1; i <= 6; ++i) Submit(CallKind::kDisconnect, 100 + i);
  EXPECT_EQ(Ended(CallKind::kDisconnect, Ending::kQueueFull), 2u);
}

TEST_F(EngineTest, DisconnectsThatPileUpGoTogether) {
  transport_.traits_.carries_serial = true;
  transport_.traits_.disconnects_max = 3;
  options_.concurrency = 1;
  Begin();
  for (uint64_t i = 1; i <= 5; ++i) Submit(CallKind::kDisconnect, i);
  EXPECT_EQ(Finish(Outcome::kAnswered).calls.size(), 1u);
  EXPECT_EQ(Finish(Outcome::kAnswered).calls.size(), 3u);
  EXPECT_EQ(Finish(Outcome::kAnswered).calls.size(), 1u);
  EXPECT_EQ(Ended(CallKind::kDisconnect, Ending::kAnswered), 5u);
}

TEST_F(EngineTest, WithoutSerialsAKeysEventsAreInOrder) {
  transport_.traits_.announces = true;
  Begin();
  Prove();
  Submit(CallKind::kDisconnect, 1, "k");
  Submit(CallKind::kOnline, 2, "k");
  Submit(CallKind::kOnline, 3, "other");
  ASSERT_EQ(transport_.open.size(), 2u);
  EXPECT_EQ(transport_.open[0].calls[0].kind, CallKind::kDisconnect);
  EXPECT_EQ(transport_.open[1].calls[0].key, "other");
  Finish(Outcome::kFailed);
  Finish(Outcome::kAnswered);
  Advance(options_.retry_min_ms);
  ASSERT_EQ(transport_.open.size(), 1u) << "the new one's waits until the old one's is told";
  EXPECT_EQ(Finish(Outcome::kAnswered).calls[0].kind, CallKind::kDisconnect);
  ASSERT_EQ(transport_.open.size(), 1u);
  EXPECT_EQ(transport_.open[0].calls[0].kind, CallKind::kOnline);
}

TEST_F(EngineTest, ADisconnectThatWasNotSentIsSuperseded) {
  transport_.traits_.repairs = true;
  options_.concurrency = 1;
  Begin();
  Submit(CallKind::kConnect, 2);
  Submit(CallKind::kDisconnect, 1, "k");
  Finish(Outcome::kAnswered, "k");
  EXPECT_TRUE(transport_.open.empty()) << "the old one's end must not erase the new one's session";
  EXPECT_EQ(Ended(CallKind::kDisconnect, Ending::kSuperseded), 1u);
  EXPECT_TRUE(engine_->Idle());
}

TEST_F(EngineTest, ADisconnectThatMayHaveOvertakenIsMadeGood) {
  transport_.traits_.repairs = true;
  Begin();
  Submit(CallKind::kDisconnect, 1, "k");
  Submit(CallKind::kConnect, 2);
  std::rotate(transport_.open.begin(), transport_.open.begin() + 1, transport_.open.end());
  Finish(Outcome::kAnswered, "k");  // the login
  ASSERT_EQ(transport_.open.size(), 1u);
  Finish(Outcome::kAnswered);       // the disconnect
  ASSERT_EQ(transport_.open.size(), 1u);
  EXPECT_EQ(transport_.open[0].calls[0].kind, CallKind::kOnline);
  EXPECT_EQ(transport_.open[0].calls[0].serial, 2u);
}

TEST_F(EngineTest, ADisconnectThatEndedWhileTheLoginWasUnderWayIsMadeGoodToo) {
  transport_.traits_.repairs = true;
  Begin();
  Submit(CallKind::kDisconnect, 1, "k");
  Submit(CallKind::kConnect, 2);
  Finish(Outcome::kAnswered);  // the disconnect
  Advance(10);
  Finish(Outcome::kAnswered, "k");
  ASSERT_EQ(transport_.open.size(), 1u);
  EXPECT_EQ(transport_.open[0].calls[0].kind, CallKind::kOnline);
  Finish(Outcome::kAnswered);
  // One that ended before the login was begun has not overtaken it.
  Submit(CallKind::kDisconnect, 2, "k");
  Finish(Outcome::kAnswered);
  Advance(1);
  Submit(CallKind::kConnect, 3);
  Finish(Outcome::kAnswered, "k");
  EXPECT_TRUE(transport_.open.empty());
}

TEST_F(EngineTest, AddressesComeAndGo) {
  Begin({"a"});
  Submit(CallKind::kConnect, 1);
  engine_->SetAddresses({"b"});
  Advance(0);
  ASSERT_EQ(transport_.names.size(), 1u);
  EXPECT_EQ(transport_.names.begin()->second, "b");
  Submit(CallKind::kConnect, 2);
  ASSERT_EQ(transport_.open.size(), 2u);
  EXPECT_EQ(transport_.open[1].address, transport_.names.begin()->first);
  Finish(Outcome::kAnswered);  // with one that is no longer there
  Finish(Outcome::kAnswered);
  EXPECT_EQ(Ended(CallKind::kConnect, Ending::kAnswered), 2u);
  engine_->SetAddresses({});
  Submit(CallKind::kConnect, 3);
  EXPECT_EQ(Ended(CallKind::kConnect, Ending::kNoBackend), 1u);
}

TEST_F(EngineTest, ATransportThatForgetsIsNotWaitedFor) {
  Begin();
  Submit(CallKind::kReceive, 1);
  Advance(options_.timeout_ms);
  EXPECT_TRUE(transport_.cancelled.empty());
  Advance(500);
  EXPECT_EQ(transport_.cancelled.size(), 1u);
  EXPECT_TRUE(engine_->Idle());
  EXPECT_EQ(Ended(CallKind::kReceive, Ending::kTimedOut), 1u);
}

}  // namespace
}  // namespace halley::remote
