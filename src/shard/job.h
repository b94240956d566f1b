// Job: what a pusher asks of the node, and JobResult: what came of it on all shards.
//
// The push service decodes a request into a Job and gives it to its shard's JobRunner; the shard
// routes it (key -> shard, room -> home shard), gathers what every shard reports and answers through
// RpcHandler::OnJobDone() in a later turn, or in the call itself. Of kRooms the rooms come before that, a slice at
// a time over many turns, for there may be a million.
//
// Threads    A Job is immutable once it runs and is read by several shards. A JobResult belongs to
//            whoever holds it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "config/options.h"
#include "shard/status.h"
#include "shard/trace.h"
#include "wire/close_reason.h"

namespace halley::shard {

enum class JobKind : uint8_t {
  kPushKeys,
  kPushMids,
  kPushRooms,
  kPushAll,
  kKickKeys,
  kKickMids,
  kRooms,   // rooms with members and their counts over all shards
  kOnline,  // which of `names` (keys) are logged in on this node
  kStatus,
  kDrain,    // tells the node's clients to go
  kUndrain,
  kReload,   // has the options read again
  kTraceBegin,
  kTraceEnd,
  kTraces,   // which traces are on
};

// How rooms are listed.
enum class RoomOrder : uint8_t {
  kName,     // byte order of their ids
  kMembers,  // those with the most members first; of equal ones as by name
  kNone,     // as they come
};

struct RoomsQuery {
  std::string prefix;
  uint32_t limit = 0;  // of rooms that are listed
  RoomOrder order = RoomOrder::kName;
};

struct Job {
  JobKind kind = JobKind::kStatus;
  bool batch = false;              // body is a concatenation of complete goim frames (op 9)
  int32_t op = 0;                  // what accept sets are asked for, and the frame's op
  uint32_t pace = 0;               // kPushAll: deliveries per second over the node; 0: no pace
  uint32_t confirm_ms = 0;         // pushes: the result may wait so long for the deliveries; 0: not
  std::string body;
  std::vector<std::string> names;  // keys, or room ids
  std::vector<int64_t> mids;
  RoomsQuery rooms;                   // kRooms
  std::optional<uint32_t> grace_ms;   // kDrain: else as the options have them
  std::optional<uint32_t> window_ms;
  TraceTarget trace;                  // kTraceBegin, kTraceEnd
  uint32_t trace_s = kTraceSecondsDefault;
};

enum class Refusal : uint8_t {
  kOffline,      // no such key, mid or room is here
  kNotWatching,  // here, but the op is not in its accept set
  kQueueFull,    // a slow client whose personal queue has no room
};

struct Refused {
  uint32_t index;  // into names or mids
  Refusal why;
};

// Borrowed: valid as long as whoever hands it out says.
struct RoomCount {
  std::string_view room;
  uint64_t members;
};

// Of a push whose deliveries were waited for: what became of it on the channels that took it.
struct Deliveries {
  uint64_t delivered = 0;  // all its bytes were handed to the kernel
  uint64_t skipped = 0;    // never will be
  uint64_t pending = 0;    // not known when the time was up
};

// What came of reading the options again.
struct Reloaded {
  std::vector<std::string> changed;       // keys of options that count from now on
  std::vector<std::string> need_restart;  // of those that were changed and do not
  std::string error;                      // not empty: nothing was changed, and why
};

// What came of beginning or ending a trace, or of asking for them.
struct Traced {
  struct On {
    TraceTarget target;
    uint32_t seconds_left;
  };
  std::vector<On> traces;  // that are on now
  std::string error;       // not empty: nothing was changed, and why
};

struct JobResult {
  uint64_t taken = 0;              // channels that the message was appended for, or were kicked, or
                                   // are to go
  std::vector<Refused> refused;    // targets that nobody took; ascending index
  std::vector<uint64_t> sequence;  // kPushRooms: the number each room's home gave the message
  uint64_t rooms_total = 0;        // kRooms: that match, listed or not
  std::vector<uint32_t> online;    // kOnline: indices of the keys that are here, ascending
  std::vector<ShardStatus> status; // kStatus: one per shard
  std::optional<Deliveries> deliveries;  // pushes with confirm_ms
  Reloaded reloaded;               // kReload
  Traced traced;                   // kTraceBegin, kTraceEnd, kTraces
};

// A push connection on a shard.
struct RpcId {
  uint32_t slot = 0;
  uint32_t generation = 0;
};

// What the shard offers to the push service.
class JobRunner {
 public:
  virtual ~JobRunner() = default;
  // Runs `job`; `ticket` comes back with the result. Never refuses: what is in flight is bounded by
  // the caller (PushOptions::pipelined).
  virtual void RunJob(RpcId connection, uint64_t ticket, Job job) = 0;
  // Queues bytes for the pusher. Dropped silently when the connection has ended.
  virtual void SendRpc(RpcId connection, std::string_view bytes) = 0;
  // Stops (true) or resumes (false) reading from the pusher: how a full pipeline pushes back.
  virtual void PauseRpc(RpcId connection, bool paused) = 0;
};

// What the push service is to the shard. One per shard, used on its thread only.
class RpcHandler {
 public:
  virtual ~RpcHandler() = default;
  virtual void Attach(JobRunner* runner) = 0;  // once, before anything else
  // `inside`: by this very process, which has no secret to show.
  virtual void OnOpened(RpcId connection, bool inside) = 0;
  // One whole frame (wire/rpc_frame.h). Anything but kNone closes the connection with that reason,
  // after what was queued with SendRpc() has been sent.
  [[nodiscard]] virtual wire::CloseReason OnFrame(RpcId connection, std::string_view payload) = 0;
  // The next rooms of a kRooms job's result, in their order; valid in the call.
  virtual void OnRooms(RpcId connection, uint64_t ticket, absl::Span<const RoomCount> rooms) = 0;
  virtual void OnJobDone(RpcId connection, uint64_t ticket, JobResult result) = 0;
  virtual void OnClosed(RpcId connection) = 0;
  // Options were read again; what may not change at run time is as it was.
  virtual void OnOptions(const config::Options& options) = 0;
  // Whether the connection has shown the secret it must show before its auth deadline.
  virtual bool Authorized(RpcId connection) const = 0;
  // Adds what the push service counts on this shard to the shard's own figures.
  virtual void AddStatus(ShardStatus* status) const = 0;
};

}  // namespace halley::shard
