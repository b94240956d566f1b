// Figures: what became of calls, for status and metrics.
//
// Threads    Any; every value is a moment's own.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "remote/call.h"

namespace halley::remote {

// How a call ended; each ends once.
enum class Ending : uint8_t {
  kAnswered,
  kRefused,     // a login: the backend said no
  kNoBackend,   // no address can be used
  kQueueFull,   // ours, of the node
  kClientQueueFull,
  kNotSent,
  kFailed,
  kTimedOut,
  kBadAnswer,
  kSuperseded,  // the key has logged in again before it was told that it had gone
  kKeyLive,     // likewise, at once
};
inline constexpr size_t kEndings = 11;

constexpr std::string_view EndingName(Ending ending) {
  switch (ending) {
    case Ending::kAnswered: return "answered";
    case Ending::kRefused: return "refused";
    case Ending::kNoBackend: return "no_backend";
    case Ending::kQueueFull: return "queue_full";
    case Ending::kClientQueueFull: return "client_queue_full";
    case Ending::kNotSent: return "not_sent";
    case Ending::kFailed: return "failed";
    case Ending::kTimedOut: return "timed_out";
    case Ending::kBadAnswer: return "bad_answer";
    case Ending::kSuperseded: return "superseded";
    case Ending::kKeyLive: return "key_live";
  }
  return "";
}

struct Figures {
  using Count = std::atomic<uint64_t>;

  void Add(CallKind kind, Ending ending) {
    ended[static_cast<size_t>(kind)][static_cast<size_t>(ending)].fetch_add(
        1, std::memory_order_relaxed);
  }
  uint64_t Get(CallKind kind, Ending ending) const {
    return ended[static_cast<size_t>(kind)][static_cast<size_t>(ending)].load(
        std::memory_order_relaxed);
  }

  std::array<std::array<Count, kEndings>, kCallKinds> ended{};
  Count exchanges{0};     // begun
  Count repeats{0};       // attempts after the first
  Count bad_probes{0};
  Count in_flight{0};     // gauges from here
  Count queued{0};
  Count addresses{0};
  Count open_addresses{0};  // that can be used, or are on trial
};

}  // namespace halley::remote
