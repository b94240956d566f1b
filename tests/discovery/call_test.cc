#include "discovery/call.h"

#include <gtest/gtest.h>

namespace halley::discovery {
namespace {

Instance Self() {
  return {.region = "sh",
          .zone = "sh001",
          .env = "dev",
          .appid = "goim.comet",
          .hostname = "node 1",
          .version = "1.0",
          .addrs = {"grpc://10.0.0.1:3109", "tcp://10.0.0.1:3101"},
          .public_addrs = "203.0.113.1,203.0.113.2",
          .weight = 10};
}

// As Go's url.Values.Encode() writes what goim's comet says.
TEST(Call, RegistersWithEverything) {
  const Call call = CallFor(Verb::kRegister, "127.0.0.1:7171", Self(), {.connections = 5, .ips = 2});
  EXPECT_EQ(call.url, "http://127.0.0.1:7171/discovery/register");
  EXPECT_EQ(call.form,
            "addrs=grpc%3A%2F%2F10.0.0.1%3A3109&addrs=tcp%3A%2F%2F10.0.0.1%3A3101&appid=goim.comet&env=dev"
            "&hostname=node+1&metadata=%7B%22addrs%22%3A%22203.0.113.1%2C203.0.113.2%22%2C%22conn_count%22"
            "%3A%225%22%2C%22ip_count%22%3A%222%22%2C%22offline%22%3A%22false%22%2C%22weight%22%3A%2210%22"
            "%7D&region=sh&status=1&version=1.0&zone=sh001");
}

TEST(Call, SetsWhatChangesOnly) {
  const Call call = CallFor(Verb::kSet, "r:1", Self(), {.connections = 6, .offline = true});
  EXPECT_EQ(call.url, "http://r:1/discovery/set");
  EXPECT_EQ(call.form,
            "appid=goim.comet&env=dev&hostname=node+1&metadata=%7B%22addrs%22%3A%22203.0.113.1%2C203.0.113."
            "2%22%2C%22conn_count%22%3A%226%22%2C%22ip_count%22%3A%220%22%2C%22offline%22%3A%22true%22%2C"
            "%22weight%22%3A%2210%22%7D&region=sh&status=1&version=1.0&zone=sh001");
}

TEST(Call, RenewsAndCancelsByName) {
  const std::string form = "appid=goim.comet&env=dev&hostname=node+1&region=sh&zone=sh001";
  EXPECT_EQ(CallFor(Verb::kRenew, "r:1", Self(), {}).form, form);
  EXPECT_EQ(CallFor(Verb::kRenew, "r:1", Self(), {}).url, "http://r:1/discovery/renew");
  EXPECT_EQ(CallFor(Verb::kCancel, "r:1", Self(), {}).form, form);
  EXPECT_EQ(CallFor(Verb::kCancel, "r:1", Self(), {}).url, "http://r:1/discovery/cancel");
}

TEST(Call, PollsFromWhereItIs) {
  const Call call = PollCall("[::1]:7171", Self(), "goim.logic", 1525948301833084700);
  EXPECT_EQ(call.url,
            "http://[::1]:7171/discovery/polls?appid=goim.logic&env=dev&hostname=node+1"
            "&latest_timestamp=1525948301833084700");
  EXPECT_EQ(call.form, "");
  // The registry itself takes 30 s.
  EXPECT_GT(call.deadline_ms, 30'000u);
}

// Only what RFC 3986 calls unreserved stands as it is.
TEST(Call, EscapesEveryOtherByte) {
  Instance self = Self();
  self.hostname = "-_.~aZ09 \xff&=+%/\n";
  EXPECT_NE(CallFor(Verb::kRenew, "r:1", self, {}).form.find(
                "hostname=-_.~aZ09+%FF%26%3D%2B%25%2F%0A&"),
            std::string::npos);
}

}  // namespace
}  // namespace halley::discovery
