// EmbeddedBackend: goim's login token taken at its word, for development. The client says who it
// is and nothing is verified, so anybody can log in as anybody.
//
// The token is a JSON object (backend/login_object.h), or, as goim v1's own backend has it, nothing but
// a decimal mid, which stands for room "1" too. An absent or empty key is replaced by a random UUID
// (version 4), which the client is not told, as in goim.
//
// Threads    One shard's.
// Limits     Bytes of key and room id, number of ops: config::ClientOptions. Beyond them the login
//            is refused.
#pragma once

#include <memory>
#include <string_view>

#include "backend/backend.h"
#include "backend/random_key.h"
#include "config/options.h"

namespace halley::backend {

class EmbeddedBackend final : public Backend {
 public:
  // Takes entropy from the kernel.
  explicit EmbeddedBackend(const config::ClientOptions& limits);
  // For runs that must be repeatable.
  EmbeddedBackend(const config::ClientOptions& limits, Entropy entropy);
  ~EmbeddedBackend() override;

  // Answers in the call.
  void Connect(const ConnectRequest& request, BackendSink& sink) override;

  // Nobody is listening behind this backend.
  void Disconnect(const ClientIdentity&, bool) override {}
  void Heartbeat(const ClientIdentity&) override {}
  void Receive(const ClientIdentity&, int32_t, int32_t, std::string_view) override {}

 private:
  struct Json;

  ConnectReply Decide(std::string_view token);

  const config::ClientOptions limits_;
  RandomKeys keys_;
  const std::unique_ptr<Json> json_;
};

}  // namespace halley::backend
