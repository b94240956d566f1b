// Backends: builds what backend.kind names, and owns what all shards share of it: the keys of tokens and
// who fetches them, or the engine that asks a backend elsewhere.
//
// Life: Load() before anything is opened, and while files may be read that only root may; Open() as
// whom the gateway is to be; New() and KeepOnly() on each shard's thread; Start() when all
// shards have their own tables of descriptors; Finish() when all have ended.
//
// Threads    The rest on the main thread; Usable(), Metrics() and what is about logic's addresses on any.
// Errors     One sentence of cause and cure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "admin/metrics.h"
#include "backend/backend.h"
#include "backend/jwks_fetcher.h"
#include "backend/key_set.h"
#include "config/options.h"
#include "remote/http_transport.h"
#include "remote/remote.h"

namespace halley::gateway {

class Backends {
 public:
  // Whether it could be loaded, as far as that can be told without asking anybody.
  static absl::Status Check(const config::Options& options);
  // Shards are resolved. Reads files, and nothing else.
  static absl::StatusOr<std::unique_ptr<Backends>> Load(const config::Options& options);
  // What has to be fetched may take its time.
  absl::Status Open();
  // Descriptors that every table has of it.
  static uint32_t DescriptorsOf(const config::Options& options, uint32_t shards);

  // Who is told of fetches of keys, as JwksFetcher::Start() has it.
  void OnFetchedKeys(std::function<void(const absl::Status&)> tell) {
    tell_of_keys_ = std::move(tell);
  }
  // Who is told of addresses that can be used, and cannot any more; on another thread.
  void OnAddressNews(std::function<void(const remote::AddressNews&)> tell) {
    tell_of_addresses_ = std::move(tell);
  }

  std::unique_ptr<backend::Backend> New(uint32_t shard) const;
  void KeepOnly(uint32_t shard) const;
  void Start();
  void RequestStop();
  // Waits until the backend has been told what it must know, within reason.
  void Finish();

  // Where goim's logic is from now on; means nothing to other backends.
  void FoundLogic(std::vector<std::string> addresses);
  std::vector<std::string> LogicAddresses() const;
  // What this node calls itself to goim's logic: goim.server, or as the node is found.
  static absl::StatusOr<std::string> NameForLogic(const config::Options& options);

  // Whether a login would be decided.
  bool Usable() const { return remote_ == nullptr || remote_->usable(); }
  std::vector<admin::NodeMetric> Metrics() const;

  // Reads the keys of tokens again, for new logins; on failure those in use stay. Fetches soon, too.
  absl::Status ReloadTokenKeys();
  // Whether ReloadRemote() could take these over.
  static absl::Status CheckRemote(const config::Options& options);
  // For calls that are made from now on, those that are made again included: what requests are signed with,
  // and where the backend is. Calls that are under way end where they are. Logic's addresses are
  // discovery's, where there is any.
  void ReloadRemote(const config::Options& options);
  bool verifies_tokens() const { return token_keys_ != nullptr; }

 private:
  explicit Backends(const config::Options& options) : options_(options) {}
  absl::Status OpenHttp();
  absl::Status OpenGoim();
  absl::Status OpenRemote(remote::RemoteSetup setup);

  const config::Options options_;
  std::unique_ptr<backend::KeyStore> token_keys_;        // null: nobody verifies tokens
  std::unique_ptr<backend::JwksFetcher> token_keys_at_;  // null: they are all in files
  std::function<void(const absl::Status&)> tell_of_keys_ = [](const absl::Status&) {};
  std::function<void(const remote::AddressNews&)> tell_of_addresses_ =
      [](const remote::AddressNews&) {};
  std::unique_ptr<remote::Remote> remote_;               // null: nobody elsewhere is asked
  remote::HttpTransport* http_ = nullptr;                // remote_'s, where it speaks HTTP
  mutable std::mutex logic_mutex_;
  std::vector<std::string> logic_addresses_;             // under logic_mutex_
};

}  // namespace halley::gateway
