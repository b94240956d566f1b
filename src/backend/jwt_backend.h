// JwtBackend: a client is who a signed token says it is; there is nobody else to ask.
//
// The login is the token alone, or goim's object with it (backend/login_object.h):
//   {"token":"eyJ...","room_id":"live://1000","accepts":[1000]}
// With jwt.cookie a login without a token, an empty one too, has that of the upgrade's cookie. Which
// pages may bring cookies is for wire/origin.h to say.
// Room and ops of the object count where the token is silent: a client may change both once it is
// logged in, so a token that names them sets where it begins and guards nothing. Key and mid come
// from the token alone. What the object says of them must be the same; "" and 0 say nothing, as
// gopush-cluster's clients have it who bring their key and token apart.
//
// A client that is logged in may show a new token, alone or in such an object, which must name the
// key and the mid that the connection has. When that ends is all that counts of it.
//
// Threads    One shard's; the key store is everybody's.
// Ownership  Borrows the key store, which outlives it.
// Limits     jwt.token_bytes; key, room and ops: config::ClientOptions.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "backend/backend.h"
#include "backend/jwt_claims.h"
#include "backend/jwt_fault.h"
#include "backend/key_set.h"
#include "backend/login_object.h"
#include "backend/random_key.h"
#include "config/options.h"

namespace halley::backend {

class JwtBackend final : public Backend {
 public:
  // Milliseconds since 1970.
  using Clock = std::function<int64_t()>;
  static int64_t SystemClock();

  JwtBackend(const config::JwtOptions& options, const config::ClientOptions& limits,
             const KeyStore* keys, Clock clock = SystemClock, Entropy entropy = KernelEntropy);
  ~JwtBackend() override;

  absl::Span<const Refusals> refusals() const override;
  // Says among the refusals how often keys could not be fetched, for all shards: one of them does.
  void TellFetches() { tells_fetches_ = true; }

  // Answers in the call.
  void Connect(const ConnectRequest& request, BackendSink& sink) override;

  // So too.
  bool TakesRefreshes() const override { return true; }
  void Refresh(const RefreshRequest& request, BackendSink& sink) override;

  // Nobody is listening behind this backend.
  void Disconnect(const ClientIdentity&, bool) override {}
  void Heartbeat(const ClientIdentity&) override {}
  void Receive(const ClientIdentity&, int32_t, int32_t, std::string_view) override {}

 private:
  struct Json;

  JwtFault Decide(const ConnectRequest& request, ConnectReply* reply);
  JwtFault DecideRefresh(const RefreshRequest& request, RefreshReply* reply);
  // What the login, and the token in it or in its cookie, say. Views die with the next login.
  JwtFault Read(std::string_view text, std::string_view cookie, LoginObject* login,
                JwtClaims* claims);
  JwtFault Count(JwtFault fault);

  const config::JwtOptions options_;
  const config::ClientOptions limits_;
  const KeyStore& keys_;
  const Clock clock_;
  RandomKeys random_keys_;
  const std::unique_ptr<Json> json_;
  static constexpr size_t kCauses = kJwtFaultsCount - 1;  // all but kNone
  bool tells_fetches_ = false;
  mutable std::array<Refusals, kCauses + 1> refusals_;  // the last is brought up to date when asked for
};

}  // namespace halley::backend
