#include "discovery/reply.h"

#include <gtest/gtest.h>

namespace halley::discovery {
namespace {

using Addresses = std::vector<std::string>;

// As bilibili/discovery's doc/api.md shows it.
std::string Answer(const std::string& zones, const std::string& latest = "1525948301833084700") {
  return R"({"code":0,"message":"0","ttl":1,"data":{"goim.logic":{"instances":)" + zones +
         R"(,"latest_timestamp":)" + latest + "}}}";
}

std::string At(const std::string& address) {
  return R"({"zone":"z","appid":"goim.logic","hostname":"h","addrs":["http://1.1.1.1:1",")" + address +
         R"("],"status":1,"metadata":null})";
}

TEST(Reply, TheCode) {
  EXPECT_EQ(ReadCode(R"({"code":0})"), 0);
  EXPECT_EQ(ReadCode(R"({"message":"-404","code":-404,"data":null})"), kCodeNotFound);
  for (const char* bad : {"", "[]", "null", "{}", R"({"code":"0"})", R"({"code":0)", R"({"code":1.5})",
                          "<html>", "\xff", R"({"code":0} x)"}) {
    EXPECT_EQ(ReadCode(bad), std::nullopt) << bad;
  }
}

TEST(Reply, NestingAndSizeHaveLimits) {
  const auto nested = [](size_t depth) {
    return R"({"code":0,"x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(ReadCode(nested(kReplyDepthMax - 2)).has_value());
  EXPECT_FALSE(ReadCode(nested(kReplyDepthMax)).has_value());
  std::string long_text = R"({"code":0})";
  long_text.append(kReplyBytesMax - long_text.size(), ' ');
  EXPECT_TRUE(ReadCode(long_text).has_value());
  long_text += ' ';
  EXPECT_FALSE(ReadCode(long_text).has_value());
}

TEST(Reply, AddressesOfTheOwnZoneOrElseOfAll) {
  const std::string text = Answer(R"({"b":[)" + At("grpc://10.0.0.2:1") + "," + At("grpc://10.0.0.1:1") +
                                  R"(],"a":[)" + At("grpc://logic.example:9") + R"(],"empty":[]})");
  const auto own = ReadListing(text, "goim.logic", "b");
  ASSERT_TRUE(own.has_value());
  EXPECT_EQ(own->addresses, (Addresses{"10.0.0.1:1", "10.0.0.2:1"}));
  EXPECT_EQ(own->latest, 1525948301833084700);
  EXPECT_EQ(own->left_out, 0u);
  for (const char* zone : {"empty", "none"}) {
    EXPECT_EQ(ReadListing(text, "goim.logic", zone)->addresses,
              (Addresses{"10.0.0.1:1", "10.0.0.2:1", "logic.example:9"}));
  }
  EXPECT_FALSE(ReadListing(text, "goim.other", "b").has_value());
}

TEST(Reply, WhatIsNoAddressIsLeftOutAndTwinsAreOne) {
  const auto listing = ReadListing(
      Answer(R"({"z":[)" + At("grpc://h:1") + "," + At("grpc://h:1") + "," + At("grpc://h") + "," +
             At("grpc://h:0") + "," + At("grpc://h:65536") + "," + At("grpc://u@h:1") + "," +
             At("grpc://h:1/x") + "," + At("http://h:1") + R"(,{},7,{"addrs":"grpc://h:1"},{"addrs":[1]}]})"),
      "goim.logic", "z");
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(listing->addresses, (Addresses{"h:1"}));
  EXPECT_EQ(listing->left_out, 10u);
}

TEST(Reply, NobodyThereIsAListToo) {
  for (const char* zones : {"{}", R"({"z":[]})", R"({"z":null})"}) {
    const auto listing = ReadListing(Answer(zones), "goim.logic", "z");
    ASSERT_TRUE(listing.has_value()) << zones;
    EXPECT_TRUE(listing->addresses.empty());
  }
}

TEST(Reply, WhatIsNoListIsNone) {
  for (const std::string& bad :
       {Answer("[]"), Answer("null"), Answer("{}", "0"), Answer("{}", "-1"), Answer("{}", "\"1\""),
        Answer("{}", "99999999999999999999"), std::string(R"({"code":0})"),
        std::string(R"({"code":0,"data":null})"), std::string(R"({"code":0,"data":{"goim.logic":null}})"),
        std::string("")}) {
    EXPECT_FALSE(ReadListing(bad, "goim.logic", "z").has_value()) << bad;
  }
}

}  // namespace
}  // namespace halley::discovery
