// EngineOptions: the bounds of calls to a backend elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halley::remote {

struct EngineOptions {
  uint32_t timeout_ms = 3000;      // of one attempt; and of a login as a whole, its waiting too
  uint32_t retry_for_ms = 30'000;  // how long what may be repeated is tried
  size_t concurrency = 64;         // exchanges at a time, over all addresses
  size_t queue = 4096;             // logins that wait; as many others
  size_t queue_per_client = 32;    // of these, of one client
  uint32_t failures = 5;           // in a row: the address is shut
  uint32_t shut_ms = 1000;         // for so long at least
  uint32_t probe_every_ms = 1000;
  uint32_t probe_timeout_ms = 1000;
  uint32_t retry_min_ms = 100;     // the first ceiling of a delay; it doubles
  uint32_t retry_max_ms = 2000;    // the last
};

// How many exchanges an address is trusted with at first; one more for each that is answered.
inline constexpr size_t kTrialExchanges = 4;
// Failed probes in a row that shut an address.
inline constexpr uint32_t kBadProbes = 2;
// Attempts of a login, each of which the backend cannot have heard.
inline constexpr uint32_t kLoginAttempts = 3;

}  // namespace halley::remote
