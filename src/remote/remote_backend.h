// RemoteBackend: a shard's end of a backend that is elsewhere. What it is asked goes down the road to
// the engine; what comes back is answered in TakeAnswers().
//
// Threads    One shard's.
// Ownership  Borrows road and figures, which outlive it.
// Limits     A road that is full: a login is unavailable at once, all else is dropped; both are counted.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>

#include "absl/container/flat_hash_map.h"
#include "backend/backend.h"
#include "remote/figures.h"
#include "remote/road.h"
#include "remote/transport.h"

namespace halley::remote {

struct RemoteBackendSetup {
  uint32_t shard = 0;
  Road* road = nullptr;
  Figures* figures = nullptr;
  Traits traits;
  // Where the protocol has heartbeats: each client's is passed on so often, drawn between the two.
  uint32_t heartbeat_min_s = 600;
  uint32_t heartbeat_max_s = 1800;
  std::function<uint64_t()> now_s;  // seconds that only grow
  uint64_t seed = 0;
};

class RemoteBackend final : public backend::Backend {
 public:
  explicit RemoteBackend(RemoteBackendSetup setup);

  bool WantsAddress() const override { return setup_.traits.address; }
  void Connect(const backend::ConnectRequest& request, backend::BackendSink& sink) override;
  bool TakesRefreshes() const override { return setup_.traits.refreshes; }
  void Refresh(const backend::RefreshRequest& request, backend::BackendSink& sink) override;
  void Admitted(const backend::ClientIdentity& client) override;
  void Disconnect(const backend::ClientIdentity& client, bool key_still_live) override;
  void Abandon(const backend::ClientIdentity& client, bool key_still_live) override;
  void Heartbeat(const backend::ClientIdentity& client) override;
  void Receive(const backend::ClientIdentity& client, int32_t op, int32_t seq,
               std::string_view body) override;
  int AnswersDescriptor() const override { return setup_.road->shard_bell().descriptor(); }
  void TakeAnswers(backend::BackendSink& sink) override;

 private:
  std::unique_ptr<Call> NewCall(CallKind kind, const backend::ClientIdentity& client) const;
  bool Send(std::unique_ptr<Call> call);
  uint64_t DrawPause();

  const RemoteBackendSetup setup_;
  std::minstd_rand random_;
  absl::flat_hash_map<uint64_t, uint64_t> heartbeats_;  // by serial: when the next is passed on
};

}  // namespace halley::remote
