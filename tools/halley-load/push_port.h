// PushPort: how one pusher reaches the server, and what the server says of itself.
//
// Threads    Each object is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "halley-load/plan.h"

namespace halley::load {

// Summed over the server's shards, since its start.
struct ServerFigures {
  uint64_t cpu_ns = 0;     // threads that serve clients
  uint64_t logins = 0;
  uint64_t sends = 0;      // sends asked of the kernel
  uint64_t expected = 0;   // the server's own books of deliveries
  uint64_t delivered = 0;
  uint64_t skipped = 0;    // appended for a client but not delivered: overflow, or its end
  uint64_t refused = 0;    // never appended: a slow client's personal queue was full
  uint64_t pending = 0;
  // halley-limit only: CPU time inside the bare loop, without reading pushes and waiting.
  uint64_t loop_cpu_ns = 0;
};

// What came of a pusher's pushes, as the server answered them.
struct PushTotals {
  uint64_t answered = 0;
  uint64_t taken = 0;    // channels, summed over pushes
  bool taken_known = true;  // some servers do not tell
  uint64_t failed = 0;   // pushes that were not accepted
  std::string first_error;
};

class PushPort {
 public:
  virtual ~PushPort() = default;

  // Sends one push. May wait while too many are unanswered.
  virtual void Push(uint32_t target, std::string_view body) = 0;

  // Waits for the answers to all pushes, at most until `until_ns`, and returns what came of all of
  // them since the port was opened.
  virtual PushTotals Finish(uint64_t until_ns) = 0;

  // Not between Push() and Finish().
  virtual absl::StatusOr<ServerFigures> Figures() = 0;
};

// Connects to the push port, or to halley-limit's control port, whichever the options name.
absl::StatusOr<std::unique_ptr<PushPort>> OpenPushPort(const Plan& plan);

}  // namespace halley::load
