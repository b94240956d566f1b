// Server: what our side of a handshake needs: certificates, chosen by the name the client asks for,
// ticket keys, and who may come.
//
// Reload() reads every file again; connections that are open, or shaking hands, go on with what
// they began with.
//
// Threads    Any.
// Ownership  Outlives its streams.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tls/context.h"
#include "tls/stream.h"
#include "tls/ticket_keys.h"

namespace halley::tls {

enum class ClientCertificate : uint8_t { kNotAsked, kOptional, kRequired };

struct ServerOptions {
  std::vector<Certificate> certificates;  // the first is shown to who asks for a name none is for
  ClientCertificate client_certificate = ClientCertificate::kNotAsked;
  std::string client_ca_file;             // who may sign it
  bool tls13_only = false;
  uint32_t ticket_period_s = 43200;       // of the keys; 0: no tickets
  std::vector<std::string> protocols;     // ALPN: of those a client offers, the first named here
};

class Server {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Create(const ServerOptions& options);
  ~Server();

  // On failure what was there before stays.
  absl::Status Reload();

  // A stream for a client that has connected.
  std::unique_ptr<Stream> Accept();

  // Null without tickets.
  TicketKeys* ticket_keys() { return ticket_keys_.get(); }

 private:
  struct Contexts;

  explicit Server(const ServerOptions& options);
  absl::StatusOr<std::shared_ptr<const Contexts>> Load() const;
  absl::StatusOr<ContextPtr> NewServerContext(const Certificate& certificate) const;

  const ServerOptions options_;
  std::string protocols_wire_;  // as ALPN has them: each with its length before it
  std::unique_ptr<TicketKeys> ticket_keys_;
  std::mutex mutex_;
  std::shared_ptr<const Contexts> contexts_;
};

}  // namespace halley::tls
