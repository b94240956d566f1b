// Ring: the seam to the kernel. One per shard; everything a shard asks of the outside world goes
// through it, the clock included, so that a whole shard runs on a simulated one.
//
// What goes through the kernel is never a pointer: a Tag {slot, generation, op} is given with each
// operation and comes back with its completions. Whoever owns the slots checks the generation.
//
// Nothing lent: sends are decided when the call returns, so no byte of a message is ever borrowed
// by the kernel across calls. A connection has at most one operation armed: a one-shot poll while
// it shakes hands, a multishot watch afterwards that reports both readable and writable edges.
//
// Threads    Constructed on any thread; everything else on the shard's own, from Start() on.
// Ownership  Borrows buffers for the call. Owns no descriptor that it reports; Close() ends one.
// Errors     Negative errno values stay below this interface: they come out as Outcome.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/fanout.h"

namespace halley::io {

enum class Op : uint8_t {
  kNone = 0,
  kAccept,     // multishot; value = the new descriptor
  kPollOnce,   // one-shot; value = readiness bits
  kWatch,      // multishot, edge-like; value = readiness bits
  kWake,       // another shard published something for this one; tag.slot = which
};

struct Tag {
  uint32_t slot = 0;        // 24 bits
  uint32_t generation = 0;  // 24 bits
  Op op = Op::kNone;        // 8 bits
};

inline constexpr uint32_t kReadable = 1;  // data, or the peer's end of stream
inline constexpr uint32_t kWritable = 2;
inline constexpr uint32_t kHangup = 4;    // error or full hang-up; reading tells which
// The peer has ended its stream, perhaps behind data that is unread: no other edge will tell.
inline constexpr uint32_t kEnded = 8;

enum class Outcome : uint8_t {
  kOk,
  kAgain,      // nothing now; try when told
  kEnd,        // end of stream (Receive), or the operation was cancelled (completions)
  kReset,      // the peer or the network broke the connection
  kExhausted,  // out of descriptors or memory: back off and try again
  kNotProxied,  // (Receive) a proxy did not say whose connection it is
  kInsecure,   // (Receive) what came is not TLS, or not from somebody whom we let in
  kFailed,     // anything else; for an operation on a connection: it is dead
};

struct Completion {
  Tag tag;
  Outcome outcome = Outcome::kOk;
  bool more = false;  // false: the operation is over; a multishot must be armed again
  uint32_t value = 0;
};

struct Received {
  Outcome outcome;  // kOk, kAgain, kEnd, kReset, kExhausted, kNotProxied, kInsecure or kFailed
  size_t bytes;     // > 0 exactly when outcome is kOk
};

// One send of its own payload; for replies and personal queues.
struct SendRequest {
  int32_t fd;
  const iovec* parts;  // lives until SendEach() returns
  uint32_t parts_count;
};

// A descriptor on its way to another shard. The token names the mailbox item that describes it.
struct Passage {
  int32_t fd;  // -1 on arrival: the kernel could not deliver it (EMFILE)
  uint32_t token;
};

// What the kernel has counted of a connection: with what was sent again, and below TLS.
struct Traffic {
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint32_t retransmits = 0;  // segments
};

struct TlsCounters {
  uint64_t handshakes = 0;  // that were completed, with a certificate
  uint64_t resumed = 0;     // that took up an earlier session
  uint64_t failures = 0;    // connections that ended for TLS' sake, before or after
};

struct RingCounters {
  uint64_t enters = 0;           // system calls that submitted or waited
  uint64_t submissions = 0;      // operations handed to the kernel
  uint64_t sends = 0;            // sends asked for, fan-out and each
  uint64_t send_exceptions = 0;  // of these, short or failed
  uint64_t sent_bytes = 0;       // that the kernel took
  uint64_t completions = 0;
  uint64_t cq_overflows = 0;     // times the kernel reported an overflowing completion queue
  uint64_t held_bytes = 0;       // encrypted, and waiting for a socket with room
  TlsCounters tls;
};

class Ring {
 public:
  static constexpr size_t kBatchMax = 128;     // targets per SendSame(), requests per SendEach()
  static constexpr size_t kSpanPartsMax = 64;  // iovecs of one send
  static constexpr size_t kPassagesMax = 64;   // descriptors per PassDescriptors()

