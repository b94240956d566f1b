#include "discovery/registration.h"

#include <gtest/gtest.h>

#include <string_view>

namespace halley::discovery {
namespace {

constexpr uint64_t kNow = 1'000'000;
constexpr char kOk[] = R"({"code":0})";
constexpr char kNotFoundText[] = R"({"code":-404})";
constexpr char kRefusedText[] = R"({"code":-400})";

Instance Self() {
  return {.zone = "z", .env = "e", .appid = "goim.comet", .hostname = "h", .addrs = {"grpc://h:1"}};
}

class RegistrationTest : public testing::Test {
 protected:
  // "a/register": the node and what is asked of it; empty: nothing.
  std::string Next(uint64_t now_ms) {
    const std::optional<Call> call = registration_.Next(now_ms);
    if (!call.has_value()) return "";
    deadline_ms_ = call->deadline_ms;
    form_ = call->form;
    std::string path = call->url.substr(sizeof "http://" - 1);
    const std::string middle = ":1/discovery/";
    return path.replace(path.find(middle), middle.size(), "/");
  }
  void Answer(uint64_t now_ms, const char* body) {
    registration_.Answered(now_ms, {std::nullopt, body});
  }
  void Fail(uint64_t now_ms, Failure failure) {
    EXPECT_EQ(registration_.Answered(now_ms, {failure, ""}), failure);
  }
  void Register(uint64_t now_ms) {
    EXPECT_EQ(Next(now_ms), "a/register");
    Answer(now_ms, kOk);
  }

