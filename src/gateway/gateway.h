// Gateway: builds everything and owns everything. Rings, listeners and mailboxes on the main thread;
// then one pinned thread per shard, each with a descriptor table of its own.
//
// Threads    The main thread's, but for what says otherwise. Join() waits until every shard has ended.
// Errors     Create() fails with one sentence of cause and cure; nothing is left running then.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "admin/admin_server.h"
#include "comet/comet_server.h"
#include "comet/credentials.h"
#include "config/listeners.h"
#include "config/options.h"
#include "config/reload.h"
#include "discovery/discovery.h"
#include "discovery/static_list.h"
#include "gateway/backends.h"
#include "gateway/inside_callers.h"
#include "gateway/passed_sockets.h"
#include "gateway/tls_servers.h"
#include "gateway/turn_queue.h"
#include "goim_logic/online_reporter.h"
#include "io/listener.h"
#include "io/open_rings.h"
#include "io/secure_ring.h"
#include "journal/journal.h"
#include "shard/gate.h"
#include "shard/mailbox.h"
#include "shard/shard.h"
#include "wire/json_writer.h"

namespace halley::gateway {

// Where the gateway listens, as bound: lists of addresses for options of [listen], as in
// addresses[&config::ListenOptions::tcp].
class Addresses {
 public:
  std::vector<std::string>& operator[](config::ListenerList list) {
    return bound_[config::ListenerIndex(list)];
  }
  const std::vector<std::string>& operator[](config::ListenerList list) const {
    return bound_[config::ListenerIndex(list)];
  }

 private:
  std::array<std::vector<std::string>, config::kListenersCount> bound_;
};

class Gateway {
 public:
  // `passed` match `options`; they are used in place of sockets of its own.
  static absl::StatusOr<std::unique_ptr<Gateway>> Create(const config::Options& options,
                                                         PassedSockets passed = {});
  ~Gateway();

  // Starts the shards, and what asks of them; they accept when it returns.
  absl::Status Start();
  // Has the node no longer found, which takes a moment, and asks the shards to end, in order and within
  // the shutdown timeout. Safe from any thread.
  void RequestStop() {
    if (discovery_ != nullptr) discovery_->Stop();
    fabric_->RequestStop();
    backends_->RequestStop();
  }
  // Has the node not ready at once, lets no client in after gateway.drain_grace_ms, and has those that
  // are here told to go over gateway.drain_window_ms. False: both are 0, and nothing was begun.
  bool BeginDrain();
  // After BeginDrain(): nobody is left, or the time for it is over.
  bool Drained() const;
  // Whether each has had a turn since this was true last; idle ones have several a second. The main
  // thread's.
  bool EveryShardTurned();
  uint64_t ConnectionsCount() const { return fabric_->ConnectionsCount(); }
  // True once every shard has ended.
  bool Finished() const { return running_.load(std::memory_order_acquire) == 0; }
  void Join();
  // Takes over what `read_again` has otherwise than before and may change at run time, and reads
  // certificates and the keys of tokens again: for who connects and logs in from now on (to gRPC, within a
  // second). All of it is
  // tried first: on failure nothing is changed. Every shard uses it when this returns, but for one that
  // has no turn for seconds. Keys that are fetched are fetched soon; OnFetchedKeys() tells what became
  // of it.
  absl::StatusOr<config::Changes> Reload(const config::Options& read_again);
  // The number up to which others than this thread have asked for that and have no answer; 0: none.
  uint64_t reload_asked() const;
  void AnswerReload(uint64_t number, const absl::StatusOr<config::Changes>& outcome);
  // Anywhere.
  bool speaks_tls() const {
    return tls_.Any() || !options_.admin.tls_certificate.empty() ||
           !options_.comet_grpc.tls_certificate.empty();
  }
  // Who is told of fetches of keys, as JwksFetcher::Start() has it; to be named before Start().
  void OnFetchedKeys(std::function<void(const absl::Status&)> tell) {
    backends_->OnFetchedKeys(std::move(tell));
  }
  // Who is told, on another thread, of a backend's addresses; to be named before Start().
  void OnAddressNews(std::function<void(const remote::AddressNews&)> tell) {
    backends_->OnAddressNews(std::move(tell));
  }
  // Who is told how the node stands with its registry; to be named before Start().
  void OnRegistry(std::function<void(const absl::Status&)> tell) { tell_of_registry_ = std::move(tell); }
  // Who has more to tell at /metrics, on the admin port's threads; to be named before Start().
  void OfferMetrics(std::function<std::vector<admin::NodeMetric>()> offer) {
    offered_metrics_ = std::move(offer);
  }
  // Who is told what is to stand in the log of traces and of the access log; on another thread, and to be named
  // before Start().
  void OnJournal(std::function<void(bool warning, std::string_view line)> tell) {
    tell_of_journal_ = std::move(tell);
  }
  bool verifies_tokens() const { return backends_->verifies_tokens(); }

