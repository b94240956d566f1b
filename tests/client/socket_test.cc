#include "client/socket.h"

#include <gtest/gtest.h>

namespace halley::client {
namespace {

TEST(ParseHostPort, SplitsAtTheLastColon) {
  const auto v4 = ParseHostPort("127.0.0.1:3108");
  ASSERT_TRUE(v4.ok());
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, "3108");
  const auto v6 = ParseHostPort("[::1]:3108");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, "3108");
  const auto name = ParseHostPort("node-1.example:push");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->port, "push");
}

TEST(ParseHostPort, RefusesWhatLacksEither) {
  for (const char* address : {"", ":", "host", "host:", ":3108", "::1", "::1:3108", "[]:3108"}) {
    const auto parsed = ParseHostPort(address);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

}  // namespace
}  // namespace halley::client