  virtual ~Ring() = default;

  // Makes the calling thread the ring's owner. Called once, before anything below.
  virtual absl::Status Start() = 0;

  // Nanoseconds on the monotonic clock.
  virtual uint64_t NowNs() = 0;
  // Whole seconds since 1970: what the host's clock says now, however it was set meanwhile.
  virtual uint64_t WallS() = 0;

  // Arms a multishot accept. Accepted descriptors are non-blocking in effect (every call below is)
  // and have every socket option from the listener. Without `more` it must be armed again; at once
  // for kFailed, after a pause for kExhausted. Shutdown() of the listener ends it with kFailed.
  virtual void Accept(Tag tag, int listener) = 0;

  // Arms a one-shot poll for reading (or hang-up). Completes exactly once.
  virtual void PollOnce(Tag tag, int fd) = 0;

  // Arms a multishot watch for reading, writing and hang-up. Edge-like: one completion may stand
  // for several arrivals, and there is none for data that was left unread. Arming reports what is
  // there already, so a first completion usually comes at once. Must be armed again when a
  // completion lacks `more`.
  virtual void Watch(Tag tag, int fd) = 0;

  // Ends what was armed under `tag` (op included). Its last completion, without `more`, follows;
  // the cancel itself completes silently.
  virtual void Cancel(Tag tag) = 0;

  // Reads what is there, without waiting.
  virtual Received Receive(int fd, char* buffer, size_t bytes) = 0;

  // Sends the same bytes (at most kSpanPartsMax parts) to at most kBatchMax targets. Decided when
  // it returns: a target not named in `exceptions` has taken every byte. `exceptions` is appended
  // to, in ascending index; result 0 stands for "nothing taken, would block". A watch says when
  // there is room again, except when the host was out of memory: look again after a while, too.
  virtual void SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                        std::vector<base::SendException>* exceptions) = 0;

  // Sends each request's own bytes; at most kBatchMax of them. Decided as SendSame().
  virtual void SendEach(absl::Span<const SendRequest> requests,
                        std::vector<base::SendException>* exceptions) = 0;

  // Half-closes: the peer sees the end of the stream after what was sent.
  virtual void ShutdownWrite(int fd) = 0;
  // Both directions; ends what is armed for reading soon, sends FIN now.
  virtual void Shutdown(int fd) = 0;
  // Gives the descriptor up. Nothing may be armed on it.
  virtual void Close(int fd) = 0;

  // The peer's address as "1.2.3.4:5" or "[::1]:5"; empty when unknown. A system call.
  virtual std::string PeerAddress(int fd) = 0;
  // Nothing when it is not known. A system call.
  virtual std::optional<Traffic> TrafficOf(int fd) = 0;

  // Makes another shard's ring complete one kWake, by the next Enter() at the latest; wakes that it
  // has not heard of yet may become one. Nothing happens when that shard has not started or has
  // ended.
  virtual void Wake(uint32_t shard) = 0;

  // Sends descriptors to another shard's ring, all or none; false: no room now, try next turn. On
  // true the caller's copies are closed.
  [[nodiscard]] virtual bool PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) = 0;
  // Takes descriptors that `from_shard` sent, in the order it sent them; returns how many. `in` has
  // room for kPassagesMax at least.
  virtual size_t TakeDescriptors(uint32_t from_shard, absl::Span<Passage> in) = 0;

  // Submits what was armed, unless arming did, and waits at most `wait_ns` for a completion (0:
  // does not wait). May return early for no reason.
  virtual void Enter(uint64_t wait_ns) = 0;
  // Moves completions that have arrived into `out`; returns how many. Makes no system call.
  virtual size_t Reap(absl::Span<Completion> out) = 0;

  virtual const RingCounters& counters() const = 0;
  // One line about the kernel features in use, for the log and the status.
  virtual std::string Describe() const = 0;
};

}  // namespace halley::io
