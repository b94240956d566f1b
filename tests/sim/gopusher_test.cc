// Gopusher's clients on whole shards, by the simulation's clocks: when a login's time is good, when
// pings come and who is given up; and who may have an id.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "sim/sim_node.h"
#include "wire/gopusher.h"

namespace halley::sim {
namespace {

constexpr std::string_view kPing("\x89\x00", 2);
constexpr std::string_view kPong("\x8A\x80\x01\x02\x03\x04", 6);
constexpr std::string_view kMessage("\x81\x81\x01\x02\x03\x04i", 7);
constexpr std::string_view kPingOfTheClient("\x89\x80\x01\x02\x03\x04", 6);

NodeSetup SetupOf(uint32_t shards = 1) {
  NodeSetup setup;
  setup.shards = shards;
  setup.options.gopusher.app_key = "app-key";
  setup.options.gopusher.app_secret = "correct horse";
  setup.options.gopusher.node = "node-1";
  setup.options.gopusher.unsigned_logins = true;
  return setup;
}

// A client that keeps all it reads, and when it read the last of it.
class Client final : public Peer {
 public:
  Client(SimNode* node, const std::string& query, uint32_t shard)
      : node_(*node),
        link_(node->net().Connect(this, shard::ListenerKind::kGopusher, shard)) {
    Send("GET /?" + query +
         " HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  }
  void Send(std::string_view bytes) { node_.net().Send(link_, bytes); }
  // What it reads behind what was taken before, once there is that much. Empty: it never comes.
  std::string Read(size_t bytes) {
    node_.world().Until(60 * kSecond, [&] { return read_.size() >= bytes || over_; });
    std::string taken = read_.substr(0, bytes);
    read_.erase(0, bytes);
    return taken;
  }
  // The status of the answer, all of which is taken.
  std::string Answer() {
    node_.world().Until(10 * kSecond, [&] { return read_.find("\r\n\r\n") != std::string::npos; });
    const std::string status = read_.substr(0, 12);
    read_.erase(0, read_.find("\r\n\r\n") + 4);
    return status.starts_with("HTTP/1.1 ") ? status.substr(9) : "none";
  }
  bool over() const { return over_; }
  uint64_t read_ns() const { return read_ns_; }

  void OnTaken(std::string_view) override {}
  void OnBytes(std::string_view bytes) override {
    read_.append(bytes);
    read_ns_ = node_.core().now();
  }
  void OnEnd(bool) override { over_ = true; }

 private:
  SimNode& node_;
  Link* const link_;
  std::string read_;
  uint64_t read_ns_ = 0;
  bool over_ = false;
};

// An id's query, signed so many seconds from the time of the wall.
std::string Signed(SimNode& node, const std::string& id, int64_t seconds) {
  const config::GopusherOptions& options = node.options().gopusher;
  wire::GopusherApp app;
  app.key = options.app_key;
  app.secret = options.app_secret;
  app.node = options.node;
  const auto wall_s = static_cast<int64_t>(node.world().ring(0).WallS());
  const std::string time = std::to_string(wall_s + seconds);
  return "client_id=" + id + "&time=" + time + "&token=" + wire::GopusherToken(app, id, time);
}

// A node and its clients, which stay until its end.
struct World {
  std::vector<std::unique_ptr<Client>> clients;
  SimNode node;

  explicit World(const NodeSetup& setup = SetupOf()) : node(1, setup) {}
  ~World() { EXPECT_EQ(node.core().failures(), ""); }
  Client& Connect(const std::string& query, uint32_t shard = 0) {
    clients.push_back(std::make_unique<Client>(&node, query, shard));
    return *clients.back();
  }
};

void ExpectBalance(const SimNode& node) {
  const hub::Accounting books = node.Sum().accounting;
  const uint64_t skipped =
      std::accumulate(books.skipped.begin(), books.skipped.end(), uint64_t{0});
  EXPECT_EQ(books.expected, books.delivered + skipped + books.pending);
}

void ExpectAbout(uint64_t ns, uint64_t wanted_ms) {
  EXPECT_GE(ns, wanted_ms * kMs);
  // A slot of the wheel or a shard's sleep late, for each of at most two timers.
  EXPECT_LE(ns, wanted_ms * kMs + 300 * kMs);
}

TEST(Gopusher, TheWindowOfALoginIsExact) {
  World world;
  SimNode& node = world.node;
  // Far from the next second, so that it is still this one when the request arrives.
  node.world().Until(kSecond, [&] { return node.core().now() % kSecond < 100 * kMs; });
  for (const auto& [seconds, status] : std::vector<std::pair<int, std::string>>{
           {0, "101"}, {-5, "101"}, {5, "101"}, {-6, "401"}, {6, "401"}, {86400, "401"}}) {
    const std::string query = Signed(node, "id" + std::to_string(seconds), seconds);
    EXPECT_EQ(world.Connect(query).Answer(), status) << seconds;
  }
  EXPECT_EQ(node.backend_books().asked, 3u) << "who is late is not asked for";
}

TEST(Gopusher, PingsEveryNineSecondsAndOnlyPongsCount) {
  World world;
  SimNode& node = world.node;
  Client& client = world.Connect("c=5&t=x");
  EXPECT_EQ(client.Answer(), "101");
  uint64_t last_ns = client.read_ns();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client.Read(2), kPing);
    ExpectAbout(client.read_ns() - last_ns, 9000);
    node.world().For(500 * kMs);
    client.Send(kPong);
    last_ns = node.core().now();
  }
  EXPECT_EQ(node.Sum().channels, 1u);
  node.world().For(1000 * kMs);
  EXPECT_EQ(node.backend_books().heartbeats, 5u) << "a pong is a heartbeat";

