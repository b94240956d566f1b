#include "base/networks.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace halley::base {
namespace {

Network Net(std::string_view ip, int bits) {
  return {ParseIp(ip).value(), static_cast<uint8_t>(bits)};
}
bool Has(const Network& network, std::string_view ip) {
  return network.Contains(ParseIp(ip).value());
}

TEST(Networks, AnAddressIsReadAsItIsWritten) {
  for (const std::string_view good :
       {"0.0.0.0", "255.255.255.255", "::", "::1", "2001:DB8::a", "1:2:3:4:5:6:7:8",
        "::ffff:1.2.3.4", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"}) {
    EXPECT_TRUE(ParseIp(good).has_value()) << good;
  }
  for (const std::string_view bad :
       {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:5",
        "[::1]", "::1%lo", "1:2:3:4:5:6:7", "1::2::3", "::g", "localhost", "0x7f.1"}) {
    EXPECT_FALSE(ParseIp(bad).has_value()) << bad;
  }
  EXPECT_FALSE(ParseIp(std::string_view("1.2.3.4\0x", 9)).has_value());
  EXPECT_FALSE(ParseIp(std::string(1000, '1')).has_value());
}

TEST(Networks, AnEndpointIsReadWithAPortOrWithout) {
  const std::pair<std::string_view, std::string_view> kGood[] = {
      {"1.2.3.4", "1.2.3.4:0"},
      {"1.2.3.4:5", "1.2.3.4:5"},
      {"1.2.3.4:65535", "1.2.3.4:65535"},
      {"::1", "[::1]:0"},
      {"[::1]", "[::1]:0"},
      {"[2001:DB8::0:1]:80", "[2001:db8::1]:80"},
      {"::ffff:1.2.3.4", "1.2.3.4:0"},
      {"[::ffff:102:304]:5", "1.2.3.4:5"},
  };
  for (const auto& [text, written] : kGood) {
    const std::optional<Endpoint> endpoint = ParseEndpoint(text);
    ASSERT_TRUE(endpoint.has_value()) << text;
    EXPECT_EQ(endpoint->ToString(), written);
  }
  for (const std::string_view bad :
       {"", ":", ":5", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4:+5", "1.2.3.4:5:6",
        "1.2.3.4:123456", "[1.2.3.4]", "[1.2.3.4]:5", "[::1", "[]", "[]:5", "[::1]5", "[::1]:",
        "[::1]x:5", "[[::1]]", "unknown", "_hidden", "1.2.3.4/8", "::1]:5"}) {
    EXPECT_FALSE(ParseEndpoint(bad).has_value()) << bad;
  }
}

TEST(Networks, ANetworkEndsAtItsLastAddress) {
  const Network ten = Net("10.0.0.0", 96 + 8);
  EXPECT_TRUE(Has(ten, "10.0.0.0"));
  EXPECT_TRUE(Has(ten, "10.255.255.255"));
  EXPECT_FALSE(Has(ten, "9.255.255.255"));
  EXPECT_FALSE(Has(ten, "11.0.0.0"));
  const Network twelve = Net("172.16.0.0", 96 + 12);
  EXPECT_TRUE(Has(twelve, "172.31.255.255"));
  EXPECT_FALSE(Has(twelve, "172.32.0.0"));
  EXPECT_FALSE(Has(twelve, "172.15.255.255"));
  const Network one = Net("127.0.0.1", 128);
  EXPECT_TRUE(Has(one, "127.0.0.1"));
  EXPECT_FALSE(Has(one, "127.0.0.0"));
  const Network six = Net("2001:db8::", 33);
  EXPECT_TRUE(Has(six, "2001:db8:7fff::1"));
  EXPECT_FALSE(Has(six, "2001:db8:8000::"));
}

TEST(Networks, Ipv4InIpv6IsIpv4) {
  EXPECT_TRUE(Has(Net("10.0.0.0", 96 + 8), "::ffff:10.1.2.3"));
  EXPECT_TRUE(Has(Net("::ffff:10.0.0.0", 104), "10.1.2.3"));
  EXPECT_TRUE(Has(Net("0.0.0.0", 96), "1.2.3.4"));
  EXPECT_TRUE(Has(Net("::", 0), "2001:db8::1"));
  EXPECT_FALSE(Has(Net("::", 0), "1.2.3.4")) << "everybody who speaks IPv6";
  EXPECT_FALSE(Has(Net("0.0.0.0", 96), "::1.2.3.4")) << "compatible is not mapped";
  EXPECT_FALSE(Has(Net("::", 96), "1.2.3.4"));
}

TEST(Networks, ASetHasWhatAnyOfItsNetworksHas) {
  const Networks networks({Net("10.0.0.0", 96 + 8), Net("::1", 128)});
  EXPECT_FALSE(networks.empty());
  EXPECT_TRUE(networks.Contains("10.1.1.1:4711"));
  EXPECT_TRUE(networks.Contains("[::1]:80"));
  EXPECT_TRUE(networks.Contains("::1"));
  EXPECT_FALSE(networks.Contains("[::2]:80"));
  EXPECT_FALSE(networks.Contains("")) << "a peer that is not known";
  EXPECT_TRUE(Networks().empty());
  EXPECT_FALSE(Networks().Contains("10.1.1.1"));
}

}  // namespace
}  // namespace halley::base
