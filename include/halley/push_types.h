// What the push client gives and gets: plain values. The fields repeat proto/halley/push.proto.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace halley {

struct PushMessage {
  int32_t op = 1000;  // the frame's op, and what accept sets are asked for
  std::string body;
  bool batch = false;  // body is complete goim frames back to back, sent as they are
  // Above 0: the report comes when the message was delivered to all that took it, or is known never
  // to be, or after so long at the latest (in milliseconds, rounded up; a node allows a minute).
  // The call's own timeout counts from then.
  absl::Duration confirm = absl::ZeroDuration();
};

enum class PushRefusal : uint8_t {
  kOther = 0,        // named by a node newer than this client
  kOffline = 1,      // nobody of that key, mid or room is here
  kNotWatching = 2,  // here, but not watching the op
  kQueueFull = 3,    // a slow client whose queue has no room
};

// "offline" and so on: the name in JSON.
inline const char* PushRefusalName(PushRefusal why) {
  switch (why) {
    case PushRefusal::kOffline: return "offline";
    case PushRefusal::kNotWatching: return "not_watching";
    case PushRefusal::kQueueFull: return "queue_full";
    case PushRefusal::kOther: break;
  }
  return "other";
}

struct PushRefused {
  uint32_t index = 0;  // of the target in the request
  PushRefusal why = PushRefusal::kOther;
};

// What came of a push or a kick. Targets that are not among the refused were taken.
// What became of a message on the connections that took it; adds up to `taken`.
struct PushDeliveries {
  uint64_t delivered = 0;  // all its bytes were handed to the kernel
  uint64_t skipped = 0;    // never will be: the connection ended, or fell too far behind
  uint64_t pending = 0;    // not known when the time was up
};

struct PushReport {
  uint64_t taken = 0;                // connections it was queued for, or that were kicked
  std::vector<PushRefused> refused;  // by ascending index
  std::vector<uint64_t> sequence;    // rooms only: the number each room gave the message
  std::optional<PushDeliveries> deliveries;  // of a message with `confirm`
};

struct RoomMembers {
  std::string room;
  uint64_t members = 0;
};

// In byte order of their ids; those with the most members first, of equal ones as by name; or as they come, for
// those who want all.
enum class RoomOrder { kName, kMembers, kNone };

struct RoomList {
  std::vector<RoomMembers> rooms;  // in the order that was asked for
  uint64_t total = 0;              // rooms that matched, listed or not
};

struct NamedCount {
  std::string name;
  uint64_t count = 0;
};

// The books of deliveries. At rest: expected = delivered + the sum of skipped + pending.
struct DeliveryFigures {
  uint64_t pushed = 0;
  uint64_t appended = 0;
  uint64_t expected = 0;
  uint64_t delivered = 0;
  std::vector<NamedCount> skipped;  // by reason
  uint64_t pending = 0;
  uint64_t refused = 0;
  uint64_t filtered = 0;
  uint64_t log_bytes = 0;
  uint64_t queue_bytes = 0;
};

struct RingFigures {
  uint64_t enters = 0;
  uint64_t submissions = 0;
  uint64_t sends = 0;
  uint64_t send_exceptions = 0;
  uint64_t completions = 0;
  uint64_t cq_overflows = 0;
  std::string description;
  uint64_t tls_handshakes = 0;  // completed, with a certificate
  uint64_t tls_resumed = 0;     // completed by taking up an earlier session
  uint64_t tls_failures = 0;    // connections that ended for TLS' sake
  uint64_t held_bytes = 0;      // encrypted, and waiting for sockets with room
  uint64_t sent_bytes = 0;      // that the kernel took, to clients and pushers; inside TLS, encrypted
};

// How often something took how long. counts[i] is of what took longer than counts[i - 1] has, and at
// most 4096 ns shifted left by i; the last of all that took longer.
struct DurationFigures {
  std::vector<uint64_t> counts;
  uint64_t sum_ns = 0;

  uint64_t Count() const;
  // An upper bound of what the given share (0.99) took at most; 0 where nothing was counted,
  // UINT64_MAX where it is in the last bucket.
  uint64_t QuantileNs(double share) const;
  void Add(const DurationFigures& other);
};

// What came of reading the options again.
struct ReloadReport {
  std::vector<std::string> changed;       // keys of options that count from now on
  std::vector<std::string> need_restart;  // that were changed, and do not until the node starts again
  std::string error;  // not empty: nothing was changed, and why
};

// Whose clients the node's log tells of: one of the three.
struct TraceTarget {
  std::string key;
  int64_t mid = 0;  // not 0, which stands for anonymous clients
  std::string ip;   // "10.0.0.1" or "2001:db8::1"
};

struct TraceOn {
  TraceTarget target;
  uint32_t seconds_left = 0;
};

struct TraceReport {
  std::vector<TraceOn> traces;  // that are on now
  std::string error;            // not empty: nothing was changed, and why
};

struct ShardFigures {
  uint32_t shard = 0;
  uint64_t connections = 0;
  uint64_t channels = 0;
  uint64_t rooms = 0;
  uint64_t push_connections = 0;
  uint64_t push_requests = 0;
  uint64_t push_invalid = 0;
  uint64_t push_unauthorized = 0;
  uint64_t push_refused = 0;  // push connections above their limit
  uint64_t accepted = 0;
  uint64_t logins = 0;
  uint64_t moved_in = 0;
  uint64_t moved_out = 0;
  uint64_t accept_errors = 0;
  uint64_t stale_completions = 0;
  uint64_t bytes_received = 0;
  uint64_t turns = 0;
  uint64_t cpu_ns = 0;
  uint64_t buffer_bytes = 0;
  uint64_t mailbox_commands = 0;  // from other shards, waiting to be done
  std::vector<NamedCount> dialects;  // channels by what they speak
  DurationFigures turn_time;  // of the shard's loop, without its sleep
  DurationFigures push_time;  // from a push to when everybody who keeps up had been sent it
  bool draining = false;     // no client is let in, and those that are here are told to go
  // Where addresses are limited, of the whole node, told by its first shard.
  uint64_t addresses = 0;                // with connections of clients; of IPv6, their /64
  uint64_t addresses_without_place = 0;  // connections let in though limits.ip_table was full
  std::string memory_stage;  // plenty, short_logs, no_connects, skip_low, close_slow
  DeliveryFigures deliveries;
  std::vector<NamedCount> closed;  // client connections by close reason
  std::vector<NamedCount> refused_logins;  // by cause; empty where the backend knows none
  RingFigures ring;
};

struct NodeFigures {
  std::vector<ShardFigures> shards;
};

}  // namespace halley