  EXPECT_EQ(client.Read(2), kPing);
  client.Send(kMessage);
  client.Send(kPingOfTheClient);
  EXPECT_EQ(client.Read(2), "\x8A" + std::string(1, '\0'));
  EXPECT_EQ(client.Read(4), "\x88\x02\x0B\xC0") << "given up as idle";
  ExpectAbout(client.read_ns() - last_ns, 10'000);
  EXPECT_EQ(node.Sum().closed[static_cast<size_t>(wire::CloseReason::kIdleTimeout)], 1u);
  EXPECT_EQ(node.backend_books().uplinks.size(), 0u) << "messages are nobody's";
}

TEST(Gopusher, AnAnsweredPingIsFollowedByTheNextHoweverLongTheTimeout) {
  NodeSetup setup = SetupOf();
  setup.options.gopusher.ping_ms = 1000;
  setup.options.gopusher.pong_timeout_ms = 20'000;
  World world(setup);
  Client& client = world.Connect("c=5&t=x");
  EXPECT_EQ(client.Answer(), "101");
  uint64_t last_ns = client.read_ns();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.Read(2), kPing);
    ExpectAbout(client.read_ns() - last_ns, 1000);
    client.Send(kPong);
    last_ns = world.node.core().now();
  }
}

TEST(Gopusher, APongUnaskedKeepsItToo) {
  World world;
  SimNode& node = world.node;
  Client& client = world.Connect("c=5&t=x");
  EXPECT_EQ(client.Answer(), "101");
  for (int i = 0; i < 5; ++i) {
    node.world().For(5 * kSecond);
    client.Send(kPong);
  }
  const uint64_t last_ns = node.core().now();
  EXPECT_EQ(client.Read(2), kPing);
  ExpectAbout(client.read_ns() - last_ns, 9000);
  EXPECT_EQ(client.Read(4), "\x88\x02\x0B\xC0");
  ExpectAbout(client.read_ns() - last_ns, 10'000);
}

TEST(Gopusher, ThePlaceOfAnIdIsKeptOrTakenWhereverTheSecondComes) {
  for (const bool replace : {false, true}) {
    NodeSetup setup = SetupOf(3);
    if (replace) setup.options.gopusher.duplicate = config::DuplicateKey::kReplace;
    World world(setup);
    SimNode& node = world.node;
    Client& first = world.Connect(Signed(node, "same", 0));
    EXPECT_EQ(first.Answer(), "101");
    for (uint32_t shard = 0; shard < 3; ++shard) {
      Client& late = world.Connect(Signed(node, "same", 0), shard);
      EXPECT_EQ(late.Answer(), replace ? "101" : "400");
      EXPECT_EQ(node.Sum().channels, 1u);
      if (!replace) continue;
      if (shard == 0) EXPECT_EQ(first.Read(4), "\x88\x02\x0B\xB9");
      late.Send(std::string_view("\x88\x80\x01\x02\x03\x04", 6));
      node.world().Until(10 * kSecond, [&] { return late.over(); });
    }
    SimPusher& pusher = node.JoinPusher();
    pusher.PushKeys({"same"});
    EXPECT_TRUE(node.Settle());
    EXPECT_EQ(node.Sum().accounting.delivered, replace ? 0u : 1u);
    ExpectBalance(node);
    if (!replace) EXPECT_FALSE(first.over());
  }
}

// However much waits for it, and the ping with it.
TEST(Gopusher, WhoDoesNotReadIsGivenUpToo) {
  NodeSetup setup = SetupOf();
  setup.options.client.stall_timeout_ms = 0;
  World world(setup);
  SimNode& node = world.node;
  Client& client = world.Connect("c=5&t=x");
  EXPECT_EQ(client.Answer(), "101");
  Link* const link = node.net().links().back().get();
  node.net().Stall(link, true);
  SimPusher& pusher = node.JoinPusher();
  for (int i = 0; i < 100; ++i) pusher.PushAll(/*op=*/1000, /*bytes=*/4096);
  node.world().For(9500 * kMs);
  EXPECT_EQ(node.Sum().channels, 1u);
  EXPECT_GT(node.Sum().accounting.pending, 0u);
  node.world().For(1000 * kMs);
  EXPECT_EQ(node.Sum().closed[static_cast<size_t>(wire::CloseReason::kIdleTimeout)], 1u);
  EXPECT_EQ(node.Sum().channels, 0u);
  ExpectBalance(node);
}

}  // namespace
}  // namespace halley::sim
