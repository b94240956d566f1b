#include "gateway/gateway.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "backend/embedded_backend.h"
#include "backend/jwt_backend.h"
#include "base/assert.h"
#include "config/address.h"
#include "config/cpu_list.h"
#include "config/load.h"
#include "config/network_list.h"
#include "gateway/machine_memory.h"
#include "io/probe.h"
#include "io/proxied_ring.h"
#include "io/sockets.h"
#include "push/push_service.h"

namespace halley::gateway {
namespace {

std::vector<uint32_t> AllowedCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<uint32_t> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

io::SocketOptions ClientSockets(const config::ListenOptions& listen) {
  io::SocketOptions options;
  options.backlog = listen.backlog;
  options.send_buffer_bytes = listen.send_buffer_bytes;
  options.receive_buffer_bytes = listen.receive_buffer_bytes;
  options.notsent_lowat_bytes = listen.notsent_lowat_bytes;
  options.keepalive_s = listen.keepalive_s;
  options.user_timeout_ms = listen.user_timeout_ms;
  options.defer_accept_s = listen.defer_accept_s;
  return options;
}

// Inside callers of the admin port: one pushes, one looks on.
constexpr uint32_t kAdminEnds = 2;

// For the last clients of a drain to be sent what they are owed.
constexpr uint64_t kDrainExtraNs = 1'000'000'000;

// How many each shard listens on.
uint32_t AddressesOf(const config::ListenOptions& listen) {
  size_t count = 0;
  for (const std::string* const list :
       {&listen.tcp, &listen.tcp_tls, &listen.ws, &listen.wss, &listen.gopush_tcp, &listen.gopusher,
        &listen.gopusher_tls, &listen.v1_tcp, &listen.v1_ws, &listen.push}) {
    // A list that cannot be read is told of where it is opened.
    const auto addresses = config::ParseAddresses(*list);
    if (addresses.ok()) count += addresses->size();
  }
  return static_cast<uint32_t>(count);
}

// A pusher is one of few and moves much: the kernel's own buffer sizes. It may connect long before
// it pushes.
io::SocketOptions PushSockets(const config::ListenOptions& listen) {
  io::SocketOptions options = ClientSockets(listen);
  options.send_buffer_bytes = options.receive_buffer_bytes = options.notsent_lowat_bytes = 0;
  options.defer_accept_s = 0;
  return options;
}

io::Engine EngineOf(config::IoEngine engine) {
  switch (engine) {
    case config::IoEngine::kAuto: break;
    case config::IoEngine::kUring: return io::Engine::kUring;
    case config::IoEngine::kEpoll: return io::Engine::kEpoll;
  }
  return io::Engine::kAuto;
}

uint64_t WallOffsetMs() {
  using std::chrono::duration_cast, std::chrono::milliseconds;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto ring = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(duration_cast<milliseconds>(wall - ring).count());
}

}  // namespace

struct Gateway::ShardThread {
  std::promise<absl::Status> started;
  std::thread thread;
};

Gateway::Gateway(const config::Options& options)
    : options_(options), wall_offset_ms_(WallOffsetMs()) {}

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Create(const config::Options& options) {
  std::unique_ptr<Gateway> gateway(new Gateway(options));
  if (absl::Status resolved = gateway->ResolveLimits(); !resolved.ok()) return resolved;
  if (absl::Status opened = gateway->OpenAll(); !opened.ok()) return opened;
  return gateway;
}

Gateway::~Gateway() {
  if (fabric_ != nullptr) RequestStop();
  Join();
  for (const Listening& each : listeners_) {
    for (const int fd : each.listener.fds) io::CloseDescriptor(fd);
  }
}

// Shards and connections where the options leave them to us, and whether descriptors suffice.
absl::Status Gateway::ResolveLimits() {
  cpus_ = AllowedCpus();
  if (!options_.shard.cpus.empty()) {
    absl::StatusOr<std::vector<uint32_t>> wanted = config::ParseCpuList(options_.shard.cpus);
    if (!wanted.ok()) return wanted.status();
    for (const uint32_t cpu : *wanted) {
      if (std::find(cpus_.begin(), cpus_.end(), cpu) != cpus_.end()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("CPU ", cpu, " of --cpus is not one this process may run on: name some of ",
                       "those in `taskset -cp $$`"));
    }
    cpus_ = *std::move(wanted);
  }
  if (options_.shard.shards == 0) options_.shard.shards = static_cast<uint32_t>(cpus_.size());
  if (options_.gateway.memory_mib == 0) {
    options_.gateway.memory_mib =
        static_cast<uint32_t>(std::max<uint64_t>(MachineMemoryBytes() / 4 >> 20, 16));
  }

  io::DescriptorNeeds needs;
  needs.shards = options_.shard.shards;
  needs.listeners = AddressesOf(options_.listen);
  needs.inside = options_.listen.admin.empty() ? 0 : kAdminEnds;
  needs.connections = options_.shard.connections_max;
  const uint64_t limit = io::RaiseDescriptorLimit();
  if (needs.connections == 0) {
    // As many as the tables hold.
    uint64_t low = 1;
    uint64_t high = uint64_t{1} << 24;
    while (low < high) {
      needs.connections = (low + high + 1) / 2;
      if (io::DescriptorsPerShard(needs) <= limit) {
        low = needs.connections;
      } else {
        high = needs.connections - 1;
      }
    }
    needs.connections = low;
    options_.shard.connections_max = static_cast<uint32_t>(low);
  }
  return io::CheckDescriptorLimit(needs, limit);
}

absl::Status Gateway::OpenAll() {
  absl::StatusOr<TlsServers> tls = TlsServers::Load(options_);
  if (!tls.ok()) return tls.status();
  tls_ = *std::move(tls);
  if (absl::Status loaded = LoadTokenKeys(); !loaded.ok()) return loaded;
  absl::StatusOr<io::OpenedRings> rings =
      io::OpenRings(EngineOf(options_.io.engine), options_.shard.shards);
  if (!rings.ok()) return rings.status();
  rings_ = *std::move(rings);
  fabric_ = std::make_unique<shard::Fabric>(options_.shard.shards);
  const config::ListenOptions& listen = options_.listen;
  const io::SocketOptions clients = ClientSockets(listen);
  using Kind = shard::ListenerKind;
  absl::Status status = Listen(listen.tcp, Kind::kTcp, clients, nullptr, &addresses_.tcp);
  status.Update(Listen(listen.tcp_tls, Kind::kTcp, clients, tls_.tcp.get(), &addresses_.tcp_tls));
  status.Update(Listen(listen.ws, Kind::kWebSocket, clients, nullptr, &addresses_.ws));
  status.Update(Listen(listen.wss, Kind::kWebSocket, clients, tls_.ws.get(), &addresses_.wss));
  status.Update(Listen(listen.gopush_tcp, Kind::kGopush, clients, nullptr, &addresses_.gopush));
  status.Update(Listen(listen.gopusher, Kind::kGopusher, clients, nullptr, &addresses_.gopusher));
  status.Update(Listen(listen.gopusher_tls, Kind::kGopusher, clients, tls_.ws.get(),
                       &addresses_.gopusher_tls));
  status.Update(Listen(listen.v1_tcp, Kind::kGoimV1Tcp, clients, nullptr, &addresses_.v1_tcp));
  status.Update(Listen(listen.v1_ws, Kind::kGoimV1WebSocket, clients, nullptr, &addresses_.v1_ws));
  status.Update(Listen(listen.push, Kind::kPush, PushSockets(listen), tls_.push.get(),
                       &addresses_.push));
  if (status.ok()) status = OpenInside();
  // The header comes before TLS does.
  if (status.ok() && listen.proxy_protocol) ProxyRings();
  if (status.ok() && tls_.Any()) SecureRings();
  return status;
}

// Before anything is opened: what has to be fetched may take its time.
absl::Status Gateway::LoadTokenKeys() {
  if (options_.backend.kind != config::BackendKind::kJwt) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<backend::KeyStore>> keys =
      backend::KeyStore::Create(options_.jwt);
  if (!keys.ok()) return keys.status();
  token_keys_ = *std::move(keys);
  if (options_.jwt.jwks_url.empty()) return absl::OkStatus();
  auto fetcher = backend::JwksFetcher::Create(options_.jwt, token_keys_.get());
  if (!fetcher.ok()) return fetcher.status();
  token_keys_at_ = *std::move(fetcher);
  return absl::OkStatus();
}

absl::Status Gateway::Listen(const std::string& list, shard::ListenerKind kind,
                             const io::SocketOptions& socket, tls::Server* server,
                             std::vector<std::string>* bound) {
  absl::StatusOr<std::vector<io::Listener>> opened =
      io::OpenListeners(list, options_.shard.shards, socket);
  if (!opened.ok()) return opened.status();
  for (io::Listener& listener : *opened) {
    bound->push_back(listener.address);
    listeners_.push_back({kind, std::move(listener), server});
  }
  return absl::OkStatus();
}

void Gateway::ProxyRings() {
  const base::Networks proxies = config::ParseNetworkList(options_.listen.proxies).value();
  for (uint32_t shard = 0; shard < options_.shard.shards; ++shard) {
    std::vector<int> clients;
    for (const Listening& each : listeners_) {
      if (each.kind != shard::ListenerKind::kPush) clients.push_back(each.listener.fds[shard]);
    }
    rings_.by_shard[shard] = std::make_unique<io::ProxiedRing>(std::move(rings_.by_shard[shard]),
                                                               std::move(clients), proxies);
  }
}

// Every shard's, for a client may move from one that listens for TLS to any other.
void Gateway::SecureRings() {
  secure_transit_ = std::make_unique<io::SecureTransit>(options_.shard.shards);
  for (uint32_t shard = 0; shard < options_.shard.shards; ++shard) {
    std::vector<io::SecureListener> secure;
    for (const Listening& each : listeners_) {
      if (each.server != nullptr) secure.push_back({each.listener.fds[shard], each.server});
    }
    rings_.by_shard[shard] = std::make_unique<io::SecureRing>(
        std::move(rings_.by_shard[shard]), shard, secure_transit_.get(), std::move(secure),
        options_.tls.handshakes);
  }
}

absl::Status Gateway::Start() {
  running_.store(options_.shard.shards, std::memory_order_release);
  // All of them before the first runs: each looks itself up in the list.
  for (uint32_t i = 0; i < options_.shard.shards; ++i) {
    threads_.push_back(std::make_unique<ShardThread>());
  }
  for (uint32_t i = 0; i < options_.shard.shards; ++i) {
    threads_[i]->thread = std::thread([this, i] { RunShard(i); });
  }
  absl::Status first = absl::OkStatus();
  for (const auto& thread : threads_) {
    const absl::Status status = thread->started.get_future().get();
    if (!status.ok() && first.ok()) first = status;
  }
  // Every shard has its own copies now.
  for (Listening& each : listeners_) {
    for (const int fd : each.listener.fds) io::CloseDescriptor(fd);
    each.listener.fds.clear();
  }
  inside_.ShardsStarted();
  if (first.ok() && admin_ends_.has_value()) first = StartAdmin();
  // Only now: what it opens must not be in the tables that the shards have copied.
  if (first.ok() && token_keys_at_ != nullptr) token_keys_at_->Start(tell_of_keys_);
  return first;
}

absl::Status Gateway::OpenInside() {
  if (options_.listen.admin.empty()) return absl::OkStatus();
  const absl::StatusOr<size_t> pusher = inside_.Add(0, /*observer=*/false);
  if (!pusher.ok()) return pusher.status();
  const absl::StatusOr<size_t> observer = inside_.Add(0, /*observer=*/true);
  if (!observer.ok()) return observer.status();
  admin_ends_ = {*pusher, *observer};
  return absl::OkStatus();
}

// Only now, when shards have their own tables: they would keep its sockets open.
absl::Status Gateway::StartAdmin() {
  PushClientOptions client;
  client.call_timeout = absl::Milliseconds(options_.admin.timeout_ms);
  admin::AdminSetup setup;
  auto pusher = inside_.Connect(admin_ends_->pusher, client);
  if (!pusher.ok()) return pusher.status();
  auto observer = inside_.Connect(admin_ends_->observer, client);
  if (!observer.ok()) return observer.status();
  setup.pusher = *std::move(pusher);
  setup.observer = *std::move(observer);
  setup.nodes = NodesReply();
  setup.version = std::string(config::Version());
  setup.why_not_ready = [this] { return WhyNotReady(); };
  // Both that there are answer by themselves.
  setup.backend_usable = [] { return true; };
  auto server = admin::AdminServer::Create(options_, std::move(setup));
  if (!server.ok()) return server.status();
  admin_ = *std::move(server);
  addresses_.admin = admin_->addresses();
  return absl::OkStatus();
}

admin::NodesReply Gateway::NodesReply() const {
  const auto port_of = [](const std::vector<std::string>& bound) -> uint32_t {
    if (bound.empty()) return 0;
    return config::ParseAddresses(bound.front()).value().front().port;
  };
  admin::NodesReply reply;
  reply.names = absl::StrSplit(options_.admin.nodes, absl::ByAnyChar(", "), absl::SkipEmpty());
  reply.tcp_port = port_of(addresses_.tcp);
  reply.ws_port = port_of(addresses_.ws);
  reply.wss_port = port_of(addresses_.wss);
  reply.idle_timeout_s = options_.client.idle_timeout_ms / 1000;
  return reply;
}

std::string Gateway::WhyNotReady() const {
  if (fabric_->stop_requested()) return "the node is closing";
  return fabric_->drain().begin_ns != 0 ? "the node is being drained" : "";
}

bool Gateway::BeginDrain() {
  const config::GatewayOptions& options = options_.gateway;
  if (options.drain_grace_ms == 0 && options.drain_window_ms == 0) return false;
  drain_.begin_ns = io::MonotonicNowNs() + uint64_t{options.drain_grace_ms} * 1'000'000;
  drain_.window_ns = uint64_t{options.drain_window_ms} * 1'000'000;
  fabric_->RequestDrain(drain_);
  return true;
}

bool Gateway::Drained() const {
  const uint64_t now_ns = io::MonotonicNowNs();
  if (now_ns < drain_.begin_ns) return false;
  return fabric_->ConnectionsCount() == 0 ||
         now_ns >= drain_.begin_ns + drain_.window_ns + kDrainExtraNs;
}

// Names and pins the thread, and gives it a descriptor table of its own, without what only others use.
void Gateway::PrepareThread(uint32_t index) {
  pthread_setname_np(pthread_self(), absl::StrCat("shard-", index).c_str());
  cpu_set_t set;
  CPU_ZERO(&set);
  if (ShardsPerCpu() == 1) {
    CPU_SET(cpus_[index % cpus_.size()], &set);
  } else {
    // They share the CPUs, and the kernel spreads them.
    for (const uint32_t cpu : cpus_) CPU_SET(cpu, &set);
  }
  sched_setaffinity(0, sizeof set, &set);
  HALLEY_ASSERT(unshare(CLONE_FILES) == 0);
  for (uint32_t other = 0; other < options_.shard.shards; ++other) {
    if (other == index) continue;
    for (const int fd : rings_.private_fds[other]) io::CloseDescriptor(fd);
    for (const Listening& each : listeners_) io::CloseDescriptor(each.listener.fds[other]);
  }
  inside_.KeepOnly(index);
}

uint32_t Gateway::ShardsPerCpu() const {
  return static_cast<uint32_t>((options_.shard.shards + cpus_.size() - 1) / cpus_.size());
}

std::unique_ptr<backend::Backend> Gateway::NewBackend(uint32_t shard) const {
  if (token_keys_ == nullptr) return std::make_unique<backend::EmbeddedBackend>(options_.client);
  auto jwt =
      std::make_unique<backend::JwtBackend>(options_.jwt, options_.client, token_keys_.get());
  if (token_keys_at_ != nullptr && shard == 0) jwt->TellFetches();
  return jwt;
}

void Gateway::RunShard(uint32_t index) {
  PrepareThread(index);
  const std::unique_ptr<backend::Backend> backend = NewBackend(index);
  push::PushService push(options_.push);
  shard::ShardSetup setup;
  setup.index = index;
  setup.ring = rings_.by_shard[index].get();
  setup.fabric = fabric_.get();
  setup.options = &options_;
  setup.wall_offset_ms = wall_offset_ms_;
  setup.backend = backend.get();
  setup.push = &push;
  setup.shards_per_cpu = ShardsPerCpu();
  for (const Listening& each : listeners_) {
    setup.listeners.push_back({each.kind, each.listener.fds[index]});
  }
  setup.inside = inside_.Of(index);
  {
    shard::Shard shard(setup);
    const absl::Status started = shard.Start();
    threads_[index]->started.set_value(started);
    if (started.ok()) {
      // Who shares a CPU lets the others have theirs after every turn; else each would keep it for
      // as long as the kernel lets it, and what goes through two shards waits for all of them twice.
      const bool shares = ShardsPerCpu() > 1;
      while (shard.RunOnce()) {
        if (shares && shard.HasWork()) sched_yield();
      }
    }
  }
  running_.fetch_sub(1, std::memory_order_acq_rel);
}

void Gateway::Join() {
  for (const auto& thread : threads_) {
    if (thread->thread.joinable()) thread->thread.join();
  }
  // Last, so that it can be asked until the end.
  admin_.reset();
}

}  // namespace halley::gateway
