#include "gateway/gateway.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_split.h"
#include "config/address.h"
#include "config/load.h"
#include "config/network_list.h"
#include "gateway/own_user.h"
#include "io/proxied_ring.h"
#include "io/sockets.h"

namespace halley::gateway {
namespace {

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

// For the last clients of a drain to be sent what they are owed.
constexpr uint64_t kDrainExtraNs = 1'000'000'000;

// Largest calls of goim's job that may wait for the node to read them.
constexpr size_t kCometMessagesMax = 16;

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

Gateway::Gateway(const config::Options& options, PassedSockets passed)
    : options_(options),
      loaded_(options),
      passed_(std::move(passed)),
      wall_offset_ms_(WallOffsetMs()) {}

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Create(const config::Options& options,
                                                         PassedSockets passed) {
  std::unique_ptr<Gateway> gateway(new Gateway(options, std::move(passed)));
  if (absl::Status resolved = gateway->ResolveLimits(); !resolved.ok()) return resolved;
  gateway->current_ = gateway->options_;
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

// What may take root's rights comes first; then the gateway is who it is to be. Rings and shards are made
// by that user, and what comes from the network is read by nobody else.
absl::Status Gateway::OpenAll() {
  absl::StatusOr<TlsServers> tls = TlsServers::Load(options_);
  if (!tls.ok()) return tls.status();
  tls_ = *std::move(tls);
  absl::StatusOr<admin::HttpsFiles> https = admin::ReadHttps(options_.admin);
  if (!https.ok()) return https.status();
  admin_https_ = *std::move(https);
  absl::StatusOr<comet::PemTexts> texts = comet::ReadPemTexts(options_.comet_grpc);
  if (!texts.ok()) return texts.status();
  comet_texts_ = *std::move(texts);
  absl::StatusOr<std::unique_ptr<Backends>> backends = Backends::Load(options_);
  if (!backends.ok()) return backends.status();
  backends_ = *std::move(backends);
  if (absl::Status listening = OpenListeners(); !listening.ok()) return listening;
  if (absl::Status became = BecomeUser(options_.gateway.user); !became.ok()) return became;
  if (absl::Status opened = backends_->Open(); !opened.ok()) return opened;
  absl::StatusOr<io::OpenedRings> rings =
      io::OpenRings(EngineOf(options_.io.engine), options_.shard.shards);
  if (!rings.ok()) return rings.status();
  rings_ = *std::move(rings);
  fabric_ = std::make_unique<shard::Fabric>(options_.shard.shards);
  if (absl::Status journal = OpenJournal(); !journal.ok()) return journal;
  gate_ = std::make_unique<shard::Gate>(options_.limits);
  absl::Status status = OpenInside();
  if (status.ok()) status = NameItself();
  // The header comes before TLS does.
  if (status.ok() && options_.listen.proxy_protocol) ProxyRings();
  if (status.ok() && tls_.Any()) SecureRings();
  return status;
}

absl::Status Gateway::OpenListeners() {
  for (const config::ListenerSpec& spec : config::kListeners) {
    if (!spec.OnShards()) continue;
    if (absl::Status listening = Listen(spec); !listening.ok()) return listening;
  }
  return absl::OkStatus();
}

absl::Status Gateway::Listen(const config::ListenerSpec& spec) {
  const config::ListenOptions& listen = options_.listen;
  const io::SocketOptions socket = spec.ForClients() ? ClientSockets(listen) : PushSockets(listen);
  absl::StatusOr<std::vector<io::Listener>> opened = io::OpenListeners(
      listen.*spec.list, options_.shard.shards, socket, passed_.Of(spec.option));
  if (!opened.ok()) return opened.status();
  for (io::Listener& listener : *opened) {
    addresses_[spec.list].push_back(listener.address);
    listeners_.push_back({spec.kind, std::move(listener), tls_.Of(spec)});
  }
  return absl::OkStatus();
}

void Gateway::ProxyRings() {
  const base::Networks proxies = config::ParseNetworkList(options_.listen.proxies).value();
  for (uint32_t shard = 0; shard < options_.shard.shards; ++shard) {
    std::vector<int> clients;
    for (const Listening& each : listeners_) {
      if (each.kind != config::ListenerKind::kPush) clients.push_back(each.listener.fds[shard]);
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

absl::StatusOr<Gateway::InsideEnds> Gateway::AddInsideEnds() {
  const absl::StatusOr<size_t> pusher = inside_.Add(0, /*observer=*/false);
  if (!pusher.ok()) return pusher.status();
  const absl::StatusOr<size_t> observer = inside_.Add(0, /*observer=*/true);
  if (!observer.ok()) return observer.status();
  return InsideEnds{*pusher, *observer};
}

absl::Status Gateway::OpenInside() {
  for (const auto& [list, ends] : {std::pair(&options_.listen.admin, &admin_ends_),
                                   std::pair(&options_.listen.comet_grpc, &comet_ends_)}) {
    if (list->empty()) continue;
    const absl::StatusOr<InsideEnds> added = AddInsideEnds();
    if (!added.ok()) return added.status();
    *ends = *added;
  }
  if (options_.backend.kind != config::BackendKind::kGoim) return absl::OkStatus();
  const absl::StatusOr<size_t> online = inside_.Add(0, /*observer=*/true);
  if (!online.ok()) return online.status();
  online_end_ = *online;
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
  setup.https = std::move(admin_https_);
  for (const io::PassedListener& each : passed_.Of("listen.admin")) {
    setup.passed.push_back({each.address, each.fd});
  }
  setup.nodes = NodesReply();
  setup.version = std::string(config::Version());
  setup.why_not_ready = [this] { return WhyNotReady(); };
  setup.backend_usable = [this] { return backends_->Usable(); };
  setup.more_metrics = [this] { return NodeMetrics(); };
  setup.instances = [this] { return OwnInstances(); };
  setup.discovery = [this] { return DiscoveryFigures(); };
  auto server = admin::AdminServer::Create(options_, std::move(setup));
  if (!server.ok()) return server.status();
  admin_ = *std::move(server);
  // It has copies.
  passed_.Close();
  addresses_[&config::ListenOptions::admin] = admin_->addresses();
  return absl::OkStatus();
}

// As StartAdmin(), and gRPC's threads and descriptors likewise.
absl::Status Gateway::StartComet() {
  PushClientOptions client;
  client.call_timeout = absl::Milliseconds(options_.comet_grpc.timeout_ms);
  // gRPC's threads are not to wait; comet_grpc.calls is the limit.
  client.wait_when_full = false;
  client.in_flight_max = options_.comet_grpc.calls;
  client.queued_bytes_max = std::max<size_t>(client.queued_bytes_max,
                                             kCometMessagesMax * options_.push.message_bytes);
  auto pusher = inside_.Connect(comet_ends_->pusher, client);
  if (!pusher.ok()) return pusher.status();
  auto observer = inside_.Connect(comet_ends_->observer, client);
  if (!observer.ok()) return observer.status();
  auto server = comet::CometServer::Create(options_, *std::move(pusher), *std::move(observer),
                                           comet_texts_);
  comet_texts_ = {};
  if (!server.ok()) return server.status();
  comet_ = *std::move(server);
  addresses_[&config::ListenOptions::comet_grpc] = comet_->addresses();
  return absl::OkStatus();
}

admin::NodesReply Gateway::NodesReply() const {
  const auto port_of = [this](config::ListenerList list) -> uint32_t {
    const std::vector<std::string>& bound = addresses_[list];
    if (bound.empty()) return 0;
    return config::ParseAddresses(bound.front()).value().front().port;
  };
  admin::NodesReply reply;
  reply.names = absl::StrSplit(options_.admin.nodes, absl::ByAnyChar(", "), absl::SkipEmpty());
  reply.tcp_port = port_of(&config::ListenOptions::tcp);
  reply.ws_port = port_of(&config::ListenOptions::ws);
  reply.wss_port = port_of(&config::ListenOptions::wss);
  reply.idle_timeout_s = options_.client.idle_timeout_ms / 1000;
  return reply;
}

std::string Gateway::WhyNotReady() const {
  if (fabric_->stop_requested()) return "the node is closing";
  return fabric_->drain().begin_ns != 0 ? "the node is being drained" : "";
}

bool Gateway::BeginDrain() {
  const config::GatewayOptions& options = current_.gateway;
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

}  // namespace halley::gateway
