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

INSTANTIATE_TEST_SUITE_P(Shards, Expiry, ::testing::Values(1, 4));

}  // namespace
}  // namespace halley::sim
