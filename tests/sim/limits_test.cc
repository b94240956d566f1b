// The limits of a node: what is counted is given back exactly once, however a connection ends, and
// goes along when it moves to another shard.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

uint64_t CountOf(const SimNode& node, wire::CloseReason reason) {
  return node.Sum().closed[static_cast<size_t>(reason)];
}

NodeSetup SetupOf(uint32_t shards, const config::LimitsOptions& limits) {
  NodeSetup setup;
  setup.shards = shards;
  setup.options.limits = limits;
  return setup;
}

// Connects from an address.
SimClient& Come(SimNode& node, const ClientSetup& setup, const std::string& address,
                uint32_t shard = 0) {
  SimClient& client = node.NewClient(setup);
  client.Start(shard);
  client.link()->address = address;
  node.world().Until(10 * kSecond, [&] { return client.logged_in() || client.over(); });
  return client;
}

void ExpectEmpty(SimNode& node) {
  node.Settle();
  node.CheckEmpty();
  EXPECT_EQ(node.gate()->addresses(), 0u);
  EXPECT_EQ(node.core().failures(), "");
}

class Limits : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Limits, OfAnAddressHoldOnAllShardsTogether) {
  const uint32_t shards = GetParam();
  SimNode node(1, SetupOf(shards, {.ip_connections = 3, .trusted = "10.9.0.0/16"}));
  for (uint32_t i = 0; i < 3; ++i) {
    // To another shard's key, where there is one: it moves.
    const std::string key = node.NameOwnedBy((i + 1) % shards, "k", i);
    EXPECT_TRUE(Come(node, {.websocket = i == 0, .key = key}, "10.0.0.1", i % shards).logged_in());
  }
  EXPECT_EQ(node.gate()->addresses(), 1u);
  SimClient& late = Come(node, {.websocket = true, .key = "late"}, "10.0.0.1", shards - 1);
  EXPECT_FALSE(late.logged_in());
  EXPECT_EQ(late.http_refused(), 429);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kAddressFull), 1u);
  EXPECT_TRUE(Come(node, {.key = "other"}, "10.0.0.2").logged_in());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Come(node, {}, "10.9.1.1").logged_in());
  EXPECT_EQ(node.gate()->addresses(), 3u) << "the trusted one is counted";
  node.clients()[0]->Leave();
  node.Settle();
  EXPECT_TRUE(Come(node, {.key = "again"}, "10.0.0.1", shards - 1).logged_in());
  for (const auto& client : node.clients()) client->Leave();
  ExpectEmpty(node);
}

TEST_P(Limits, AnIpv6NetworkIsOneAddress) {
  SimNode node(1, SetupOf(GetParam(), {.ip_connections = 1, .trusted = {}}));
  EXPECT_TRUE(Come(node, {.key = "a"}, "[2001:db8::1]").logged_in());
  EXPECT_FALSE(Come(node, {.key = "b"}, "[2001:db8::2]").logged_in());
  EXPECT_TRUE(Come(node, {.key = "c"}, "[2001:db8:0:1::1]").logged_in());
  for (const auto& client : node.clients()) client->Leave();
  ExpectEmpty(node);
}

// Behind a proxy it is the client that is counted, from when it is known.
TEST_P(Limits, AreThoseOfTheClientBehindAProxy) {
  NodeSetup setup = SetupOf(GetParam(), {.ip_connections = 1, .trusted = {}});
  setup.options.listen.proxies = "10.0.0.1";
  SimNode node(1, setup);
  const auto from = [&](const std::string& client, std::string key) -> SimClient& {
    return Come(node, {.websocket = true, .headers = "X-Forwarded-For: " + client + "\r\n",
                       .key = std::move(key)}, "10.0.0.1");
  };
  EXPECT_TRUE(from("9.9.9.9", "a").logged_in());
  SimClient& second = from("9.9.9.9", "b");
  EXPECT_FALSE(second.logged_in());
  EXPECT_EQ(second.http_refused(), 429);
  EXPECT_TRUE(from("9.9.9.8", "c").logged_in());
  EXPECT_EQ(node.gate()->addresses(), 2u);
  // The proxy itself, of which nothing else is known, is nobody's address.
  EXPECT_TRUE(Come(node, {.key = "d"}, "10.0.0.1").logged_in());
  EXPECT_TRUE(Come(node, {.key = "e"}, "10.0.0.1").logged_in());
  EXPECT_EQ(node.gate()->addresses(), 2u);
  for (const auto& client : node.clients()) client->Leave();
  ExpectEmpty(node);
}

