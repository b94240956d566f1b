// Faults: what goes wrong in a simulated run, and how often.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/rng.h"

namespace halley::sim {

enum class Fault : uint8_t {
  // Sockets.
  kShortSend,         // a send takes less than there is room for, often nothing
  kReset,             // a send or receive finds the connection broken
  kReceiveExhausted,  // the kernel is out of memory for a receive
  kBytewise,          // a connection whose bytes arrive one at a time
  // The ring.
  kEarlyEnd,         // a completion of a multishot is its last
  kOverflow,         // the completion queue overflows: a burst of early ends
  kStale,            // a completion of a connection that has gone
  kSpurious,         // an edge is told with more readiness than it stands for
  kAcceptExhausted,  // EMFILE
  kAcceptFailed,     // the peer left while it waited in the backlog
  kEarlyReturn,      // Enter() returns early for no reason
  // Between shards.
  kPassRefused,  // no room on the road now
  kPassLost,     // a descriptor finds no place on arrival
  kShardPause,   // a shard's thread is not scheduled for a while
  kCount_,
};
inline constexpr size_t kFaultsCount = static_cast<size_t>(Fault::kCount_);

std::string_view FaultName(Fault fault);

struct Faults {
  std::array<uint32_t, kFaultsCount> chances{};  // in 10'000 occasions

  size_t socket_bytes_min = 65536;  // capacity of a socket's buffers, each drawn for itself
  size_t socket_bytes_max = 65536;
  uint64_t network_delay_ns = 50'000;  // at most, per hop
  uint64_t completion_delay_ns = 2'000;
  uint64_t cancel_delay_ns = 2'000;
  uint64_t wake_delay_ns = 2'000;
  size_t descriptors_max = 1 << 20;  // per shard

  uint32_t& operator[](Fault fault) { return chances[static_cast<size_t>(fault)]; }
  uint32_t operator[](Fault fault) const { return chances[static_cast<size_t>(fault)]; }

  // Nothing goes wrong; everything takes a moment.
  static Faults None() { return {}; }
  // Each run has another emphasis.
  static Faults Draw(Rng* rng);
};

// How often each was injected.
using FaultCounts = std::array<uint64_t, kFaultsCount>;

}  // namespace halley::sim
