#include "config/address.h"

#include <string>

#include "gtest/gtest.h"

namespace halley::config {
namespace {

std::string Message(const std::string& list) {
  return std::string(ParseAddresses(list).status().message());
}

TEST(Address, ReadsIpv4AndIpv6) {
  const auto addresses = ParseAddresses("127.0.0.1:3101, [::]:0 ,10.1.2.3:65535");
  ASSERT_TRUE(addresses.ok());
  ASSERT_EQ(addresses->size(), 3u);
  EXPECT_EQ((*addresses)[0].host, "127.0.0.1");
  EXPECT_EQ((*addresses)[0].port, 3101);
  EXPECT_FALSE((*addresses)[0].ipv6);
  EXPECT_EQ((*addresses)[1].host, "::");
  EXPECT_EQ((*addresses)[1].port, 0);
  EXPECT_TRUE((*addresses)[1].ipv6);
  EXPECT_EQ((*addresses)[2].ToString(), "10.1.2.3:65535");
}

TEST(Address, WritesOneAddressOneWay) {
  EXPECT_EQ((*ParseAddresses("[0:0:0:0:0:0:0:1]:5"))[0].ToString(), "[::1]:5");
}

TEST(Address, EmptyListIsNoAddress) {
  EXPECT_TRUE(ParseAddresses("")->empty());
  EXPECT_TRUE(ParseAddresses("  ")->empty());
}

TEST(Address, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE((*ParseAddresses(text))[0].loopback) << text;
  }
  for (const char* text : {"0.0.0.0:1", "126.0.0.1:1", "128.0.0.1:1", "[::]:1", "[::2]:1",
                           "[::ffff:10.0.0.1]:1"}) {
    EXPECT_FALSE((*ParseAddresses(text))[0].loopback) << text;
  }
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text :
       {"3101", ":3101", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1:000001", "localhost:3101", "::1:3101", "[127.0.0.1]:1", "[::1]",
        "[::1:5", "1.2.3.4:1,", ",1.2.3.4:1", "1.2.3:1", "1.2.3.4.5:1", "[]:1", "a:b"}) {
    EXPECT_FALSE(ParseAddresses(text).ok()) << text;
  }
  EXPECT_EQ(Message("localhost:3101"),
            "'localhost:3101' is no address: write an IP address and a port, like 127.0.0.1:3101 "
            "or [::1]:3101");
}

TEST(Address, HasALimit) {
  std::string list = "127.0.0.1:1";
  for (size_t i = 1; i < kAddressesMax; ++i) list += ",127.0.0.1:1";
  EXPECT_EQ(ParseAddresses(list)->size(), kAddressesMax);
  EXPECT_EQ(Message(list + ",127.0.0.1:1"), "more than 16 addresses: keep at most that many");
}

}  // namespace
}  // namespace halley::config
