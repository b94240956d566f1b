// A node that is drained: clients are told to go at an even rate, and get all that was pushed to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

constexpr uint64_t kSeconds = 10;
constexpr size_t kClients = 1000;

NodeSetup SetupOf(uint32_t shards) {
  NodeSetup setup;
  setup.shards = shards;
  return setup;
}

uint64_t CountOf(const SimNode& node, wire::CloseReason reason) {
  return node.Sum().closed[static_cast<size_t>(reason)];
}

void JoinMany(SimNode& node) {
  for (size_t i = 0; i < kClients; ++i) {
    SimClient& client = node.NewClient({.websocket = i % 2 == 0, .key = "c" + std::to_string(i),
                                        .room = i % 3 == 0 ? "a" : "b"});
    client.Start(static_cast<uint32_t>(i % node.shards()));
  }
  node.world().Until(10 * kSecond, [&] { return node.Sum().channels == kClients; });
  ASSERT_EQ(node.Sum().channels, kClients);
}

class Drain : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Drain, TheRateIsEvenInEverySecondAndNothingIsLost) {
  SimNode node(1, SetupOf(GetParam()));
  JoinMany(node);
  SimPusher& pusher = node.JoinPusher();
  const uint64_t begin = node.core().now();
  node.fabric().RequestDrain({begin, kSeconds * kSecond});
  for (uint64_t second = 1; second <= kSeconds; ++second) {
    for (int i = 0; i < 100; ++i) {
      pusher.PushRooms({i % 2 == 0 ? "a" : "b"}, 1000, 700);
      node.world().For(kSecond / 100);
    }
    const uint64_t told = CountOf(node, wire::CloseReason::kDraining);
    const double share = static_cast<double>(node.core().now() - begin) / (kSeconds * kSecond);
    EXPECT_NEAR(static_cast<double>(told), std::min(share, 1.0) * kClients,
                0.1 * kClients / kSeconds)
        << "after " << second << " s";
  }
  node.Settle();
  EXPECT_EQ(CountOf(node, wire::CloseReason::kDraining), kClients);
  EXPECT_EQ(node.SkippedSum(hub::SkipReason::kClosed), 0u);
  EXPECT_EQ(node.SkippedSum(hub::SkipReason::kOverflow), 0u);
  EXPECT_GT(node.Sum().accounting.delivered, 100 * kClients);
  for (const auto& client : node.clients()) EXPECT_TRUE(client->over());
  node.CheckRoomOrder();
  node.CheckBooks();
  node.StopAndCheck();
  EXPECT_EQ(node.core().failures(), "");
}

TEST_P(Drain, NobodyIsLetInUntilItIsOver) {
  SimNode node(1, SetupOf(GetParam()));
  SimClient& early = node.Join({.websocket = true, .key = "early", .room = "r"});
  node.fabric().RequestDrain({node.core().now() + 5 * kSecond, 600 * kSecond});
  SimClient& in_grace = node.Join({.key = "in grace"});
  EXPECT_TRUE(in_grace.logged_in());
  node.world().For(6 * kSecond);
  SimClient& late = node.NewClient({.websocket = true, .key = "late"});
  late.Start(0);
  node.world().Until(5 * kSecond, [&] { return late.over(); });
  EXPECT_TRUE(late.over());
  EXPECT_FALSE(late.logged_in());
  // Who is in changes rooms and is answered, until its turn comes.
  early.ChangeRoom("q");
  early.Heartbeat();
  node.Settle(kSecond);
  EXPECT_FALSE(early.over());
  node.fabric().RequestDrain({});
  node.world().For(kSecond);
  EXPECT_TRUE(node.Join({.key = "later"}).logged_in());
  node.Settle();
  EXPECT_FALSE(early.over());
  EXPECT_EQ(node.core().failures(), "");
}

TEST_P(Drain, AnotherOneBeginsAgain) {
  SimNode node(1, SetupOf(GetParam()));
  JoinMany(node);
  node.fabric().RequestDrain({node.core().now(), kSeconds * kSecond});
  node.world().For(kSeconds * kSecond / 2);
  const uint64_t told = CountOf(node, wire::CloseReason::kDraining);
  // Those that are left, over as long again.
  const uint64_t begin = node.core().now();
  node.fabric().RequestDrain({begin, kSeconds * kSecond});
  node.world().For(kSeconds * kSecond / 4);
  const double share = static_cast<double>(node.core().now() - begin) / (kSeconds * kSecond);
  EXPECT_NEAR(static_cast<double>(CountOf(node, wire::CloseReason::kDraining)),
              static_cast<double>(told) + share * static_cast<double>(kClients - told),
              0.1 * kClients / kSeconds);
  EXPECT_EQ(node.core().failures(), "");
}

TEST_P(Drain, WhoTakesNothingIsGivenUntilTheEnd) {
  SimNode node(1, SetupOf(GetParam()));
  SimClient& deaf = node.Join({.key = "deaf", .room = "a"});
  SimPusher& pusher = node.JoinPusher();
  deaf.Stall(true);
  for (int i = 0; i < 300; ++i) pusher.PushRooms({"a"}, 1000, 3000);
  node.world().For(kSecond);
  node.fabric().RequestDrain({node.core().now(), 2 * kSecond});
  node.world().For(4 * kSecond);
  EXPECT_FALSE(deaf.over());
  deaf.Stall(false);
  node.world().Until(30 * kSecond, [&] { return deaf.over(); });
  EXPECT_EQ(CountOf(node, wire::CloseReason::kDraining), 1u);
  EXPECT_EQ(node.SkippedSum(hub::SkipReason::kClosed), 0u);
  node.StopAndCheck();
  EXPECT_EQ(node.core().failures(), "");
}

INSTANTIATE_TEST_SUITE_P(Shards, Drain, ::testing::Values(1, 4));

}  // namespace
}  // namespace halley::sim
