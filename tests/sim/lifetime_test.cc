// Connections that may be here for a time only: they are told to come back, each at a time of its own,
// and have been sent what was pushed before.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

constexpr uint32_t kLifetimeS = 60;
constexpr uint64_t kLifetime = kLifetimeS * kSecond;
constexpr uint64_t kLate = kSecond;  // a slot of the wheel, a shard's sleep

NodeSetup SetupOf(uint32_t shards) {
  NodeSetup setup;
  setup.shards = shards;
  setup.options.client.lifetime_s = kLifetimeS;
  return setup;
}

// Sockets hold less than what OweTooMuch() pushes, and a client's queue holds the rest.
NodeSetup SmallSockets(uint32_t shards) {
  NodeSetup setup = SetupOf(shards);
  setup.faults.socket_bytes_min = setup.faults.socket_bytes_max = 16384;
  return setup;
}

void OweTooMuch(SimPusher& pusher, SimClient& client) {
  client.Stall(true);
  for (int i = 0; i < 20; ++i) pusher.PushRooms({"r"}, 1000, 3000);
}

uint64_t CountOf(const SimNode& node, wire::CloseReason reason) {
  return node.Sum().closed[static_cast<size_t>(reason)];
}

class Lifetime : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Lifetime, EachGoesInTheLastTenthOfIt) {
  constexpr size_t kClients = 200;
  SimNode node(1, SetupOf(GetParam()));
  const uint64_t begin = node.core().now();
  for (size_t i = 0; i < kClients; ++i) {
    SimClient& client = node.NewClient({.websocket = true, .key = "c" + std::to_string(i), .room = "r"});
    client.Start(static_cast<uint32_t>(i % node.shards()));
  }
  node.world().Until(10 * kSecond, [&] { return node.Sum().channels == kClients; });
  const uint64_t joined = node.core().now();
  SimPusher& pusher = node.JoinPusher();
  const uint64_t first = begin + kLifetime - kLifetime / 10;
  while (node.core().now() + kSecond / 2 < first) {
    node.world().For(kSecond / 4);
    pusher.PushRooms({"r"}, 1000, 100);
  }
  EXPECT_EQ(CountOf(node, wire::CloseReason::kLifetimeOver), 0u);
  // Evenly over that tenth, as far as chance has it.
  node.world().For(first + kLifetime / 20 - node.core().now());
  const uint64_t half = CountOf(node, wire::CloseReason::kLifetimeOver);
  EXPECT_GT(half, kClients / 4);
  EXPECT_LT(half, kClients * 3 / 4);
  while (node.core().now() < joined + kLifetime + kLate) {
    node.world().For(kSecond / 4);
    pusher.PushRooms({"r"}, 1000, 100);
  }
  EXPECT_EQ(CountOf(node, wire::CloseReason::kLifetimeOver), kClients);
  for (const auto& client : node.clients()) EXPECT_EQ(client->close_code(), 1012);
  node.Settle();
  EXPECT_EQ(node.SkippedSum(hub::SkipReason::kClosed), 0u);
  node.CheckRoomOrder();
  node.CheckBooks();
  node.StopAndCheck();
  EXPECT_EQ(node.core().failures(), "");
}

TEST_P(Lifetime, SignsOfLifeDoNotMakeItLonger) {
  SimNode node(1, SetupOf(GetParam()));
  SimClient& client = node.Join({.key = "a", .room = "r"});
  const uint64_t begin = node.core().now();
  while (!client.over() && node.core().now() < begin + 2 * kLifetime) {
    client.Heartbeat();
    node.world().Until(kSecond, [&] { return client.over(); });
  }
  EXPECT_LE(node.core().now(), begin + kLifetime + kLate);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kLifetimeOver), 1u);
}

TEST_P(Lifetime, WhoLagsIsSentWhatItIsOwedFirst) {
  SimNode node(1, SmallSockets(GetParam()));
  SimClient& slow = node.Join({.key = "slow", .room = "r"});
  SimPusher& pusher = node.JoinPusher();
  node.world().For(kLifetime - 10 * kSecond);
  OweTooMuch(pusher, slow);
  node.world().For(12 * kSecond);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kLifetimeOver), 0u) << "it waits for its socket";
  slow.Stall(false);
  node.world().Until(10 * kSecond, [&] { return slow.over(); });
  EXPECT_EQ(CountOf(node, wire::CloseReason::kLifetimeOver), 1u);
  EXPECT_EQ(node.SkippedSum(hub::SkipReason::kClosed), 0u);
  EXPECT_EQ(node.core().failures(), "");
}

// It is not waited for for ever, and what it was owed is counted.
TEST_P(Lifetime, WhoTakesNothingEndsAllTheSame) {
  SimNode node(1, SmallSockets(GetParam()));
  SimClient& deaf = node.Join({.key = "deaf", .room = "r"});
  SimPusher& pusher = node.JoinPusher();
  node.world().For(kLifetime - 10 * kSecond);
  OweTooMuch(pusher, deaf);
  node.world().For(25 * kSecond);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kLifetimeOver), 1u);
  EXPECT_GT(node.SkippedSum(hub::SkipReason::kClosed), 0u);
  deaf.Stall(false);
  node.Settle();
  node.CheckBooks();
  EXPECT_EQ(node.core().failures(), "");
}

TEST_P(Lifetime, ADrainMeanwhileTakesNobodyTwice) {
  SimNode node(1, SmallSockets(GetParam()));
  SimClient& slow = node.Join({.key = "slow", .room = "r"});
  SimPusher& pusher = node.JoinPusher();
  node.world().For(kLifetime - 10 * kSecond);
  OweTooMuch(pusher, slow);
  node.world().For(11 * kSecond);
  node.fabric().RequestDrain({node.core().now(), kSecond});
  node.world().For(2 * kSecond);
  slow.Stall(false);
  node.world().Until(10 * kSecond, [&] { return slow.over(); });
  EXPECT_EQ(CountOf(node, wire::CloseReason::kLifetimeOver) +
                CountOf(node, wire::CloseReason::kDraining),
            1u);
  node.Settle();
  node.CheckBooks();
  EXPECT_EQ(node.core().failures(), "");
}

INSTANTIATE_TEST_SUITE_P(Shards, Lifetime, ::testing::Values(1, 4));

}  // namespace
}  // namespace halley::sim