// Each way to end that a client, the backend, a pusher or the node can bring about.
TEST_P(Limits, AreGivenBackInEveryWayToEnd) {
  const uint32_t shards = GetParam();
  NodeSetup setup = SetupOf(shards, {.ip_connections = 100, .trusted = {}, .rooms = 100});
  setup.options.client.handshake_timeout_ms = 1000;
  setup.options.client.idle_timeout_ms = 5000;
  setup.options.client.stall_timeout_ms = 1000;
  SimNode node(1, setup);
  SimPusher& pusher = node.JoinPusher();
  std::vector<SimClient*> there;
  for (uint32_t i = 0; i < 10; ++i) {
    const ClientSetup client{.websocket = i % 2 == 0, .key = "k" + std::to_string(i),
                             .room = "r" + std::to_string(i % 3)};
    there.push_back(&Come(node, client, "10.0.0." + std::to_string(i), i % shards));
    ASSERT_TRUE(there.back()->logged_in());
  }
  EXPECT_EQ(node.gate()->rooms(), 3u);
  there[0]->Leave();
  there[1]->Abort();
  there[2]->Finish();
  there[3]->SendRubbish(std::string(64, '\xff'));
  there[4]->SendClose(1000);
  there[5]->Vanish();                                // idle_timeout
  push::v1::Request kick;
  kick.mutable_kick_keys()->add_keys("k6");
  pusher.Call(std::move(kick));
  Come(node, {.key = "k7"}, "10.1.0.1");             // replaced
  there[8]->Stall(true);
  SimClient& silent = node.NewClient({.key = "silent"});
  silent.Connect(0);                                 // handshake_timeout
  silent.link()->address = "10.1.0.2";
  SimVisitor& visitor = node.NewVisitor();
  visitor.Ask(0, "/", false, "");                    // page_served
  node.world().For(10 * kSecond);
  for (const wire::CloseReason reason :
       {wire::CloseReason::kPeerClosed, wire::CloseReason::kPeerReset,
        wire::CloseReason::kIdleTimeout, wire::CloseReason::kHandshakeTimeout,
        wire::CloseReason::kPageServed, wire::CloseReason::kKicked, wire::CloseReason::kReplaced}) {
    EXPECT_GT(CountOf(node, reason), 0u) << wire::CloseReasonName(reason);
  }
  node.net().Leave(visitor.link());
  for (const auto& client : node.clients()) client->Leave();
  node.net().Leave(pusher.link());
  ExpectEmpty(node);
  EXPECT_EQ(node.gate()->rooms(), 0u);
}

TEST_P(Limits, AreGivenBackByWhoCannotMove) {
  const uint32_t shards = GetParam();
  if (shards == 1) GTEST_SKIP() << "there is nowhere to move to";
  NodeSetup setup = SetupOf(shards, {.ip_connections = 1000, .trusted = {}});
  setup.faults[Fault::kPassLost] = 5000;
  SimNode node(7, setup);
  for (uint32_t i = 0; i < 40; ++i) {
    Come(node, {.key = node.NameOwnedBy(1, "k", i)}, "10.0.0.1", 0);
  }
  EXPECT_GT(CountOf(node, wire::CloseReason::kMoveFailed), 0u);
  EXPECT_GT(node.Sum().moved_in, 0u);
  for (const auto& client : node.clients()) client->Leave();
  ExpectEmpty(node);
}

TEST_P(Limits, OfRoomsHoldForTheNode) {
  const uint32_t shards = GetParam();
  SimNode node(1, SetupOf(shards, {.trusted = {}, .rooms = 2}));
  SimClient& first = Come(node, {.websocket = true, .key = "a", .room = "r1"}, "10.0.0.1");
  SimClient& second = Come(node, {.key = "b", .room = "r2"}, "10.0.0.1", shards - 1);
  EXPECT_TRUE(first.logged_in() && second.logged_in());
  // What there is may be joined, and what would be new may not, wherever its home is.
  for (uint32_t i = 0; i < 6; ++i) {
    const std::string key = "n" + std::to_string(i);
    EXPECT_TRUE(Come(node, {.key = key + "old", .room = "r1"}, "10.0.0.1", i % shards).logged_in());
    SimClient& refused = Come(node, {.websocket = true, .key = key, .room = "new" + key},
                              "10.0.0.1", i % shards);
    node.Settle(kSecond);
    EXPECT_FALSE(refused.read_login());
    EXPECT_EQ(refused.close_code(), 1013);
  }
  EXPECT_EQ(CountOf(node, wire::CloseReason::kRoomsFull), 6u);
  EXPECT_EQ(node.gate()->rooms(), 2u);
  // Who is in one that nobody else is in takes it along.
  second.ChangeRoom("r3");
  node.Settle(kSecond);
  EXPECT_FALSE(second.over());
  EXPECT_EQ(node.gate()->rooms(), 2u);
  first.ChangeRoom("r4");
  node.Settle(kSecond);
  EXPECT_EQ(first.close_code(), 1013);
  for (const auto& client : node.clients()) client->Leave();
  ExpectEmpty(node);
  EXPECT_EQ(node.gate()->rooms(), 0u);
}

