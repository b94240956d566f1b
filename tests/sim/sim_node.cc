#include "sim/sim_node.h"

#include <algorithm>

#include "hub/bucket.h"

namespace halley::sim {
namespace {

constexpr size_t kFeedEntries = 4096;

}  // namespace

SimNode::SimNode(uint64_t seed, const NodeSetup& setup)
    : setup_(setup), world_(seed, setup.faults, setup.shards), fabric_(setup.shards),
      gate_(shard::Gate::For(setup.options.limits)) {
  std::vector<std::function<bool()>> turns;
  for (uint32_t i = 0; i < setup.shards; ++i) {
    SimRing& ring = world_.ring(i);
    backends_.push_back(std::make_unique<SimBackend>(&core(), &ring, setup_.options.client,
                                                     setup_.habits, &backend_books_));
    services_.push_back(std::make_unique<push::PushService>(setup_.options.push));
    shard::ShardSetup shard;
    shard.index = i;
    shard.ring = &ring;
    shard.fabric = &fabric_;
    shard.options = &setup_.options;
    shard.gate = gate_.get();
    shard.backend = backends_.back().get();
    shard.push = services_.back().get();
    feeds_.push_back(std::make_unique<journal::Feed>(kFeedEntries, &accepted_));
    shard.feed = feeds_.back().get();
    for (const shard::ListenerKind kind :
         {shard::ListenerKind::kTcp, shard::ListenerKind::kWebSocket,
          shard::ListenerKind::kGoimV1WebSocket, shard::ListenerKind::kPush,
          shard::ListenerKind::kGopusher}) {
      shard.listeners.push_back({kind, ring.AddListener(net().Listen(kind, &ring))});
    }
    shards_.push_back(std::make_unique<shard::Shard>(shard));
    turns.push_back([one = shards_.back().get()] { return one->RunOnce(); });
  }
  for (const auto& shard : shards_) {
    if (!shard->Start().ok()) core().Fail("a shard does not start");
  }
  world_.Run(&fabric_, std::move(turns));
}

SimNode::~SimNode() = default;

SimClient& SimNode::NewClient(const ClientSetup& setup) {
  clients_.push_back(std::make_unique<SimClient>(
      &core(), &net(), &ledger_, static_cast<uint32_t>(clients_.size()), setup));
  return *clients_.back();
}

SimPusher& SimNode::NewPusher() {
  pushers_.push_back(std::make_unique<SimPusher>(&core(), &net(), &ledger_,
                                                 static_cast<uint32_t>(pushers_.size())));
  return *pushers_.back();
}

SimVisitor& SimNode::NewVisitor() {
  visitors_.push_back(
      std::make_unique<SimVisitor>(&core(), &net(), static_cast<uint32_t>(visitors_.size())));
  return *visitors_.back();
}

SimPoller& SimNode::NewPoller(const PollerSetup& setup) {
  pollers_.push_back(std::make_unique<SimPoller>(
      &core(), &net(), &ledger_, static_cast<uint32_t>(pollers_.size()), setup));
  return *pollers_.back();
}

SimClient& SimNode::Join(const ClientSetup& setup, uint32_t shard) {
  SimClient& client = NewClient(setup);
  client.Start(shard);
  world_.Until(10 * kSecond, [&] { return client.logged_in() || client.over(); });
  return client;
}

SimPusher& SimNode::JoinPusher(uint32_t shard) {
  SimPusher& pusher = NewPusher();
  pusher.Connect(shard);
  return pusher;
}

uint32_t SimNode::OwnerOf(std::string_view name) const {
  return hub::ShardOf(hub::RoutingHash(name), setup_.shards);
}

std::string SimNode::NameOwnedBy(uint32_t shard, std::string_view prefix, uint32_t nth) const {
  for (uint32_t i = 0;; ++i) {
    std::string name = std::string(prefix) + std::to_string(i);
    if (OwnerOf(name) == shard && nth-- == 0) return name;
  }
}

void SimNode::TakeTold() {
  for (const auto& feed : feeds_) {
    while (const std::unique_ptr<journal::Entry> entry = feed->Take()) {
      if (auto* const line = std::get_if<journal::Line>(&entry->what)) {
        lines_.push_back(std::move(*line));
      } else {
        ++ended_count_;
        ended_.push_back(std::move(std::get<journal::Ended>(entry->what)));
      }
    }
  }
}

std::vector<std::string> SimNode::TakeLines() {
  TakeTold();
  return std::exchange(lines_, {});
}

std::vector<journal::Ended> SimNode::TakeEnded() {
  TakeTold();
  return std::exchange(ended_, {});
}

uint64_t SimNode::ended_dropped() const {
  uint64_t sum = 0;
  for (const auto& feed : feeds_) sum += feed->dropped();
  return sum;
}

bool SimNode::Settle(uint64_t ns) {
  // Quiet for longer than a shard's ticks, so that what waits for one has happened too.
  uint64_t quiet_since = core().now();
  return world_.Until(ns, [&] {
    const bool paced = std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) {
      return shard->hub().HeldBackUntilNs() != 0;
    });
    const bool busy = !world_.Quiet() || !PushersDone() || backend_books_.thinking > 0 || paced;
    if (busy) quiet_since = core().now();
    return core().now() - quiet_since > 300 * kMs;
  });
}

bool SimNode::PushersDone() const {
  return std::all_of(pushers_.begin(), pushers_.end(), [](const auto& pusher) {
    return pusher->unanswered() == 0 || pusher->over() || pusher->link()->broken ||
           pusher->link()->client_gone || pusher->link()->stalled;
  });
}

shard::ShardStatus SimNode::Sum() const {
  shard::ShardStatus sum;
  for (const auto& shard : shards_) {
    const shard::ShardStatus one = shard->Status();
    sum.connections += one.connections;
    sum.channels += one.channels;
    sum.rooms += one.rooms;
    sum.push_connections += one.push_connections;
    sum.push_refused += one.push_refused;
    sum.accepted += one.accepted;
    sum.logins += one.logins;
    sum.moved_in += one.moved_in;
    sum.moved_out += one.moved_out;
    sum.accept_errors += one.accept_errors;
    sum.stale_completions += one.stale_completions;
    sum.buffer_bytes += one.buffer_bytes;
    const hub::Accounting& books = one.accounting;
    sum.accounting.pushed += books.pushed;
    sum.accounting.appended += books.appended;
    sum.accounting.expected += books.expected;
    sum.accounting.delivered += books.delivered;
    sum.accounting.pending += books.pending;
    sum.accounting.refused += books.refused;
    sum.accounting.filtered += books.filtered;
    for (size_t i = 0; i < books.skipped.size(); ++i) sum.accounting.skipped[i] += books.skipped[i];
    for (size_t i = 0; i < one.closed.size(); ++i) sum.closed[i] += one.closed[i];
  }
  return sum;
}

uint64_t SimNode::SkippedSum(hub::SkipReason reason) const {
  return Sum().accounting.skipped[static_cast<size_t>(reason)];
}

}  // namespace halley::sim
