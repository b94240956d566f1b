#include "goim_logic/logic_transport.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "goim_logic/stand_in_logic.h"
#include "gtest/gtest.h"

namespace halley::goim_logic {
namespace {

using backend::ConnectVerdict;
using remote::AddressId;
using remote::Call;
using remote::CallKind;
using remote::ExchangeId;
using remote::Outcome;
using remote::Result;
using testing::StandInLogic;

// Nobody listens there: bound, and not listened on.
class DeadAddress {
 public:
  DeadAddress() {
    StandInLogic logic;
    name_ = logic.address();
  }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

// The engine's part: one thread that starts, waits and is told.
class Driver final : public remote::TransportSink {
 public:
  Driver() : wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), transport_(NewLogicTransport("node-1")) {}
  ~Driver() override {
    transport_.reset();
    close(wake_);
  }

  void OnDone(ExchangeId exchange, Result result) override { done_[exchange] = std::move(result); }
  void OnProbed(AddressId address, bool usable, std::string_view) override {
    probed_[address] = usable;
  }

  AddressId Add(const std::string& name) {
    transport_->Add(++last_address_, name);
    return last_address_;
  }
  ExchangeId Start(AddressId address, const Call& call, uint64_t timeout_ms = 60'000) {
    const Call* const calls[] = {&call};
    transport_->Start(++last_exchange_, address, calls, timeout_ms);
    return last_exchange_;
  }
  // What becomes of it within `patience`; nullopt: nothing.
  std::optional<Result> Wait(ExchangeId exchange,
                             std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done_.contains(exchange)) {
      if (std::chrono::steady_clock::now() > end) return std::nullopt;
      transport_->Wait(wake_, 10);
      transport_->Report(this);
    }
    return done_[exchange];
  }
  Result Ask(AddressId address, const Call& call, uint64_t timeout_ms = 60'000) {
    return Wait(Start(address, call, timeout_ms)).value_or(Result());
  }
  bool Probe(AddressId address, uint64_t timeout_ms) {
    probed_.erase(address);
    transport_->Probe(address, timeout_ms);
    while (!probed_.contains(address)) {
      transport_->Wait(wake_, 10);
      transport_->Report(this);
    }
    return probed_[address];
  }
  remote::Transport& transport() { return *transport_; }