TEST_P(Limits, OfMessagesGoAlongWithWhoMoves) {
  const uint32_t shards = GetParam();
  SimNode node(1, SetupOf(shards, {.trusted = {}, .messages_per_s = 1, .messages_burst = 5}));
  SimClient& client = Come(node, {.websocket = true, .key = node.NameOwnedBy(shards - 1, "k")},
                           "10.0.0.1", 0);
  ASSERT_TRUE(client.logged_in());
  // The login was one of the five.
  for (int i = 0; i < 4; ++i) client.Heartbeat();
  node.world().For(kSecond / 10);
  EXPECT_FALSE(client.over());
  EXPECT_EQ(client.unanswered(), 0u);
  client.Ping("one too many");
  node.world().Until(5 * kSecond, [&] { return client.over(); });
  EXPECT_EQ(client.close_code(), 1008);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kRateLimited), 1u);
  ExpectEmpty(node);
}

TEST_P(Limits, OfBytesEndWhoSendsTooMany) {
  const uint32_t shards = GetParam();
  SimNode node(1, SetupOf(shards, {.trusted = {}, .bytes_per_s = 1000, .bytes_burst = 2000}));
  SimClient& client = Come(node, {.key = node.NameOwnedBy(shards - 1, "k")}, "10.0.0.1", 0);
  ASSERT_TRUE(client.logged_in());
  for (int i = 0; i < 20; ++i) {
    client.Say(2000, std::string(900, 'x'));
    node.world().For(kSecond);
  }
  EXPECT_FALSE(client.over());
  EXPECT_EQ(client.unanswered(), 0u);
  for (int i = 0; i < 3; ++i) client.Say(2000, std::string(900, 'x'));
  node.world().Until(5 * kSecond, [&] { return client.over(); });
  EXPECT_EQ(CountOf(node, wire::CloseReason::kRateLimited), 1u);
  ExpectEmpty(node);
}

TEST_P(Limits, OfHandshakesAreForWhoHasNotLoggedIn) {
  SimNode node(1, SetupOf(GetParam(), {.trusted = {}, .handshakes = 3}));
  for (uint32_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(Come(node, {.key = "k" + std::to_string(i)}, "10.0.0.1").logged_in());
  }
  std::vector<SimClient*> silent;
  for (uint32_t i = 0; i < 3; ++i) {
    silent.push_back(&node.NewClient({.websocket = true}));
    silent.back()->Connect(0);
  }
  node.world().For(kSecond / 10);
  SimClient& late = Come(node, {.websocket = true, .key = "late"}, "10.0.0.1");
  EXPECT_EQ(late.http_refused(), 503);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kHandshakesFull), 1u);
  silent[0]->Login();
  node.world().Until(kSecond, [&] { return silent[0]->logged_in(); });
  EXPECT_TRUE(Come(node, {.key = "later"}, "10.0.0.1").logged_in());
  for (const auto& client : node.clients()) client->Leave();
  ExpectEmpty(node);
}

TEST_P(Limits, OfConnectsAreTheNodes) {
  const uint32_t shards = GetParam();
  SimNode node(1, SetupOf(shards, {.trusted = {}, .connects_per_s = 10, .connects_burst = 4}));
  for (uint32_t i = 0; i < 40; ++i) {
    node.NewClient({.key = "k" + std::to_string(i)}).Start(i % shards);
  }
  node.world().For(kSecond / 20);
  EXPECT_EQ(node.Sum().channels, 4u);
  EXPECT_EQ(CountOf(node, wire::CloseReason::kConnectRate), 36u);
  node.world().For(kSecond);
  EXPECT_TRUE(Come(node, {.key = "later"}, "10.0.0.1").logged_in());
  for (const auto& client : node.clients()) client->Leave();
  ExpectEmpty(node);
}

INSTANTIATE_TEST_SUITE_P(Shards, Limits, ::testing::Values(1, 4));

}  // namespace
}  // namespace halley::sim
