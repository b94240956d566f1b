// EmbeddedBackend: goim's login token taken at its word, for development. The client says who it
// is and nothing is verified, so anybody can log in as anybody.
//
// The token is a JSON object (RFC 8259):
//   {"mid":123,"key":"","room_id":"live://1000","platform":"web","accepts":[1000,1001]}
// or, as goim v1's own backend has it, nothing but a decimal mid, which stands for room "1" too.
// Every field may be absent, unknown ones are ignored, a value of the wrong type refuses the login.
// An absent or empty key is replaced by a random UUID (version 4), which the client is not told,
// as in goim.
//
// Threads    One shard's.
// Limits     Bytes of key and room id, number of ops: config::ClientOptions. Beyond them the login
//            is refused.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "backend/backend.h"
#include "config/options.h"

namespace halley::backend {

class EmbeddedBackend final : public Backend {
 public:
  // Fills the span with unpredictable bytes.
  using Entropy = std::function<void(absl::Span<char>)>;

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
  static constexpr size_t kUuidBytes = 16;
  struct Json;

  ConnectReply Decide(std::string_view token);
  std::string NextUuid();

  const config::ClientOptions limits_;
  const Entropy entropy_;
  const std::unique_ptr<Json> json_;
  // Drawn many at a time, so that a login seldom costs a system call.
  std::array<char, 256 * kUuidBytes> pool_{};
  size_t pool_used_ = sizeof pool_;
};

}  // namespace halley::backend
