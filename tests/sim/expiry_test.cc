// A login that holds for a time: when it is over the connection ends, whatever the client does, and not
// before.
#include <gtest/gtest.h>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

constexpr uint64_t kExpires = 20 * kSecond;
constexpr uint64_t kLate = 300 * kMs;  // a slot of the wheel, a shard's sleep

NodeSetup SetupOf(uint32_t shards, uint64_t expires_in_ms) {
  NodeSetup setup;
  setup.shards = shards;
  setup.habits.expires_in_ms = expires_in_ms;
  return setup;
}

uint64_t CountOf(const SimNode& node, wire::CloseReason reason) {
  return node.Sum().closed[static_cast<size_t>(reason)];
}

// Says something every second until it is over or `until`, and how long it lasted.
uint64_t Lasts(SimNode& node, SimClient& client, uint64_t until) {
  const uint64_t from = node.core().now();
  while (!client.over() && node.core().now() - from < until) {
    client.Heartbeat();
    node.world().Until(kSecond, [&] { return client.over(); });
  }
  return node.core().now() - from;
}

class Expiry : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Expiry, TheConnectionEndsWithIt) {
  for (const bool websocket : {false, true}) {
    SimNode node(1, SetupOf(GetParam(), kExpires / kMs));
    SimClient& client = node.Join({.websocket = websocket, .key = "a", .room = "r"});
    ASSERT_TRUE(client.logged_in());
    const uint64_t lasted = Lasts(node, client, 2 * kExpires);
    EXPECT_GT(lasted, kExpires - kSecond) << "the login took less than a second";
    EXPECT_LE(lasted, kExpires + kLate);
    EXPECT_EQ(client.close_code(), websocket ? 3006 : -1);
    EXPECT_EQ(CountOf(node, wire::CloseReason::kTokenExpired), 1u);
    node.Settle();
    node.CheckEmpty();
    node.StopAndCheck();
    EXPECT_EQ(node.core().failures(), "");
  }
}

TEST_P(Expiry, WhoIsSilentBeforeItEndsForThat) {
  NodeSetup setup = SetupOf(GetParam(), kExpires / kMs);
  setup.habits.idle_timeout_ms = kExpires / kMs / 2;
  SimNode node(1, setup);
  SimClient& client = node.Join({.websocket = true, .key = "a"});
  node.world().Until(kExpires, [&] { return client.over(); });
  EXPECT_EQ(client.close_code(), 3008);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kIdleTimeout), 1u);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kTokenExpired), 0u);
}

// Further away than a clock of nanoseconds reaches, or not told at all.
TEST_P(Expiry, ALoginMayHoldForGood) {
  for (const uint64_t expires_in_ms : {uint64_t{0}, UINT64_MAX, UINT64_MAX / 1'000'000}) {
    SimNode node(1, SetupOf(GetParam(), expires_in_ms));
    SimClient& client = node.Join({.key = "a"});
    EXPECT_GE(Lasts(node, client, 2 * kExpires), 2 * kExpires);
    EXPECT_FALSE(client.over());
  }
}


NodeSetup RefreshingSetup(uint32_t shards, uint64_t refresh_in_ms) {
  NodeSetup setup = SetupOf(shards, kExpires / kMs);
  setup.habits.takes_refreshes = true;
  setup.habits.refresh_in_ms = refresh_in_ms;
  return setup;
}

using Answers = std::vector<std::string>;

void AwaitAnswers(SimNode& node, const SimClient& client, size_t count) {
  node.world().Until(10 * kSecond, [&] { return client.refreshed().size() == count || client.over(); });
}

