// Gateway: how it is found, and what it has found.
#include "discovery/discovery.h"

#include <chrono>
#include <utility>

#include "config/node_list.h"
#include "discovery/call.h"
#include "discovery/registry.h"
#include "discovery/static_list.h"
#include "gateway/gateway.h"
#include "gateway/own_instance.h"
#include "wire/json_writer.h"

namespace halley::gateway {

absl::Status Gateway::NameItself() {
  absl::StatusOr<discovery::Instance> self = OwnInstance(options_.discovery);
  if (!self.ok()) return self.status();
  self_ = *std::move(self);
  return absl::OkStatus();
}

// Once it is known what is listened on, and before anybody asks for its figures.
void Gateway::OpenDiscovery() {
  if (self_.addrs.empty()) {
    using Listen = config::ListenOptions;
    self_.addrs = Announced({{"grpc", &addresses_[&Listen::comet_grpc]},
                             {"tcp", &addresses_[&Listen::tcp]},
                             {"ws", &addresses_[&Listen::ws]},
                             {"wss", &addresses_[&Listen::wss]}});
  }
  const auto found = [this](std::vector<std::string> addresses) {
    backends_->FoundLogic(std::move(addresses));
  };
  switch (options_.discovery.kind) {
    case config::DiscoveryKind::kNone: break;
    case config::DiscoveryKind::kStatic: {
      auto list = std::make_unique<discovery::StaticList>(
          config::ParseNodeList(options_.discovery.static_addresses).value(), found);
      list_ = list.get();
      discovery_ = std::move(list);
      break;
    }
    case config::DiscoveryKind::kBilibili: {
      discovery::RegistrySetup setup;
      setup.self = self_;
      setup.nodes = config::ParseNodeList(options_.discovery.nodes).value();
      setup.watched = options_.discovery.logic_appid;
      setup.load = [this] { return OwnLoad(); };
      setup.on_addresses = found;
      setup.tell = [this](const absl::Status& status) { tell_of_registry_(status); };
      discovery_ = std::make_unique<discovery::Registry>(std::move(setup));
      break;
    }
  }
}

void Gateway::StartDiscovery() {
  if (discovery_ != nullptr) discovery_->Start();
}

discovery::Load Gateway::OwnLoad() const {
  return {.connections = fabric_->ConnectionsCount(),
          .ips = gate_->addresses(),
          .offline = !WhyNotReady().empty()};
}

std::optional<admin::DiscoveryFigures> Gateway::DiscoveryFigures() const {
  if (discovery_ == nullptr) return std::nullopt;
  const discovery::Figures now = discovery_->figures();
  admin::DiscoveryFigures figures;
  figures.registered = now.registered;
  figures.addresses = now.addresses;
  for (size_t i = 0; i < now.failures.size(); ++i) {
    const std::string_view name = discovery::FailureName(static_cast<discovery::Failure>(i));
    figures.failures.push_back({std::string(name), now.failures[i]});
  }
  return figures;
}

// As goim's registry would list this node.
wire::JsonWriter Gateway::OwnInstances() const {
  using std::chrono::duration_cast, std::chrono::nanoseconds, std::chrono::system_clock;
  const auto now = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
  const discovery::Load load = OwnLoad();
  wire::JsonWriter json;
  json.BeginArray().BeginObject();
  json.Key("region").Text(self_.region).Key("zone").Text(self_.zone).Key("env").Text(self_.env);
  json.Key("appid").Text(self_.appid).Key("hostname").Text(self_.hostname);
  json.Key("addrs").BeginArray();
  for (const std::string& address : self_.addrs) json.Text(address);
  json.EndArray().Key("version").Text(self_.version);
  json.Key("latest_timestamp").Signed(now).Key("metadata");
  discovery::WriteMetadata(self_, load, &json);
  return std::move(json.EndObject().EndArray());
}

}  // namespace halley::gateway
