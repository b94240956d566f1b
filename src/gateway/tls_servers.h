// TlsServers: the server side of TLS for each kind of listener that speaks it, as the options ask.
//
// Threads    Load() and Reload() on one thread; the servers themselves on any.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/listeners.h"
#include "config/options.h"
#include "tls/server.h"

namespace halley::gateway {

struct TlsServers {
  // Null: nobody speaks TLS there.
  std::unique_ptr<tls::Server> tcp;  // for clients, as ws is
  std::unique_ptr<tls::Server> ws;   // where HTTP is agreed on
  std::unique_ptr<tls::Server> push;

  // Reads every file that the options name.
  static absl::StatusOr<TlsServers> Load(const config::Options& options);
  // Reads them again. The first failure is told; who could not be reloaded goes on as before.
  absl::Status Reload();
  // Null: it is plain, or not on shards.
  tls::Server* Of(const config::ListenerSpec& listener) const;
  bool Any() const { return tcp != nullptr || ws != nullptr || push != nullptr; }
};

}  // namespace halley::gateway
