// SimBackend: the embedded backend with the habits of one behind a network: it may take its time,
// refuse, be unavailable, talk nonsense, and answer for clients that have gone. It remembers what it
// was told.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backend/embedded_backend.h"
#include "config/options.h"
#include "sim/sim_core.h"
#include "sim/sim_ring.h"

namespace halley::sim {

struct BackendHabits {
  uint64_t delay_ns = 0;       // at most; 0: answers in the call
  uint32_t refuses = 0;        // chances in 10'000
  uint32_t unavailable = 0;
  uint32_t nonsense = 0;       // accepts with a key or room beyond the limits
  uint64_t idle_timeout_ms = 0;  // named in each answer
  uint64_t expires_in_ms = 0;    // likewise
  bool wants_address = false;
  bool takes_refreshes = false;   // those whose token begins with "good"
  uint64_t refresh_in_ms = 0;     // when what they refresh ends
};

// What the node's backends were told, over all shards.
struct BackendBooks {
  struct Uplink {
    uint64_t serial;
    int32_t op;
    int32_t seq;
    std::string body;
  };
  uint64_t asked = 0;
  uint64_t thinking = 0;  // asked, not answered yet
  uint64_t accepted = 0;
  uint64_t refreshes = 0;  // asked
  uint64_t heartbeats = 0;
  std::map<uint64_t, std::string> disconnected;  // serial -> key
  uint64_t disconnected_still_live = 0;
  std::vector<Uplink> uplinks;
  std::vector<std::string> addresses;  // of those who logged in, in order
};

class SimBackend final : public backend::Backend {
 public:
  SimBackend(SimCore* core, SimRing* ring, const config::ClientOptions& limits,
             const BackendHabits& habits, BackendBooks* books);

  bool WantsAddress() const override { return habits_.wants_address; }
  void Connect(const backend::ConnectRequest& request, backend::BackendSink& sink) override;
  bool TakesRefreshes() const override { return habits_.takes_refreshes; }
  void Refresh(const backend::RefreshRequest& request, backend::BackendSink& sink) override;
  void Disconnect(const backend::ClientIdentity& client, bool key_still_live) override;
  void Heartbeat(const backend::ClientIdentity& client) override;
  void Receive(const backend::ClientIdentity& client, int32_t op, int32_t seq,
               std::string_view body) override;

 private:
  SimCore& core_;
  SimRing& ring_;
  const config::ClientOptions limits_;
  const BackendHabits habits_;
  BackendBooks& books_;
  Rng rng_;
  Rng entropy_;
  backend::EmbeddedBackend embedded_;
};

}  // namespace halley::sim