  FailureCounts failures_;
  uint64_t drawn_ = 0;
  Registration registration_{Self(), {"a:1", "b:1"}, [this] { return drawn_; }, &failures_};
  uint32_t deadline_ms_ = 0;
  std::string form_;
};

TEST_F(RegistrationTest, RegistersAtOnceAndOnlyOneCallAtATime) {
  EXPECT_FALSE(registration_.Registered(kNow));
  EXPECT_EQ(Next(kNow), "a/register");
  EXPECT_EQ(deadline_ms_, 3000u);
  EXPECT_EQ(Next(kNow + 1), "");
  EXPECT_FALSE(registration_.Registered(kNow));
  Answer(kNow + 2, kOk);
  EXPECT_TRUE(registration_.Registered(kNow + 2));
  EXPECT_EQ(Next(kNow + 3), "");
}

TEST_F(RegistrationTest, RenewsEveryHalfMinute) {
  Register(kNow);
  EXPECT_EQ(Next(kNow + Registration::kRenewMs - 1), "");
  EXPECT_EQ(Next(kNow + Registration::kRenewMs), "a/renew");
  Answer(kNow + 30'500, kOk);
  EXPECT_EQ(Next(kNow + 60'499), "");
  EXPECT_EQ(Next(kNow + 60'500), "a/renew");
}

TEST_F(RegistrationTest, WhoWasForgottenRegistersAgainAtOnce) {
  Register(kNow);
  registration_.SetLoad({.connections = 7});
  EXPECT_EQ(Next(kNow + 30'000), "a/renew");
  Answer(kNow + 30'000, kNotFoundText);
  EXPECT_FALSE(registration_.Registered(kNow + 30'000));
  EXPECT_EQ(failures_.of(Failure::kNotFound), 1u);
  EXPECT_EQ(Next(kNow + 30'000), "a/register");
  EXPECT_NE(form_.find("conn_count%22%3A%227%22"), std::string::npos) << form_;
  Answer(kNow + 30'001, kOk);
  EXPECT_TRUE(registration_.Registered(kNow + 30'001));
  EXPECT_EQ(Next(kNow + 40'001), "") << "it was told";
}

TEST_F(RegistrationTest, WhatChangesIsToldEveryTenSeconds) {
  Register(kNow);
  EXPECT_EQ(Next(kNow + Registration::kLoadMs), "") << "nothing has changed";
  registration_.SetLoad({.connections = 1});
  EXPECT_EQ(Next(kNow + Registration::kLoadMs - 1), "");
  EXPECT_EQ(Next(kNow + Registration::kLoadMs), "a/set");
  registration_.SetLoad({.connections = 2});
  Answer(kNow + 10'010, kOk);
  EXPECT_EQ(Next(kNow + 20'009), "");
  EXPECT_EQ(Next(kNow + 20'010), "a/set");
  EXPECT_NE(form_.find("conn_count%22%3A%222%22"), std::string::npos) << form_;
}

TEST_F(RegistrationTest, ThatItIsOfflineIsToldAtOnce) {
  Register(kNow);
  registration_.SetLoad({.connections = 1, .offline = true});
  EXPECT_EQ(Next(kNow + 1), "a/set");
  EXPECT_NE(form_.find("offline%22%3A%22true"), std::string::npos) << form_;
  Answer(kNow + 2, kOk);
  registration_.SetLoad({.connections = 2, .offline = true});
  EXPECT_EQ(Next(kNow + 3), "");
  registration_.SetLoad({.connections = 2});
  EXPECT_EQ(Next(kNow + 4), "a/set");
}

TEST_F(RegistrationTest, ASetThatIsRefusedIsFollowedByARenewalAndTriedLater) {
  Register(kNow);
  registration_.SetLoad({.offline = true});
  EXPECT_EQ(Next(kNow + 1), "a/set");
  Answer(kNow + 2, kRefusedText);
  EXPECT_EQ(failures_.of(Failure::kRefused), 1u);
  EXPECT_EQ(Next(kNow + 2), "a/renew");
  Answer(kNow + 3, kOk);
  EXPECT_EQ(Next(kNow + 10'001), "");
  EXPECT_EQ(Next(kNow + 10'002), "a/set");
}

TEST_F(RegistrationTest, EachFailureHasTheNextNodeAskedAfterAWhile) {
  const Failure kFailures[] = {Failure::kUnreachable, Failure::kTimedOut, Failure::kHttpStatus,
                               Failure::kTooBig};
  uint64_t now_ms = kNow;
  uint64_t wait_ms = 250;
  std::string node = "a";
  for (const Failure failure : kFailures) {
    EXPECT_EQ(Next(now_ms), node + "/register");
    Fail(now_ms, failure);
    EXPECT_EQ(failures_.of(failure), 1u);
    EXPECT_EQ(Next(now_ms + wait_ms - 1), "");
    now_ms += wait_ms;
    wait_ms *= 2;
    node = node == "a" ? "b" : "a";
  }
  for (const char* body : {"nonsense", "", kRefusedText}) {
    EXPECT_EQ(Next(now_ms), node + "/register");
    Answer(now_ms, body);
    now_ms += 10'000;
    node = node == "a" ? "b" : "a";
  }
  EXPECT_EQ(failures_.of(Failure::kBadAnswer), 2u);
  EXPECT_EQ(failures_.of(Failure::kRefused), 1u);
}

TEST_F(RegistrationTest, ADeadRegistryTakesTheRegistrationAwayOnlyInTime) {
  Register(kNow);
  uint64_t now_ms = kNow + 30'000;
  while (now_ms < kNow + 120'000) {
    if (!Next(now_ms).empty()) Fail(now_ms, Failure::kUnreachable);
    EXPECT_EQ(registration_.Registered(now_ms), now_ms < kNow + Registration::kForgottenMs);
    now_ms += 100;
  }
  // It renews as soon as somebody answers, and is known again.
  while (Next(now_ms).empty()) now_ms += 100;
  EXPECT_LE(now_ms, kNow + 130'000);
  Answer(now_ms, kOk);
  EXPECT_TRUE(registration_.Registered(now_ms));
}

TEST_F(RegistrationTest, CancelsAtTheEnd) {
  Register(kNow);
  registration_.Stop(kNow + 5);
  EXPECT_EQ(Next(kNow + 5), "a/cancel");
  EXPECT_EQ(deadline_ms_, 500u) << "the other node gets the rest";
  EXPECT_FALSE(registration_.ended());
  Answer(kNow + 6, kOk);
  EXPECT_EQ(Next(kNow + 6), "");
  EXPECT_TRUE(registration_.ended());
  EXPECT_FALSE(registration_.Registered(kNow + 6));
}

TEST_F(RegistrationTest, CancelsWhatIsUnderWay) {
  EXPECT_EQ(Next(kNow), "a/register");
  registration_.Stop(kNow + 1);
  EXPECT_EQ(Next(kNow + 1), "a/cancel");
  Answer(kNow + 2, kNotFoundText);
  EXPECT_EQ(Next(kNow + 2), "");
  EXPECT_TRUE(registration_.ended());
}

TEST_F(RegistrationTest, HasNothingToCancelBeforeItRegistered) {
  registration_.Stop(kNow);
  EXPECT_EQ(Next(kNow), "");
  EXPECT_TRUE(registration_.ended());
}

TEST_F(RegistrationTest, NorAfterItWasRefused) {
  EXPECT_EQ(Next(kNow), "a/register");
  Answer(kNow, kRefusedText);
  registration_.Stop(kNow + 1);
  EXPECT_EQ(Next(kNow + 1), "");
  EXPECT_TRUE(registration_.ended());
}

TEST_F(RegistrationTest, CancellingEndsWhateverTheRegistryDoes) {
  Register(kNow);
  registration_.Stop(kNow);
  registration_.Stop(kNow + 100);  // changes nothing
  EXPECT_EQ(Next(kNow), "a/cancel");
  Fail(kNow + 500, Failure::kTimedOut);
  EXPECT_EQ(Next(kNow + 500), "b/cancel");
  EXPECT_EQ(deadline_ms_, 500u);
  Fail(kNow + 600, Failure::kUnreachable);
  EXPECT_EQ(Next(kNow + 600), "");
  EXPECT_TRUE(registration_.ended());
}

TEST_F(RegistrationTest, AndInTime) {
  Register(kNow);
  registration_.Stop(kNow);
  EXPECT_EQ(Next(kNow), "a/cancel");
  Fail(kNow + Registration::kStopMs, Failure::kTimedOut);
  EXPECT_EQ(Next(kNow + Registration::kStopMs), "");
  EXPECT_TRUE(registration_.ended());
}

}  // namespace
}  // namespace halley::discovery
