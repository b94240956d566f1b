// The access log and traces: who is told of, and what; over several shards, between which clients move.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/networks.h"
#include "sim/sim_node.h"

namespace halley::sim {
namespace {

namespace v1 = push::v1;

NodeSetup SetupOf(uint32_t shards, uint32_t one_in = 0) {
  NodeSetup setup;
  setup.shards = shards;
  if (one_in > 0) setup.options.access_log.file = "kept in memory";
  if (one_in > 0) setup.options.access_log.one_in = one_in;
  return setup;
}

v1::TraceTarget KeyTarget(const std::string& key) {
  v1::TraceTarget target;
  target.set_key(key);
  return target;
}
v1::TraceTarget MidTarget(int64_t mid) {
  v1::TraceTarget target;
  target.set_mid(mid);
  return target;
}
v1::TraceTarget IpTarget(const std::string& ip) {
  v1::TraceTarget target;
  target.set_ip(ip);
  return target;
}

class WatchTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  void Make(const NodeSetup& setup) {
    node_ = std::make_unique<SimNode>(1, setup);
    pusher_ = &node_->JoinPusher();
  }
  v1::Reply Ask(v1::Request request) {
    const uint64_t id = pusher_->Call(std::move(request));
    node_->world().Until(kSecond, [&] { return pusher_->replies().contains(id); });
    return pusher_->replies().at(id);
  }
  v1::TraceResult Begin(const v1::TraceTarget& target, uint32_t seconds = 0) {
    v1::Request request;
    *request.mutable_trace_begin()->mutable_target() = target;
    request.mutable_trace_begin()->set_seconds(seconds);
    return Ask(request).trace();
  }
  v1::TraceResult End(const v1::TraceTarget& target) {
    v1::Request request;
    *request.mutable_trace_end()->mutable_target() = target;
    return Ask(request).trace();
  }
  v1::TraceResult List() {
    v1::Request request;
    request.mutable_traces();
    return Ask(request).trace();
  }
  // Lets what was begun happen.
  void Pass() { node_->world().For(kSecond); }
  // What has been told of since the last call, without what stands in front of each.
  std::vector<std::string> Told() {
    Pass();
    EXPECT_EQ(node_->core().failures(), "");
    std::vector<std::string> told;
    for (const std::string& line : node_->TakeLines()) {
      const size_t from = line.find(", from 10.0.0.");
      if (from != std::string::npos) told.push_back(line.substr(line.find(": ", from) + 2));
    }
    return told;
  }
  void Finish() {
    Pass();
    node_->StopAndCheck();
    EXPECT_EQ(node_->core().failures(), "");
  }
  using Lines = std::vector<std::string>;

  std::unique_ptr<SimNode> node_;
  SimPusher* pusher_ = nullptr;
};

TEST_P(WatchTest, EveryEndedConnectionIsALineOfTheAccessLog) {
  Make(SetupOf(GetParam(), 1));
  SimClient& ann = node_->Join({.websocket = true, .key = "ann", .mid = 5, .room = "live://1"});
  SimClient& stranger = node_->NewClient({.key = "x"});
  stranger.Connect(0);
  node_->world().For(2 * kSecond);
  EXPECT_TRUE(node_->TakeEnded().empty());
  ann.Leave();
  Pass();
  std::vector<journal::Ended> ended = node_->TakeEnded();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].shard, node_->OwnerOf("ann"));
  EXPECT_EQ(ended[0].transport, "websocket");
  EXPECT_EQ(ended[0].dialect, wire::EncodingName(wire::Encoding::kGoimWebSocket));
  EXPECT_TRUE(ended[0].address.starts_with("10.0.0.1:")) << ended[0].address;
  EXPECT_EQ(ended[0].key, "ann");
  EXPECT_EQ(ended[0].mid, 5);
  EXPECT_EQ(ended[0].room, "live://1");
  EXPECT_TRUE(ended[0].logged_in);
  EXPECT_EQ(ended[0].reason, "peer_closed");
  EXPECT_GT(ended[0].lasted_ns, kSecond);
  ASSERT_TRUE(ended[0].traffic.has_value());
  EXPECT_GT(ended[0].traffic->bytes_sent, 100u);
  // The other one never logs in.
  node_->world().For(10 * kSecond);
  ended = node_->TakeEnded();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_FALSE(ended[0].logged_in);
  EXPECT_EQ(ended[0].reason, "handshake_timeout");
  EXPECT_EQ(ended[0].key, "");
  Finish();
}

TEST_P(WatchTest, OneInTenIsOneInTenOfTheNode) {
  Make(SetupOf(GetParam(), 10));
  for (uint32_t i = 0; i < 1000; ++i) {
    node_->NewClient({.key = "c" + std::to_string(i)}).Start(i * 7 % node_->shards());
  }
  node_->world().Until(20 * kSecond, [&] { return node_->Sum().channels == 1000; });
  for (const auto& client : node_->clients()) client->Leave();
  Pass();
  EXPECT_EQ(node_->TakeEnded().size(), 100u);
  Finish();
}