// Pushes come while the backend thinks, and what was sent behind the token is answered after it.
TEST_P(Expiry, ANewTokenMovesTheEnd) {
  for (const bool websocket : {false, true}) {
    for (const uint64_t delay_ns : {uint64_t{0}, 2 * kSecond}) {
      NodeSetup setup = RefreshingSetup(GetParam(), 2 * kExpires / kMs - 999);
      setup.habits.delay_ns = delay_ns;
      SimNode node(1, setup);
      SimClient& client = node.Join({.websocket = websocket, .key = "a", .room = "r"});
      ASSERT_TRUE(client.logged_in());
      SimPusher& pusher = node.JoinPusher();
      Lasts(node, client, kExpires / 2);
      node.Settle();
      const uint32_t turns_of_backend = delay_ns == 0 ? 0 : 1;
      client.Refresh("good");
      client.ChangeRoom("s");
      client.Heartbeat();
      node.world().Until(kSecond, [&] { return node.backend_books().refreshes == 1; });
      EXPECT_LE(node.backend_books().thinking, turns_of_backend);
      const bool waits = client.refreshed().empty() && node.backend_books().thinking == 1;
      const uint32_t push = pusher.PushRooms({"r"});
      if (waits) {
        node.world().Until(kSecond, [&] { return client.times_received(push) == 1; });
        EXPECT_EQ(client.times_received(push), 1u) << "a push waits for nobody's token";
      }
      AwaitAnswers(node, client, 1);
      EXPECT_EQ(client.refreshed(), Answers{"40"}) << "seconds, rounded up";
      const uint64_t lasted = Lasts(node, client, 4 * kExpires);
      EXPECT_GT(lasted, 2 * kExpires - 3 * kSecond);
      EXPECT_LE(lasted, 2 * kExpires + kLate);
      EXPECT_EQ(client.close_code(), websocket ? 3006 : -1);
      EXPECT_EQ(CountOf(node, wire::CloseReason::kTokenExpired), 1u);
      EXPECT_EQ(node.core().failures(), "");
    }
  }
}

TEST_P(Expiry, ANewTokenMayEndEarlierOrNever) {
  for (const uint64_t refresh_in_ms : {uint64_t{5'000}, uint64_t{0}}) {
    SimNode node(1, RefreshingSetup(GetParam(), refresh_in_ms));
    SimClient& client = node.Join({.key = "a"});
    client.Refresh("good");
    AwaitAnswers(node, client, 1);
    EXPECT_EQ(client.refreshed(), Answers{refresh_in_ms == 0 ? "0" : "5"});
    const uint64_t lasted = Lasts(node, client, 2 * kExpires);
    if (refresh_in_ms == 0) {
      EXPECT_FALSE(client.over());
    } else {
      EXPECT_GT(lasted, 5 * kSecond - kSecond);
      EXPECT_LE(lasted, 5 * kSecond + kLate);
      EXPECT_EQ(CountOf(node, wire::CloseReason::kTokenExpired), 1u);
    }
  }
}

TEST_P(Expiry, ARefusedTokenKeepsTheOldEnd) {
  SimNode node(1, RefreshingSetup(GetParam(), 10 * kExpires / kMs));
  SimClient& client = node.Join({.key = "a"});
  const uint64_t from = node.core().now();
  Lasts(node, client, kExpires / 2);
  client.Refresh("bad");
  AwaitAnswers(node, client, 1);
  EXPECT_EQ(client.refreshed(), Answers{""});
  Lasts(node, client, 2 * kExpires);
  EXPECT_TRUE(client.over());
  EXPECT_GT(node.core().now() - from, kExpires - kSecond);
  EXPECT_LE(node.core().now() - from, kExpires + kLate);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kTokenExpired), 1u);
}