  const Addresses& addresses() const { return addresses_; }
  uint32_t shards() const { return fabric_->shards(); }
  uint32_t connections_max() const { return options_.shard.connections_max; }
  // One line about the ring in use.
  std::string DescribeRing() const { return rings_.by_shard.front()->Describe(); }
  // Cause and cure, when it is epoll for want of io_uring; else empty.
  const std::string& why_not_uring() const { return rings_.why_not_uring; }

 private:
  struct ShardThread {
    std::promise<absl::Status> started;
    std::thread thread;
  };

  // Two of inside_: one pushes, one looks on.
  struct InsideEnds {
    size_t pusher;
    size_t observer;
  };

  Gateway(const config::Options& options, PassedSockets passed);
  absl::Status ResolveLimits();
  absl::Status OpenAll();
  absl::Status Listen(const config::ListenerSpec& spec);
  absl::Status OpenInside();
  absl::StatusOr<InsideEnds> AddInsideEnds();
  absl::Status OpenJournal();
  absl::Status StartJournal();
  absl::Status StartAdmin();
  absl::Status StartComet();
  absl::Status StartOnlineReports();
  std::vector<admin::NodeMetric> NodeMetrics() const;
  void AddJournalMetrics(std::vector<admin::NodeMetric>* metrics) const;
  admin::NodesReply NodesReply() const;
  absl::Status NameItself();
  void OpenDiscovery();
  void StartDiscovery();
  discovery::Load OwnLoad() const;
  std::optional<admin::DiscoveryFigures> DiscoveryFigures() const;
  wire::JsonWriter OwnInstances() const;
  // Empty: clients are to be sent here. Any thread.
  std::string WhyNotReady() const;
  void ProxyRings();
  void SecureRings();
  absl::Status OpenListeners();
  // What was read, and is good.
  struct Fresh {
    admin::HttpsFiles https;
    comet::PemTexts comet;
  };
  absl::StatusOr<Fresh> TryReload(const config::Options& running) const;
  absl::Status TakeFiles(const Fresh& fresh, const config::Options& running);
  void AwaitShards() const;
  void RunShard(uint32_t index);
  void RunTurns(shard::Shard* shard);
  uint32_t ShardsPerCpu() const;
  absl::Status PrepareThread(uint32_t index);

  config::Options options_;  // as it was started with, and has worked out
  config::Options loaded_;   // as they were read, the last time
  config::Options current_;  // options_ with what has changed since
  std::vector<uint32_t> cpus_;
  Addresses addresses_;
  struct Listening {
    config::ListenerKind kind;
    io::Listener listener;
    tls::Server* server;
  };
  std::vector<Listening> listeners_;
  PassedSockets passed_;
  TlsServers tls_;
  std::unique_ptr<Backends> backends_;
  std::unique_ptr<io::SecureTransit> secure_transit_;
  io::OpenedRings rings_;
  InsideCallers inside_;
  admin::HttpsFiles admin_https_;
  comet::PemTexts comet_texts_;
  std::optional<InsideEnds> admin_ends_;  // none: there is no admin port
  std::optional<InsideEnds> comet_ends_;  // none: goim's job does not call
  std::optional<size_t> online_end_;      // of inside_, who looks on; none: goim's logic is not asked
  // Null: nobody is told who is in which room. Before admin_, which reads its figures.
  std::unique_ptr<goim_logic::OnlineReporter> online_;
  std::unique_ptr<admin::AdminServer> admin_;
  std::unique_ptr<comet::CometServer> comet_;
  std::unique_ptr<shard::Fabric> fabric_;
  std::unique_ptr<journal::Journal> journal_;  // before the shards' threads, which feed it
  std::unique_ptr<shard::Gate> gate_;
  std::function<std::vector<admin::NodeMetric>()> offered_metrics_ = [] {
    return std::vector<admin::NodeMetric>();
  };
  discovery::Instance self_;
  std::function<void(const absl::Status&)> tell_of_registry_ = [](const absl::Status&) {};
  std::function<void(bool, std::string_view)> tell_of_journal_ = [](bool, std::string_view) {};
  std::unique_ptr<discovery::Discovery> discovery_;  // null: there is none
  discovery::StaticList* list_ = nullptr;            // discovery_, where it is one
  std::optional<TurnQueue> turns_;  // none: each shard has a CPU of its own
  std::vector<std::unique_ptr<ShardThread>> threads_;
  std::atomic<uint32_t> running_{0};
  std::vector<uint64_t> turns_seen_;  // by shard
  shard::Drain drain_;  // as BeginDrain() has ordered it
  const uint64_t wall_offset_ms_;  // milliseconds since 1970 at the rings' time 0
};

}  // namespace halley::gateway
