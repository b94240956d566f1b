#include "wire/origin.h"

#include <gtest/gtest.h>

namespace halley::wire {
namespace {

constexpr std::string_view kHost = "push.example.com";

TEST(Origin, WithoutAListCookiesTieAPageToTheGatewaysHost) {
  const OriginPolicy policy;
  const struct {
    std::string_view origin;
    std::string_view host;
    bool same;
  } kRows[] = {
      {"https://push.example.com", kHost, true},
      {"http://push.example.com", kHost, true},
      {"HTTPS://Push.Example.COM", kHost, true},
      {"https://push.example.com", "push.example.com:443", true},
      {"http://push.example.com", "push.example.com:80", true},
      {"http://localhost:3102", "localhost:3102", true},
      {"http://localhost:8080", "localhost:3102", true},
      {"http://[::1]:3102", "[::1]:3102", true},
      {"http://[::1]", "[::1]:3102", true},
      {"https://push.example.com:8443", kHost, true},
      {"http://[::2]", "[::1]", false},
      {"https://push.example.com:1@evil.example", kHost, false},
      {"http://", "", false},
      {"http://:80", ":80", false},
      {"https://example.com", kHost, false},
      {"https://push.example.com.evil.example", kHost, false},
      {"https://evilpush.example.com", kHost, false},
      {"https://push.example.com@evil.example", kHost, false},
      {"ftp://push.example.com", kHost, false},
      {"push.example.com", kHost, false},
      {"null", kHost, false},
      {"", kHost, false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(policy.Allows(row.origin, row.host, /*cookies=*/true), row.same) << row.origin;
    EXPECT_TRUE(policy.Allows(row.origin, row.host, /*cookies=*/false)) << row.origin;
  }
}

TEST(Origin, AListNamesWhoElseMayConnect) {
  const OriginPolicy policy({"https://app.example.org", "https://*.example.net",
                             "https://*.port.example:8443"});
  const struct {
    std::string_view origin;
    bool allowed;
  } kRows[] = {
      {"https://app.example.org", true},
      {"https://APP.example.org", true},
      {"https://push.example.com", true},  // its own
      {"http://app.example.org", false},
      {"https://app.example.org:444", false},
      {"https://app.example.org.evil.example", false},
      {"https://example.org", false},
      {"https://a.example.net", true},
      {"https://a.b.example.net", true},
      {"https://example.net", false},
      {"https://.example.net", false},
      {"https://evilexample.net", false},
      {"https://evil.example/.example.net", false},
      {"https://evil.example?.example.net", false},
      {"https://user@a.example.net", false},
      {"https://a:1.example.net", false},
      {"https://a.port.example:8443", true},
      {"https://a.port.example", false},
      {"null", false},
      {"*", false},
  };
  for (const auto& row : kRows) {
    for (const bool cookies : {false, true}) {
      EXPECT_EQ(policy.Allows(row.origin, kHost, cookies), row.allowed) << row.origin;
    }
  }
}

TEST(Origin, AStarAllowsAll) {
  const OriginPolicy policy({"*"});
  for (const std::string_view origin : {"https://evil.example", "null", ""}) {
    EXPECT_TRUE(policy.Allows(origin, kHost, true));
  }
}

}  // namespace
}  // namespace halley::wire
