#include "discovery/watch.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace halley::discovery {
namespace {

constexpr uint64_t kNow = 1'000'000;
constexpr char kNotModifiedText[] = R"({"code":-304})";

using Addresses = std::vector<std::string>;

std::string Listed(const Addresses& addresses, int64_t latest) {
  std::string instances;
  for (const std::string& address : addresses) {
    absl::StrAppend(&instances, instances.empty() ? "" : ",", R"({"addrs":["grpc://)", address, R"("]})");
  }
  return absl::StrCat(R"({"code":0,"data":{"goim.logic":{"instances":{"z":[)", instances,
                      R"(]},"latest_timestamp":)", latest, "}}}");
}

class WatchTest : public testing::Test {
 protected:
  // "a 17": the node, and from when on; empty: nothing.
  std::string Next(uint64_t now_ms) {
    const std::optional<Call> call = watch_.Next(now_ms);
    if (!call.has_value()) return "";
    return absl::StrCat(call->url.substr(7, 1), " ", call->url.substr(call->url.rfind('=') + 1));
  }
  bool Answer(uint64_t now_ms, const std::string& body) {
    return watch_.Answered(now_ms, {std::nullopt, body});
  }

  FailureCounts failures_;
  Watch watch_{{.zone = "z"}, "goim.logic", {"a:1", "b:1"}, [] { return uint64_t{0}; }, &failures_};
};

TEST_F(WatchTest, PollsOnFromWhereItIs) {
  EXPECT_EQ(Next(kNow), "a 0");
  EXPECT_EQ(Next(kNow + 1), "") << "one at a time";
  EXPECT_TRUE(Answer(kNow + 10, Listed({"h:2", "h:1"}, 17)));
  EXPECT_EQ(watch_.addresses(), (Addresses{"h:1", "h:2"}));
  EXPECT_EQ(Next(kNow + 999), "");
  EXPECT_EQ(Next(kNow + 1000), "a 17");
  EXPECT_FALSE(Answer(kNow + 31'000, kNotModifiedText));
  EXPECT_EQ(Next(kNow + 31'000), "a 17") << "a poll that took its time is followed at once";
  EXPECT_FALSE(Answer(kNow + 40'000, Listed({"h:1", "h:2"}, 18))) << "the same";
  EXPECT_EQ(Next(kNow + 40'000), "a 18");
  EXPECT_TRUE(Answer(kNow + 50'000, Listed({"h:3"}, 19)));
  EXPECT_EQ(watch_.addresses(), (Addresses{"h:3"}));
  EXPECT_EQ(failures_.of(Failure::kBadAnswer), 0u);
}

TEST_F(WatchTest, ARegistryThatAnswersAtOnceIsNotAskedWithoutEnd) {
  size_t asked = 0;
  for (uint64_t now_ms = kNow; now_ms < kNow + 60'000; now_ms += 10) {
    if (Next(now_ms).empty()) continue;
    Answer(now_ms, asked % 2 == 0 ? kNotModifiedText : Listed({"h:1"}, 5));
    ++asked;
  }
  EXPECT_EQ(asked, 60u);
}

TEST_F(WatchTest, WhatIsKnownStaysWhateverGoesWrong) {
  Next(kNow);
  Answer(kNow, Listed({"h:1"}, 17));
  uint64_t now_ms = kNow + 60'000;
  const auto fails = [&](const Outcome& outcome, Failure counted) {
    const uint64_t before = failures_.of(counted);
    EXPECT_NE(Next(now_ms), "");
    EXPECT_FALSE(watch_.Answered(now_ms, outcome));
    EXPECT_EQ(failures_.of(counted), before + 1);
    EXPECT_EQ(watch_.addresses(), (Addresses{"h:1"}));
    EXPECT_EQ(Next(now_ms), "") << "not at once";
    now_ms += 10'000;
  };
  for (const Failure failure : {Failure::kUnreachable, Failure::kTimedOut, Failure::kHttpStatus,
                                Failure::kTooBig}) {
    fails({failure, ""}, failure);
  }
  fails({std::nullopt, "nonsense"}, Failure::kBadAnswer);
  fails({std::nullopt, R"({"code":0,"data":null})"}, Failure::kBadAnswer);
  fails({std::nullopt, R"({"code":-500})"}, Failure::kRefused);
  fails({std::nullopt, R"({"code":-404})"}, Failure::kNotFound);
  fails({std::nullopt, Listed({}, 18)}, Failure::kEmptyList);
  fails({std::nullopt, Listed({"nonsense"}, 19)}, Failure::kLeftOut);
}

// What one node counts says nothing of another's.
TEST_F(WatchTest, AnotherNodeIsAskedForEverything) {
  Next(kNow);
  Answer(kNow, Listed({"h:1"}, 17));
  EXPECT_EQ(Next(kNow + 1000), "a 17");
  watch_.Answered(kNow + 1000, {Failure::kUnreachable, ""});
  EXPECT_EQ(Next(kNow + 1249), "");
  EXPECT_EQ(Next(kNow + 1250), "b 0");
}

TEST_F(WatchTest, NowAndThenEverythingIsAskedFor) {
  Next(kNow);
  Answer(kNow, Listed({"h:1"}, 17));
  uint64_t now_ms = kNow + 1000;
  while (now_ms < kNow + Watch::kWholeEveryMs) {
    EXPECT_EQ(Next(now_ms), "a 17");
    Answer(now_ms + 30'000, kNotModifiedText);
    now_ms += 30'000;
  }
  EXPECT_EQ(Next(now_ms), "a 0");
}

TEST_F(WatchTest, AddressesBeyondTheLimitAreLeftOut) {
  Addresses many;
  for (size_t i = 0; i < Watch::kAddressesMax; ++i) many.push_back(absl::StrCat("h", 10'000 + i, ":1"));
  Next(kNow);
  EXPECT_TRUE(Answer(kNow, Listed(many, 17)));
  EXPECT_EQ(watch_.addresses(), many);
  EXPECT_EQ(failures_.of(Failure::kLeftOut), 0u);
  many.push_back("i:1");
  many.push_back("i:2");
  Next(kNow + 1000);
  EXPECT_FALSE(Answer(kNow + 1000, Listed(many, 18)));
  EXPECT_EQ(watch_.addresses().size(), Watch::kAddressesMax);
  EXPECT_EQ(failures_.of(Failure::kLeftOut), 2u);
}

}  // namespace
}  // namespace halley::discovery
