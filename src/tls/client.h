// Client: what the other side of a handshake needs, for our own tools, the push client and tests.
//
// Threads    Any.
// Ownership  Outlives its streams.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tls/context.h"
#include "tls/stream.h"

namespace halley::tls {

struct ClientOptions {
  std::string ca_file;         // who may sign the server's certificate; empty: the system's
  bool verify = true;          // false: whoever answers is believed, for benchmarks
  Certificate certificate;     // our own, if the server asks; no chain_file: none
  std::string protocol;        // ALPN; empty: not offered
};

class Client {
 public:
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);

  // A stream to `server_name`: a host's name or address, which its certificate must be for.
  std::unique_ptr<Stream> Connect(const std::string& server_name);

 private:
  Client(ContextPtr context, const ClientOptions& options);

  const ContextPtr context_;
  const bool verify_;
  std::string protocol_wire_;
};

}  // namespace halley::tls
