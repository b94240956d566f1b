#include "gateway/backends.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backend/embedded_backend.h"
#include "backend/jwt_backend.h"
#include "config/node_list.h"
#include "gateway/own_instance.h"
#include "goim_logic/logic_transport.h"
#include "remote/http_flavour.h"
#include "remote/http_transport.h"
#include "wire/utf8.h"

namespace halley::gateway {
namespace {

// After the shards have ended, for the last disconnects to be told.
constexpr uint64_t kFinishMs = 2000;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// A later run has another one, so that no serial of this one means anybody of that.
std::string NodeName(const std::string& configured) {
  if (!configured.empty()) return configured;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return absl::StrCat(host, ":",
                      std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

// Of [http_backend] or [goim].
template <typename Section>
remote::EngineOptions EngineOptionsOf(const Section& options) {
  remote::EngineOptions engine;
  engine.timeout_ms = options.timeout_ms;
  engine.retry_for_ms = options.retry_for_ms;
  engine.concurrency = options.concurrency;
  engine.queue = options.queue;
  return engine;
}

}  // namespace

absl::Status Backends::Check(const config::Options& options) {
  switch (options.backend.kind) {
    case config::BackendKind::kEmbedded: break;
    case config::BackendKind::kJwt: {
      const auto keys = backend::KeySet::Load(options.jwt);
      if (!keys.ok()) return keys.status();
      if (!options.jwt.jwks_url.empty()) return backend::JwksFetcher::Check(options.jwt);
      break;
    }
    case config::BackendKind::kHttp:
      return remote::ParseHttpUrls(options.http_backend.urls).status();
    case config::BackendKind::kGoim: return NameForLogic(options).status();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Backends>> Backends::Load(const config::Options& options) {
  std::unique_ptr<Backends> backends(new Backends(options));
  if (options.backend.kind != config::BackendKind::kJwt) return backends;
  absl::StatusOr<std::unique_ptr<backend::KeyStore>> keys = backend::KeyStore::Create(options.jwt);
  if (!keys.ok()) return keys.status();
  backends->token_keys_ = *std::move(keys);
  return backends;
}

absl::Status Backends::Open() {
  switch (options_.backend.kind) {
    case config::BackendKind::kEmbedded: break;
    case config::BackendKind::kJwt: {
      if (options_.jwt.jwks_url.empty()) break;
      auto fetcher = backend::JwksFetcher::Create(options_.jwt, token_keys_.get());
      if (!fetcher.ok()) return fetcher.status();
      token_keys_at_ = *std::move(fetcher);
      break;
    }
    case config::BackendKind::kHttp: return OpenHttp();
    case config::BackendKind::kGoim: return OpenGoim();
  }
  return absl::OkStatus();
}

uint32_t Backends::DescriptorsOf(const config::Options& options, uint32_t shards) {
  const bool elsewhere = options.backend.kind == config::BackendKind::kHttp ||
                         options.backend.kind == config::BackendKind::kGoim;
  return elsewhere ? remote::Remote::DescriptorsOf(shards) : 0;
}

absl::Status Backends::OpenHttp() {
  const config::HttpBackendOptions& http = options_.http_backend;
  absl::StatusOr<std::vector<std::string>> urls = remote::ParseHttpUrls(http.urls);
  if (!urls.ok()) return urls.status();
  std::unique_ptr<remote::HttpFlavour> flavour;
  switch (http.flavour) {
    case config::HttpFlavour::kHalley:
      flavour = remote::NewHalleyFlavour(http, NodeName(http.node));
      break;
    case config::HttpFlavour::kGopusher:
      flavour = remote::NewGopusherFlavour(NodeName(http.node));
      break;
  }
  remote::RemoteSetup setup;
  setup.engine = EngineOptionsOf(http);
  auto transport = std::make_unique<remote::HttpTransport>(http, std::move(flavour));
  http_ = transport.get();
  setup.transport = std::move(transport);
  setup.addresses = *std::move(urls);
  return OpenRemote(std::move(setup));
}

absl::StatusOr<std::string> Backends::NameForLogic(const config::Options& options) {
  std::string name = options.goim.server;
  if (name.empty()) {
    const absl::StatusOr<discovery::Instance> self = OwnInstance(options.discovery);
    if (!self.ok()) return self.status();
    name = self->hostname;
  }
  if (!name.empty() && wire::IsUtf8(name)) return name;
  return absl::InvalidArgumentError(
      "this node has no name for goim's logic, or one that is not UTF-8: set goim.server");
}

absl::Status Backends::OpenGoim() {
  absl::StatusOr<std::string> name = NameForLogic(options_);
  if (!name.ok()) return name.status();
  absl::StatusOr<std::vector<std::string>> addresses =
      config::ParseNodeList(options_.goim.addresses);
  if (!addresses.ok()) return addresses.status();
  logic_addresses_ = *addresses;
  remote::RemoteSetup setup;
  setup.engine = EngineOptionsOf(options_.goim);
  setup.transport = goim_logic::NewLogicTransport(*std::move(name));
  setup.addresses = *std::move(addresses);
  return OpenRemote(std::move(setup));
}

void Backends::FoundLogic(std::vector<std::string> addresses) {
  if (options_.backend.kind != config::BackendKind::kGoim) return;
  {
    const std::lock_guard<std::mutex> lock(logic_mutex_);
    logic_addresses_ = addresses;
  }
  remote_->SetAddresses(std::move(addresses));
}

std::vector<std::string> Backends::LogicAddresses() const {
  const std::lock_guard<std::mutex> lock(logic_mutex_);
  return logic_addresses_;
}

absl::Status Backends::OpenRemote(remote::RemoteSetup setup) {
  setup.shards = options_.shard.shards;
  setup.tell = [this](const remote::AddressNews& news) { tell_of_addresses_(news); };
  auto remote = remote::Remote::Create(std::move(setup));
  if (!remote.ok()) return remote.status();
  remote_ = *std::move(remote);
  return absl::OkStatus();
}

std::unique_ptr<backend::Backend> Backends::New(uint32_t shard) const {
  if (remote_ != nullptr) return remote_->NewBackend(shard);
  if (token_keys_ == nullptr) return std::make_unique<backend::EmbeddedBackend>(options_.client);
  auto jwt =
      std::make_unique<backend::JwtBackend>(options_.jwt, options_.client, token_keys_.get());
  if (token_keys_at_ != nullptr && shard == 0) jwt->TellFetches();
  return jwt;
}

void Backends::KeepOnly(uint32_t shard) const {
  if (remote_ != nullptr) remote_->KeepOnly(shard);
}

void Backends::Start() {
  if (token_keys_at_ != nullptr) token_keys_at_->Start(tell_of_keys_);
  if (remote_ != nullptr) remote_->Start();
}

void Backends::RequestStop() {
  if (token_keys_at_ != nullptr) token_keys_at_->RequestStop();
}

void Backends::Finish() {
  if (remote_ != nullptr) remote_->Finish(kFinishMs);
}

absl::Status Backends::ReloadTokenKeys() {
  if (token_keys_ == nullptr) return absl::OkStatus();
  if (absl::Status reloaded = token_keys_->Reload(); !reloaded.ok()) return reloaded;
  if (token_keys_at_ != nullptr) token_keys_at_->AskSoon();
  return absl::OkStatus();
}

absl::Status Backends::CheckRemote(const config::Options& options) {
  if (options.backend.kind != config::BackendKind::kHttp) return absl::OkStatus();
  return remote::ParseHttpUrls(options.http_backend.urls).status();
}

void Backends::ReloadRemote(const config::Options& options) {
  if (http_ != nullptr) {
    http_->SetSecret(options.http_backend.secret);
    remote_->SetAddresses(remote::ParseHttpUrls(options.http_backend.urls).value());
    return;
  }
  if (options_.discovery.kind != config::DiscoveryKind::kNone) return;
  FoundLogic(config::ParseNodeList(options.goim.addresses).value());
}

std::vector<admin::NodeMetric> Backends::Metrics() const {
  if (remote_ == nullptr) return {};
  const remote::Figures& figures = remote_->figures();
  admin::NodeMetric calls{"backend_calls_total", "Calls to the backend that ended, by how.", true, {}};
  for (size_t kind = 0; kind < remote::kCallKinds; ++kind) {
    for (size_t ending = 0; ending < remote::kEndings; ++ending) {
      const auto of_kind = static_cast<remote::CallKind>(kind);
      const auto of_ending = static_cast<remote::Ending>(ending);
      calls.samples.push_back(
          {absl::StrCat("{kind=\"", View(remote::CallKindName(of_kind)), "\",outcome=\"",
                        View(remote::EndingName(of_ending)), "\"}"),
           figures.Get(of_kind, of_ending)});
    }
  }
  const auto one = [](absl::string_view name, absl::string_view help, bool counter,
                      const remote::Figures::Count& count) {
    return admin::NodeMetric{std::string(name), std::string(help), counter,
                             {{"", count.load(std::memory_order_relaxed)}}};
  };
  return {std::move(calls),
          one("backend_exchanges_total", "Requests to the backend.", true, figures.exchanges),
          one("backend_repeats_total", "Calls that were made again.", true, figures.repeats),
          one("backend_bad_probes_total", "Probes that an address failed.", true,
              figures.bad_probes),
          one("backend_in_flight", "Requests that are under way.", false, figures.in_flight),
          one("backend_queued", "Calls that wait to be made.", false, figures.queued),
          one("backend_addresses", "Addresses of the backend.", false, figures.addresses),
          one("backend_open_addresses", "Addresses that can be used.", false,
              figures.open_addresses)};
}

}  // namespace halley::gateway