TEST_P(WatchTest, WhoIsTurnedAwayHasEndedToo) {
  NodeSetup setup = SetupOf(GetParam(), 1);
  setup.options.shard.connections_max = 1;
  Make(setup);
  node_->Join({.key = "a"});
  node_->NewClient({.key = "b"}).Start(0);
  Pass();
  const std::vector<journal::Ended> ended = node_->TakeEnded();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].reason, "server_full");
  Finish();
}

TEST_P(WatchTest, AClientsAddressIsWhatItsProxySays) {
  NodeSetup setup = SetupOf(GetParam(), 1);
  setup.options.listen.proxies = "10.0.0.0/8";
  Make(setup);
  Begin(IpTarget("9.9.9.9"));
  node_->Join({.websocket = true, .headers = "X-Forwarded-For: 9.9.9.9\r\n", .key = "a"}).Leave();
  node_->Join({.websocket = true, .headers = "X-Forwarded-For: 9.9.9.8\r\n", .key = "b"}).Leave();
  Pass();
  const std::vector<journal::Ended> ended = node_->TakeEnded();
  ASSERT_EQ(ended.size(), 2u);
  for (const journal::Ended& each : ended) EXPECT_EQ(each.address, each.key == "a" ? "9.9.9.9:0" : "9.9.9.8:0");
  for (const std::string& line : node_->TakeLines()) EXPECT_EQ(line.find("9.9.9.8"), std::string::npos) << line;
  Finish();
}

TEST_P(WatchTest, WhatHappensToAKeyIsTold) {
  Make(SetupOf(GetParam()));
  EXPECT_EQ(Begin(KeyTarget("ann"), 60).error(), "");
  SimClient& bob = node_->Join({.key = "bob", .mid = 5, .room = "r"});
  SimClient& ann = node_->Join({.key = "ann", .mid = 5, .room = "r"});
  EXPECT_EQ(Told(), Lines{"logged in with key ann, mid 5, room r; speaks goim_tcp"});
  ann.Heartbeat();
  bob.Heartbeat();
  EXPECT_EQ(Told(), Lines{"heartbeat"});
  ann.Say(500, "secret words");
  bob.Say(500, "others");
  EXPECT_EQ(Told(), Lines{"message from it: op 500, 12 bytes"});
  pusher_->PushRooms({"r"}, 1000, 40);
  pusher_->PushRooms({"s"}, 1000, 40);
  EXPECT_EQ(Told(), Lines{"push to room r: op 1000, 40 bytes"});
  pusher_->PushKeys({"bob", "ann"}, 1000, 50);
  pusher_->PushKeys({"bob"}, 1000, 50);
  EXPECT_EQ(Told(), Lines{"push to its key: op 1000, 50 bytes"});
  pusher_->PushMids({5, 6}, 1001, 60);
  EXPECT_EQ(Told(), Lines{"push to its mid: op 1001, 60 bytes; skipped, for it does not watch that op"});
  pusher_->PushAll(1000, 70);
  EXPECT_EQ(Told(), Lines{"push to all: op 1000, 70 bytes"});
  ann.ChangeRoom("s");
  EXPECT_EQ(Told(), Lines{"asks to be in room s"});
  pusher_->PushRooms({"s", "r"}, 1000, 40);
  EXPECT_EQ(Told(), Lines{"push to room s: op 1000, 40 bytes"});
  v1::Request kick;
  kick.mutable_kick_keys()->add_keys("ann");
  Ask(kick);
  EXPECT_EQ(Told(), Lines{"ended: kicked"});
  bob.Leave();
  EXPECT_EQ(Told(), Lines());
  Finish();
}

TEST_P(WatchTest, ThoseThatAreHereAreFound) {
  Make(SetupOf(GetParam()));
  for (uint32_t i = 0; i < 600; ++i) {
    node_->NewClient({.key = "c" + std::to_string(i), .mid = 1 + i % 2}).Start(i % node_->shards());
  }
  node_->world().Until(20 * kSecond, [&] { return node_->Sum().channels == 600; });
  SimClient& far = node_->NewClient({.key = "far", .mid = 77, .room = "r"});
  far.Connect(0);
  far.link()->address = "10.0.0.99";
  far.Login();
  Pass();
  for (const v1::TraceTarget& target : {KeyTarget("far"), MidTarget(77), IpTarget("10.0.0.99")}) {
    EXPECT_EQ(Begin(target).error(), "");
    EXPECT_EQ(Told(), Lines{"is here with key far, mid 77, room r; speaks goim_tcp"}) << target.ShortDebugString();
    far.Heartbeat();
    EXPECT_EQ(Told(), Lines{"heartbeat"});
    EXPECT_EQ(End(target).traces_size(), 0);
    far.Heartbeat();
    EXPECT_EQ(Told(), Lines());
  }
  Finish();
}

