#include "config/network_list.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace halley::config {
namespace {

std::string Error(absl::string_view list) {
  return std::string(ParseNetworkList(list).status().message());
}

TEST(NetworkList, IsReadWithLengthsAndWithout) {
  const base::Networks networks =
      ParseNetworkList(" 10.0.0.0/8,2001:db8::/32 , 127.0.0.1,::1/128, 192.168.7.0/31").value();
  for (const std::string_view in : {"10.9.8.7", "2001:db8:ffff::1", "127.0.0.1", "::1",
                                    "192.168.7.1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(networks.Contains(in)) << in;
  }
  for (const std::string_view out : {"11.0.0.0", "2001:db9::", "127.0.0.2", "::2", "192.168.7.2"}) {
    EXPECT_FALSE(networks.Contains(out)) << out;
  }
  EXPECT_TRUE(ParseNetworkList("").value().empty());
  EXPECT_TRUE(ParseNetworkList(" ").value().empty());
}

TEST(NetworkList, EverybodyIsTwoNetworks) {
  EXPECT_TRUE(ParseNetworkList("0.0.0.0/0").value().Contains("8.8.8.8"));
  EXPECT_FALSE(ParseNetworkList("0.0.0.0/0").value().Contains("2001:db8::1"));
  EXPECT_TRUE(ParseNetworkList("::/0").value().Contains("2001:db8::1"));
  EXPECT_FALSE(ParseNetworkList("::/0").value().Contains("8.8.8.8"));
}

TEST(NetworkList, WhatIsNoNetworkIsTold) {
  constexpr char kCure[] = "write them like 10.0.0.0/8, 2001:db8::/32 or 127.0.0.1";
  EXPECT_EQ(Error("lb.example"), std::string("'lb.example' is no network: ") + kCure);
  for (const char* const bad : {"10.0.0.0/8,,::1", "10.0.0.0/8,", "/8", "10.0.0/8", "10.*", "[::1]",
                                "127.0.0.1:80", "10.0.0.0 /8", "10.0.0.0-10.0.0.9"}) {
    EXPECT_NE(Error(bad).find("is no network: "), std::string::npos) << bad;
  }
  EXPECT_EQ(Error("10.0.0.0/33"),
            std::string("'10.0.0.0/33' has no length from 0 to 32: ") + kCure);
  EXPECT_EQ(Error("2001:db8::/129"),
            std::string("'2001:db8::/129' has no length from 0 to 128: ") + kCure);
  for (const char* const bad : {"10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/ 8",
                                "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10.0.0.0/-1", "::/x"}) {
    EXPECT_NE(Error(bad).find("has no length from 0 to "), std::string::npos) << bad;
  }
}

TEST(NetworkList, BitsBehindTheLengthAreAMistake) {
  EXPECT_EQ(Error("10.0.0.1/8"),
            "'10.0.0.1/8' has bits beyond its length: write the network's first address");
  EXPECT_NE(Error("2001:db8::8000:0:0:0/64").find("bits beyond"), std::string::npos);
  EXPECT_NE(Error("192.168.7.1/31").find("bits beyond"), std::string::npos);
  EXPECT_EQ(Error("192.168.7.1/32"), "");
}

TEST(NetworkList, HasALimit) {
  std::string list = "10.0.0.0";
  for (size_t i = 1; i < kNetworksMax; ++i) list += ",10.0.0." + std::to_string(i);
  EXPECT_EQ(Error(list), "");
  EXPECT_EQ(Error(list + ",::1"), "more than 64 networks: keep at most that many");
}

}  // namespace
}  // namespace halley::config
