// Transport: how calls reach one address of a backend. The engine decides which call goes where and
// when, how long it may take and whether it is made again; a transport writes it, reads the answer and
// judges how it went.
//
// Threads    The engine's, all of it. What a transport learns on threads of its own it keeps for Report().
// Ownership  Calls are borrowed for Start(). Answers are moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "backend/backend.h"
#include "remote/call.h"

namespace halley::remote {

// Never repeats in the life of an engine.
using AddressId = uint64_t;
using ExchangeId = uint64_t;

enum class Outcome : uint8_t {
  kAnswered,   // in the protocol, be it yes or no
  kNotSent,    // the backend cannot have heard it: nobody there, no such name, no TLS
  kFailed,     // it may have: the connection broke, or it says that it could not
  kTimedOut,
  kBadAnswer,  // it has, and its answer is not one that we understand
};
inline constexpr size_t kOutcomes = 5;

struct Result {
  Outcome outcome = Outcome::kFailed;
  backend::ConnectReply connect;  // of a kConnect that was answered
  backend::RefreshReply refresh;  // of a kRefresh that was
  std::string why;                // of what was not answered; for the operator, without secrets
};

class TransportSink {
 public:
  virtual ~TransportSink() = default;
  virtual void OnDone(ExchangeId exchange, Result result) = 0;
  virtual void OnProbed(AddressId address, bool usable, std::string_view why) = 0;
};

// What of the interface the protocol has a place for.
struct Traits {
  // A disconnect names the connection (its serial), so that a backend can tell a stale one. Without, one
  // is not told while its key is live, and all that is told about a key is told in order.
  bool carries_serial = false;
  // kOnline follows every login that came to something.
  bool announces = false;
  // kOnline follows a login that a stale disconnect may have overtaken; where nothing carries serials.
  bool repairs = false;
  bool heartbeats = false;
  bool messages = false;
  bool refreshes = false;
  bool address = false;  // a kConnect names the client's
  size_t disconnects_max = 1;  // in one exchange
};

class Transport {
 public:
  virtual ~Transport() = default;

  virtual Traits traits() const = 0;

  // From here on the address may be named; from Remove() on it is not, but its exchanges go on.
  virtual void Add(AddressId address, std::string_view name) = 0;
  virtual void Remove(AddressId address) = 0;

  // Begins an exchange: one call, or several kDisconnect. Ends with one OnDone().
  virtual void Start(ExchangeId exchange, AddressId address, absl::Span<const Call* const> calls,
                     uint64_t timeout_ms) = 0;
  // Gives an exchange up: OnDone() will not be called for it.
  virtual void Cancel(ExchangeId exchange) = 0;
  // Asks whether the address can be used. Ends with one OnProbed(), unless Remove() comes
  // first; one at a time for each.
  virtual void Probe(AddressId address, uint64_t timeout_ms) = 0;

  // Waits until there may be something to report, `wake_fd` is readable, or `wait_ms` are over. Leaves
  // `wake_fd` unread. May return early for no reason.
  virtual void Wait(int wake_fd, uint64_t wait_ms) = 0;
  // Tells what has ended. Nothing else tells; the sink does not ask for more meanwhile.
  virtual void Report(TransportSink* sink) = 0;
};

}  // namespace halley::remote