TEST_P(WatchTest, AnAddressIsFollowedFromItsAcceptOn) {
  Make(SetupOf(GetParam()));
  Begin(IpTarget("10.0.0.1"));
  SimClient& client = node_->Join({.key = "a"});
  EXPECT_EQ(Told(), (Lines{"accepted, on tcp", "asks to log in", "logged in with key a, mid 0; speaks goim_tcp"}));
  client.Leave();
  EXPECT_EQ(Told(), Lines{"ended: peer_closed"});
  SimClient& stranger = node_->NewClient({.key = "x"});
  stranger.Connect(0);
  node_->world().For(10 * kSecond);
  const Lines told = Told();
  EXPECT_EQ(told, (Lines{"accepted, on tcp", "ended without a login: handshake_timeout"}));
  Finish();
}

TEST_P(WatchTest, WhatASlowClientSkipsIsTold) {
  NodeSetup setup = SetupOf(GetParam());
  setup.faults.socket_bytes_min = setup.faults.socket_bytes_max = 16384;
  setup.options.room.log_bytes = 20'000;
  setup.options.push.body_bytes = 8192;
  setup.options.client.personal_queue_bytes = 8192;
  Make(setup);
  SimClient& slow = node_->Join({.key = "slow", .room = "r"});
  Begin(KeyTarget("slow"));
  slow.Stall(true);
  for (int i = 0; i < 30; ++i) pusher_->PushRooms({"r"}, 1000, 3000);
  const Lines told = Told();
  EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const std::string& line) {
    return line.starts_with("will never get ") && line.ends_with("for it is too slow (overflow)");
  }));
  for (int i = 0; i < 5; ++i) pusher_->PushKeys({"slow"}, 1000, 3000);
  const Lines personal = Told();
  EXPECT_TRUE(std::any_of(personal.begin(), personal.end(), [](const std::string& line) {
    return line == "push to its key: op 1000, 3000 bytes; skipped, for its queue is full";
  }));
  slow.Stall(false);
  Finish();
}

TEST_P(WatchTest, ItEndsByItself) {
  Make(SetupOf(GetParam()));
  SimClient& ann = node_->Join({.key = "ann"});
  Begin(KeyTarget("ann"), 5);
  EXPECT_EQ(List().traces_size(), 1);
  EXPECT_LE(List().traces(0).seconds_left(), 5u);
  ann.Heartbeat();
  Pass();
  EXPECT_FALSE(node_->TakeLines().empty());
  node_->world().For(5 * kSecond);
  EXPECT_EQ(node_->TakeLines(), Lines{"trace of key ann: its time is over"}) << "once, however many shards";
  ann.Heartbeat();
  EXPECT_EQ(Told(), Lines());
  EXPECT_EQ(List().traces_size(), 0);
  Finish();
}

TEST_P(WatchTest, TheSeventeenthIsRefused) {
  Make(SetupOf(GetParam()));
  for (int i = 1; i <= 16; ++i) EXPECT_EQ(Begin(MidTarget(i)).error(), "");
  const v1::TraceResult refused = Begin(MidTarget(17));
  EXPECT_NE(refused.error().find("as many as it may"), std::string::npos);
  EXPECT_EQ(refused.traces_size(), 16);
  EXPECT_NE(End(MidTarget(17)).error(), "");
  EXPECT_EQ(End(MidTarget(1)).traces_size(), 15);
  EXPECT_EQ(Begin(MidTarget(17)).error(), "");
  Finish();
}

TEST_P(WatchTest, TooManyLinesAreLeftOutAndCounted) {
  Make(SetupOf(GetParam()));
  SimClient& ann = node_->Join({.key = "ann", .room = "r"});
  Begin(KeyTarget("ann"));
  node_->TakeLines();
  for (int i = 0; i < 250; ++i) pusher_->PushRooms({"r"}, 1000, 40);
  node_->world().For(3 * kSecond);
  size_t told = 0;
  uint64_t left_out = 0;
  for (const std::string& line : node_->TakeLines()) {
    const size_t at = line.find(" lines were left out in a second on shard");
    if (at == std::string::npos) {
      ++told;
    } else {
      left_out += std::stoull(line.substr(line.rfind(' ', at - 1) + 1));
    }
  }
  EXPECT_EQ(told + left_out, 250u);
  EXPECT_GE(left_out, 50u);
  ann.Leave();
  Finish();
}

// Beyond that a shard's list is no longer short.
TEST_P(WatchTest, SoManyConnectionsAreTracedAtMost) {
  Make(SetupOf(GetParam()));
  for (uint32_t i = 0; i < 1500; ++i) {
    node_->NewClient({.key = "c" + std::to_string(i)}).Start(i % node_->shards());
  }
  node_->world().Until(20 * kSecond, [&] { return node_->Sum().channels == 1500; });
  Begin(IpTarget("10.0.0.1"));
  Pass();
  uint32_t full = 0;
  for (const std::string& line : node_->TakeLines()) full += line.find("leaves the others out") != std::string::npos;
  EXPECT_EQ(full, node_->shards());
  for (uint32_t i = 0; i < node_->shards(); ++i) {
    EXPECT_EQ(node_->shard(i).watch().traced_count(), shard::Watch::kTracedMax);
  }
  Finish();
}

INSTANTIATE_TEST_SUITE_P(Shards, WatchTest, ::testing::Values(1, 4));

}  // namespace
}  // namespace halley::sim