// Its signature would cost more than its bytes do: the backend does not hear of it.
TEST_P(Expiry, WhoShowsTokensTooOftenIsRefused) {
  SimNode node(1, RefreshingSetup(GetParam(), 10 * kExpires / kMs));
  SimClient& client = node.Join({.key = "a"});
  for (int i = 0; i < 100; ++i) client.Refresh("good");
  AwaitAnswers(node, client, 100);
  ASSERT_EQ(client.refreshed().size(), 100u);
  EXPECT_EQ(client.refreshed()[0], "200");
  EXPECT_EQ(client.refreshed()[1], "");
  EXPECT_EQ(node.backend_books().refreshes, 1u);
  uint64_t too_soon = 0;
  for (uint32_t i = 0; i < node.shards(); ++i) {
    for (const auto& [cause, count] : node.shard(i).Status().refused_logins) {
      EXPECT_EQ(cause, "refresh_too_soon");
      too_soon += count;
    }
  }
  EXPECT_EQ(too_soon, 99u);
  node.world().Until(kSecond + 100 * kMs, [] { return false; });
  client.Refresh("good");
  AwaitAnswers(node, client, 101);
  EXPECT_EQ(client.refreshed().back(), "200");
}

// The old end holds while the backend thinks.
TEST_P(Expiry, TheEndMayComeBeforeTheAnswer) {
  int ended = 0, stayed = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    NodeSetup setup = RefreshingSetup(GetParam(), 10 * kExpires / kMs);
    setup.habits.delay_ns = 4 * kSecond;
    SimNode node(seed, setup);
    SimClient& client = node.Join({.key = "a"});
    ASSERT_TRUE(client.logged_in());
    Lasts(node, client, kExpires - 2 * kSecond);
    client.Refresh("good");
    node.world().Until(10 * kSecond, [&] { return client.over() || !client.refreshed().empty(); });
    EXPECT_NE(client.over(), !client.refreshed().empty());
    EXPECT_EQ(CountOf(node, wire::CloseReason::kTokenExpired), client.over() ? 1u : 0u);
    (client.over() ? ended : stayed) += 1;
    node.Settle();
    EXPECT_EQ(node.backend_books().thinking, 0u);
    EXPECT_EQ(node.core().failures(), "");
  }
  EXPECT_GT(ended, 0);
  EXPECT_GT(stayed, 0);
}

// Who goes while the backend thinks gets no answer, and neither does the next who has the slot.
TEST_P(Expiry, AnAnswerForWhoHasGoneIsDropped) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    NodeSetup setup = RefreshingSetup(GetParam(), 10 * kExpires / kMs);
    setup.habits.delay_ns = 4 * kSecond;
    SimNode node(seed, setup);
    SimClient& client = node.Join({.key = "a"});
    ASSERT_TRUE(client.logged_in());
    client.Refresh("good");
    node.world().Until(kSecond, [&] { return node.backend_books().refreshes == 1; });
    client.Abort();
    SimClient& next = node.Join({.key = "a"});
    ASSERT_TRUE(next.logged_in());
    node.Settle();
    EXPECT_EQ(node.backend_books().thinking, 0u);
    EXPECT_LE(Lasts(node, next, 2 * kExpires), kExpires + kLate);
    EXPECT_EQ(CountOf(node, wire::CloseReason::kTokenExpired), 1u);
    node.Settle();
    node.CheckEmpty();
    node.StopAndCheck();
    EXPECT_EQ(node.core().failures(), "");
  }
}

// Where the backend takes none, op 18 is the application's.
TEST_P(Expiry, WithoutABackendThatTakesTokensItIsAMessage) {
  SimNode node(1, SetupOf(GetParam(), 0));
  SimClient& client = node.Join({.key = "a"});
  client.Say(18, "token");
  node.Settle();
  EXPECT_EQ(client.unanswered(), 0u);
  ASSERT_EQ(node.backend_books().uplinks.size(), 1u);
  EXPECT_EQ(node.backend_books().uplinks[0].op, 18);
  EXPECT_EQ(node.backend_books().uplinks[0].body, "token");
  EXPECT_EQ(node.core().failures(), "");
}

INSTANTIATE_TEST_SUITE_P(Shards, Expiry, ::testing::Values(1, 4));

}  // namespace
}  // namespace halley::sim
