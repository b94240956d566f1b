// SimNode: a whole node of shards in a simulated world, its clients and pushers, and what must hold
// of it at rest.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/options.h"
#include "journal/feed.h"
#include "push/push_service.h"
#include "shard/gate.h"
#include "shard/mailbox.h"
#include "shard/shard.h"
#include "sim/ledger.h"
#include "sim/sim_backend.h"
#include "sim/sim_client.h"
#include "sim/sim_poller.h"
#include "sim/sim_pusher.h"
#include "sim/sim_visitor.h"
#include "sim/sim_world.h"

namespace halley::sim {

inline constexpr uint64_t kMs = 1'000'000;
inline constexpr uint64_t kSecond = 1'000 * kMs;

struct NodeSetup {
  NodeSetup() { options.shard.connections_max = 1'000'000; }

  uint32_t shards = 1;
  config::Options options;
  Faults faults;
  BackendHabits habits;
};

class SimNode {
 public:
  SimNode(uint64_t seed, const NodeSetup& setup);
  SimNode(const SimNode&) = delete;
  SimNode& operator=(const SimNode&) = delete;
  ~SimNode();

  SimWorld& world() { return world_; }
  SimCore& core() { return world_.core(); }
  SimNet& net() { return world_.net(); }
  Ledger& ledger() { return ledger_; }
  const BackendBooks& backend_books() const { return backend_books_; }
  const config::Options& options() const { return setup_.options; }
  const BackendHabits& habits() const { return setup_.habits; }
  uint32_t shards() const { return setup_.shards; }
  const shard::Shard& shard(uint32_t index) const { return *shards_[index]; }
  shard::Fabric& fabric() { return fabric_; }
  const shard::Gate* gate() const { return gate_.get(); }

  // Clients, pushers, visitors and pollers are the node's, and stay until its end.
  SimClient& NewClient(const ClientSetup& setup);
  SimPusher& NewPusher();
  SimVisitor& NewVisitor();
  SimPoller& NewPoller(const PollerSetup& setup);
  const std::vector<std::unique_ptr<SimClient>>& clients() const { return clients_; }
  const std::vector<std::unique_ptr<SimPusher>>& pushers() const { return pushers_; }
  const std::vector<std::unique_ptr<SimVisitor>>& visitors() const { return visitors_; }
  const std::vector<std::unique_ptr<SimPoller>>& pollers() const { return pollers_; }
  // The same, connected to a shard (pushers), and logged in (clients).
  SimClient& Join(const ClientSetup& setup, uint32_t shard = 0);
  SimPusher& JoinPusher(uint32_t shard = 0);

  // Which shard owns a key or is a room's home; the n-th name that begins with `prefix` and is.
  uint32_t OwnerOf(std::string_view name) const;
  std::string NameOwnedBy(uint32_t shard, std::string_view prefix, uint32_t nth = 0) const;

  // What the shards have told the Journal since the last call: lines of traces, and who has ended.
  std::vector<std::string> TakeLines();
  std::vector<journal::Ended> TakeEnded();
  uint64_t ended_dropped() const;

  // Runs until nothing happens any more but ticks; false: it does not come to rest.
  bool Settle(uint64_t ns = 60 * kSecond);
  // Every pusher has its replies.
  bool PushersDone() const;

  shard::ShardStatus Sum() const;
  uint64_t SkippedSum(hub::SkipReason reason) const;

  // --- what must hold (node_checks.cc); each failure goes to the core
  // At any time.
  void CheckBooks();
  // At rest, with every client that stands reading what it gets.
  void CheckDelivered();
  void CheckRoomOrder();
  void CheckSleeps();
  // When everybody has gone.
  void CheckEmpty();
  // Stops the node and sees to its end.
  void StopAndCheck();

 private:
  // Messages that clients should have got and did not.
  struct Missing {
    uint64_t to_keys = 0;
    uint64_t to_mids = 0;
    uint64_t to_many = 0;  // through lanes
  };
  void TakeTold();
  void CheckConfirmed();
  void CheckClient(const SimClient& client);
  void AddMissing(const SimClient& client, Missing* missing);
  void CheckNumbers(const SimClient& client);
  void Expect(bool holds, const std::string& what);
  void ExpectEqual(uint64_t is, uint64_t should, const std::string& what);

  const NodeSetup setup_;
  SimWorld world_;
  shard::Fabric fabric_;
  std::unique_ptr<shard::Gate> gate_;
  Ledger ledger_;
  BackendBooks backend_books_;
  std::atomic<uint64_t> accepted_{0};
  std::vector<std::unique_ptr<journal::Feed>> feeds_;
  std::vector<std::string> lines_;
  std::vector<journal::Ended> ended_;
  uint64_t ended_count_ = 0;  // of all times
  std::vector<std::unique_ptr<SimBackend>> backends_;
  std::vector<std::unique_ptr<push::PushService>> services_;
  std::vector<std::unique_ptr<shard::Shard>> shards_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<SimPusher>> pushers_;
  std::vector<std::unique_ptr<SimVisitor>> visitors_;
  std::vector<std::unique_ptr<SimPoller>> pollers_;
};

}  // namespace halley::sim
