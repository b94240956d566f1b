#include "config/origin_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace halley::config {
namespace {

using List = std::vector<std::string>;

TEST(OriginList, IsReadInLowerCaseAndInOrder) {
  EXPECT_EQ(ParseOriginList("").value(), List{});
  EXPECT_EQ(ParseOriginList("*").value(), List{"*"});
  EXPECT_EQ(ParseOriginList(" https://B.example:8443,http://*.a.example , http://[::1]:3000").value(),
            (List{"https://b.example:8443", "http://*.a.example", "http://[::1]:3000"}));
}

TEST(OriginList, WhatCouldNeverMatchIsAnError) {
  for (const char* const bad :
       {"example.com", "https://", "https://example.com/", "https://example.com:443",
        "http://example.com:80", "https://example.com:0", "https://example.com:65536",
        "https://example.com:x", "https://a@b", "https://*", "https://*.com", "https://a.*.com",
        "https://.example.com", "ws://example.com", "https://a b", "https://a,,https://b", "null",
        "https://[::1", "https://[g]"}) {
    const auto list = ParseOriginList(bad);
    ASSERT_FALSE(list.ok()) << bad;
    EXPECT_NE(list.status().message().find("https://example.com"), absl::string_view::npos);
  }
}

TEST(TokenList, IsReadInOrder) {
  EXPECT_EQ(ParseTokenList("").value(), List{});
  EXPECT_EQ(ParseTokenList("goim, v2.Chat").value(), (List{"goim", "v2.Chat"}));
  for (const char* const bad : {"a b", "a,", "\"a\"", "a/b", "a;b"}) {
    EXPECT_FALSE(ParseTokenList(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace halley::config
