#include "shard/client_address.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace halley::shard {
namespace {

base::Networks Proxies() {
  return base::Networks({{base::ParseIp("10.0.0.0").value(), 96 + 8},
                         {base::ParseIp("2001:db8::").value(), 32}});
}

std::string Told(std::string_view forwarded_for, std::string_view peer = "10.0.0.1:4711") {
  return ClientAddress(std::string(peer), forwarded_for, Proxies());
}

TEST(ClientAddress, IsThePeersWhereNoProxyStandsBetween) {
  EXPECT_EQ(Told(""), "10.0.0.1:4711");
  EXPECT_EQ(ClientAddress("1.2.3.4:5", "9.9.9.9", {}), "1.2.3.4:5");
  // Nobody else is believed, not even about a part of it.
  for (const std::string_view peer : {"11.0.0.1:4711", "[2001:db9::1]:80", "127.0.0.1:1", ""}) {
    EXPECT_EQ(Told("9.9.9.9", peer), peer);
    EXPECT_EQ(Told("9.9.9.9, 10.0.0.2", peer), peer);
  }
}

TEST(ClientAddress, IsTheLastThatIsNoProxy) {
  EXPECT_EQ(Told("9.9.9.9"), "9.9.9.9:0");
  EXPECT_EQ(Told("9.9.9.9", "[2001:db8::7]:80"), "9.9.9.9:0");
  EXPECT_EQ(Told("9.9.9.9", "[::ffff:10.0.0.1]:80"), "9.9.9.9:0") << "as a listener on [::] sees it";
  EXPECT_EQ(Told("2A00::1"), "[2a00::1]:0");
  EXPECT_EQ(Told("9.9.9.9, 10.0.0.2,10.0.0.3"), "9.9.9.9:0");
  EXPECT_EQ(Told("9.9.9.9\t,2001:db8::9 ,\t10.0.0.3 "), "9.9.9.9:0");
  EXPECT_EQ(Told("1.1.1.1, 10.0.0.9, 9.9.9.9, 10.0.0.2"), "9.9.9.9:0")
      << "what a client wrote itself stands further left";
}

TEST(ClientAddress, MayHaveAPort) {
  EXPECT_EQ(Told("9.9.9.9:81"), "9.9.9.9:81");
  EXPECT_EQ(Told("[2a00::1]:81, 10.0.0.3:1"), "[2a00::1]:81");
  EXPECT_EQ(Told("[2a00::1]"), "[2a00::1]:0");
  EXPECT_EQ(Told("::ffff:9.9.9.9"), "9.9.9.9:0");
}

TEST(ClientAddress, IsTheFirstProxyWhereThereIsNobodyElse) {
  EXPECT_EQ(Told("10.0.0.4, 10.0.0.3"), "10.0.0.4:0");
}

TEST(ClientAddress, IsWhatCameBeforeNonsense) {
  for (const std::string_view bad : {"unknown", "_hidden", "9.9.9", "9.9.9.9.9", "9.9.9.9:x",
                                     "\"9.9.9.9\"", "for=9.9.9.9", "9.9.9.9/32", "\xFF", "%",
                                     "9.9.9.9 8.8.8.8", "[9.9.9.9]"}) {
    EXPECT_EQ(Told(bad), "10.0.0.1:4711") << bad;
    EXPECT_EQ(Told(std::string("8.8.8.8, ").append(bad)), "10.0.0.1:4711") << bad;
    EXPECT_EQ(Told(std::string("8.8.8.8, ").append(bad).append(", 10.0.0.3")), "10.0.0.3:0") << bad;
    EXPECT_EQ(Told(std::string(bad).append(", 8.8.8.8, 10.0.0.3")), "8.8.8.8:0") << bad;
  }
}

TEST(ClientAddress, EmptyItemsAreNone) {
  for (const std::string_view list : {",", " , ", ",,,,"}) EXPECT_EQ(Told(list), "10.0.0.1:4711");
  EXPECT_EQ(Told(",9.9.9.9, ,10.0.0.3,"), "9.9.9.9:0");
}

}  // namespace
}  // namespace halley::shard
