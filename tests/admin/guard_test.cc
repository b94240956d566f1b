#include "admin/guard.h"

#include <gtest/gtest.h>

namespace halley::admin {
namespace {

TEST(Guard, WithoutATokenOnlyThisHostMayAsk) {
  const Guard guard("");
  for (const char* host : {"127.0.0.1", "127.0.0.1:3111", "localhost", "LocalHost:80", "[::1]",
                           "[::1]:3111"}) {
    EXPECT_EQ(guard.Admit({.host = host}), Admission::kWelcome) << host;
  }
  // Names that somebody else may have pointed here, and what looks like ours.
  for (const char* host : {"", "evil.example", "evil.example:3111", "127.0.0.1.evil.example",
                           "localhost.evil.example:3111", "[::1].evil.example", "::1", "0.0.0.0"}) {
    EXPECT_EQ(guard.Admit({.host = host}), Admission::kForbidden) << host;
  }
}

TEST(Guard, WithoutATokenNoPageOfAnotherHostMayAsk) {
  const Guard guard("");
  EXPECT_EQ(guard.Admit({.host = "127.0.0.1:3111", .origin = "http://127.0.0.1:3111"}),
            Admission::kWelcome);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1", "http://localhost:3111",
                             "https://127.0.0.1:3111", "http://127.0.0.1:31112"}) {
    EXPECT_EQ(guard.Admit({.host = "127.0.0.1:3111", .origin = origin}), Admission::kForbidden)
        << origin;
  }
}

TEST(Guard, AnOriginsSchemeIsThePortsOwn) {
  const Guard guard("");
  EXPECT_EQ(guard.Admit({.host = "127.0.0.1:3111", .origin = "https://127.0.0.1:3111", .secure = true}),
            Admission::kWelcome);
  EXPECT_EQ(guard.Admit({.host = "127.0.0.1:3111", .origin = "http://127.0.0.1:3111", .secure = true}),
            Admission::kForbidden);
}

TEST(Guard, TheTokenIsAllThatCountsWhereThereIsOne) {
  const Guard guard("t0ken");
  EXPECT_EQ(guard.Admit({.authorization = "Bearer t0ken", .host = "gateway.example",
                         .origin = "https://panel.example"}),
            Admission::kWelcome);
  EXPECT_EQ(guard.Admit({.authorization = "bearer  t0ken "}), Admission::kWelcome);
  for (const char* shown : {"", "t0ken", "Bearer", "Bearer ", "Bearer t0ke", "Bearer t0kenn",
                            "Bearer T0ken", "Basic t0ken", "Bearert0ken"}) {
    EXPECT_EQ(guard.Admit({.authorization = shown, .host = "127.0.0.1"}), Admission::kUnauthorized)
        << shown;
  }
}

TEST(Guard, ANewTokenIsTheOnlyOne) {
  Guard guard("old");
  guard.SetToken("new");
  EXPECT_EQ(guard.Admit({.authorization = "Bearer old"}), Admission::kUnauthorized);
  EXPECT_EQ(guard.Admit({.authorization = "Bearer new"}), Admission::kWelcome);
  guard.SetToken("");
  EXPECT_EQ(guard.Admit({.host = "127.0.0.1"}), Admission::kWelcome);
  EXPECT_EQ(guard.Admit({.authorization = "Bearer new", .host = "gateway.example"}),
            Admission::kForbidden);
}

TEST(Guard, ThePageThatAsksForTheTokenIsServedWithoutIt) {
  const Guard with("t0ken");
  EXPECT_EQ(with.AdmitToPage({.host = "gateway.example"}), Admission::kWelcome);
  EXPECT_EQ(with.AdmitToPage({.authorization = "Bearer wrong"}), Admission::kWelcome);
  // Without one the page is as the rest: a name that somebody pointed here gets nothing.
  const Guard without("");
  EXPECT_EQ(without.AdmitToPage({.host = "localhost:3111"}), Admission::kWelcome);
  EXPECT_EQ(without.AdmitToPage({.host = "evil.example"}), Admission::kForbidden);
}

}  // namespace
}  // namespace halley::admin
