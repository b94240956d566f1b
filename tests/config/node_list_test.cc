#include "config/node_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace halley::config {
namespace {

TEST(NodeList, NamesAndAddressesWithPorts) {
  EXPECT_EQ(ParseNodeList(" a.example:7171 ,10.0.0.1:1,[2001:db8::1]:65535").value(),
            (std::vector<std::string>{"a.example:7171", "10.0.0.1:1", "[2001:db8::1]:65535"}));
  EXPECT_TRUE(ParseNodeList("  ").value().empty());
}

TEST(NodeList, NothingElse) {
  const std::string long_name(254, 'a');
  for (const std::string& bad :
       {std::string("a"), std::string(":1"), std::string("a:"), std::string("a:0"), std::string("a:65536"),
        std::string("a:01"), std::string("a:+1"), std::string("http://a:1"), std::string("a:1/x"),
        std::string("u@a:1"), std::string("a b:1"), std::string("2001:db8::1:7"), std::string("[::1"),
        std::string("[1.2.3.4]:1"), std::string("[x]:1"), long_name + ":1", std::string("a:1,"),
        std::string("a\n:1")}) {
    EXPECT_FALSE(ParseNodeList(bad).ok()) << bad;
  }
  EXPECT_TRUE(IsNode(std::string(253, 'a') + ":1"));
  EXPECT_EQ(ParseNodeList("a.example").status().message(),
            "'a.example' is no host and port: write them like registry.example.com:7171, 10.0.0.1:7171 "
            "or [2001:db8::1]:7171");
}

TEST(NodeList, HasALimit) {
  std::string list = "a:1";
  for (size_t i = 1; i < kNodesMax; ++i) absl::StrAppend(&list, ",a:1");
  EXPECT_EQ(ParseNodeList(list).value().size(), kNodesMax);
  EXPECT_FALSE(ParseNodeList(list + ",a:1").ok());
}

}  // namespace
}  // namespace halley::config