 private:
  const int wake_;
  std::unique_ptr<remote::Transport> transport_;
  AddressId last_address_ = 0;
  ExchangeId last_exchange_ = 0;
  std::map<ExchangeId, Result> done_;
  std::map<AddressId, bool> probed_;
};

Call Login(const std::string& token) {
  Call call;
  call.kind = CallKind::kConnect;
  call.token = token;
  call.cookie = "c=1";
  return call;
}

Call About(CallKind kind, const std::string& key) {
  Call call;
  call.kind = kind;
  call.mid = 7;
  call.key = key;
  return call;
}

TEST(LogicTransport, ALoginIsAskedAndAnsweredInGoimsWords) {
  StandInLogic logic;
  Driver driver;
  const AddressId address = driver.Add(logic.address());
  const Result result = driver.Ask(address, Login("caf\xff"));  // no UTF-8
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.why;
  EXPECT_EQ(result.connect.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(result.connect.mid, 7);
  EXPECT_EQ(result.connect.key, "caf\xff");
  EXPECT_EQ(result.connect.room, "live://1");
  EXPECT_EQ(result.connect.accepts, (std::vector<int32_t>{1000, -1}));
  EXPECT_EQ(result.connect.idle_timeout_ms, 480'000u);
  EXPECT_EQ(logic.asked(), std::vector<std::string>{"connect caf\xff cookie c=1 server node-1"});
}

TEST(LogicTransport, AnErrorOfLogicsIsARefusalAndOneOfTheRoadIsNot) {
  StandInLogic logic;
  Driver driver;
  const AddressId address = driver.Add(logic.address());
  const Result refused = driver.Ask(address, Login("refuse"));
  EXPECT_EQ(refused.outcome, Outcome::kAnswered);
  EXPECT_EQ(refused.connect.verdict, ConnectVerdict::kRefused);
  EXPECT_EQ(refused.why, "");  // it would repeat the token
  EXPECT_EQ(driver.Ask(address, Login("internal")).outcome, Outcome::kBadAnswer);
  EXPECT_EQ(driver.Ask(address, Login("no key")).outcome, Outcome::kBadAnswer);
}

TEST(LogicTransport, WhatIsToldArrivesWhole) {
  StandInLogic logic;
  Driver driver;
  const AddressId address = driver.Add(logic.address());
  Call message = About(CallKind::kReceive, "k");
  message.op = 1005;
  message.seq = 3;
  message.body = "hi";
  for (const Call& call : {About(CallKind::kHeartbeat, "k"), About(CallKind::kOnline, "k"), message,
                           About(CallKind::kDisconnect, "k")}) {
    EXPECT_EQ(driver.Ask(address, call).outcome, Outcome::kAnswered);
  }
  EXPECT_EQ(logic.asked(),
            (std::vector<std::string>{"heartbeat 7 k server node-1", "heartbeat 7 k server node-1",
                                      "receive 7 ver 1 op 1005 seq 3 body hi",
                                      "disconnect 7 k server node-1"}));
}

TEST(LogicTransport, NobodyThereIsNotSent) {
  const DeadAddress dead;
  Driver driver;
  EXPECT_EQ(driver.Ask(driver.Add(dead.name()), Login("a")).outcome, Outcome::kNotSent);
}

TEST(LogicTransport, ASlowOneTimesOut) {
  StandInLogic logic;
  logic.Hold();
  Driver driver;
  EXPECT_EQ(driver.Ask(driver.Add(logic.address()), Login("a"), 100).outcome, Outcome::kTimedOut);
}

TEST(LogicTransport, OneThatIsGivenUpIsNotToldOf) {
  StandInLogic logic;
  logic.Hold();
  Driver driver;
  const AddressId address = driver.Add(logic.address());
  const ExchangeId held = driver.Start(address, Login("a"));
  driver.transport().Cancel(held);
  logic.LetGo();
  EXPECT_EQ(driver.Ask(address, Login("b")).outcome, Outcome::kAnswered);
  EXPECT_FALSE(driver.Wait(held, std::chrono::milliseconds(100)).has_value());
}

TEST(LogicTransport, ItEndsWithCallsUnderWay) {
  StandInLogic logic;
  logic.Hold();
  Driver driver;
  const AddressId address = driver.Add(logic.address());
  for (int i = 0; i < 20; ++i) driver.Start(address, Login("a"));
  driver.transport().Remove(address);
}

TEST(LogicTransport, AProbeTellsWhoIsThere) {
  const DeadAddress dead;
  StandInLogic logic;  // which does not know Ping
  Driver driver;
  EXPECT_TRUE(driver.Probe(driver.Add(logic.address()), 60'000));
  EXPECT_FALSE(driver.Probe(driver.Add(dead.name()), 100));
}

TEST(LogicTransport, OneThatIsBackIsFoundWithinTwoSeconds) {
  auto logic = std::make_unique<StandInLogic>();
  const int port = logic->port();
  Driver driver;
  const AddressId address = driver.Add(logic->address());
  EXPECT_TRUE(driver.Probe(address, 60'000));
  logic.reset();
  EXPECT_FALSE(driver.Probe(address, 1000));
  EXPECT_NE(driver.Ask(address, Login("a")).outcome, Outcome::kAnswered);
  logic = std::make_unique<StandInLogic>(port);
  EXPECT_TRUE(driver.Probe(address, 2000));
  EXPECT_EQ(driver.Ask(address, Login("a")).outcome, Outcome::kAnswered);
}

}  // namespace
}  // namespace halley::goim_logic
