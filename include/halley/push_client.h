// PushClient: one connection to a node's push port. Calls are pipelined: any number of threads may
// start calls, they leave in batches, and replies are matched by id.
//
//   absl::StatusOr<std::unique_ptr<halley::PushClient>> client =
//       halley::PushClient::Connect({.address = "127.0.0.1:3108"});
//   if (!client.ok()) ...
//   absl::StatusOr<halley::PushReport> report =
//       (*client)->PushRooms({"live://1000"}, {.op = 1000, .body = "hi"});
//
// Every call comes twice: with a callback it returns at once, without one it waits for the answer.
//
// Errors     kUnavailable        the connection was lost after the call left, or there is none. The
//                                call may have been carried out: it is never repeated by itself
//            kDeadlineExceeded   no answer in time; may have been carried out, unless the text says
//                                that it was never sent
//            kUnauthenticated    the node wants another secret
//            kInvalidArgument    the node, or a limit of this client, refuses the call
//            kResourceExhausted  too many calls in flight, and the client may not wait
//            kCancelled          the client was destroyed first
// Reconnect  A lost connection is opened again after a random delay below a ceiling that doubles
//            (full jitter). Calls that have not left yet wait for it until their deadline.
// Order      Calls of one thread leave in their order, and a room numbers the messages of one
//            connection in theirs. Callbacks may run in any order.
// Threads    Thread-safe. One thread of its own, on which callbacks run: they should be short and
//            must not wait for another call. They may start calls; those never wait for room but
//            answer kResourceExhausted at once.
// Ownership  Copies what it is given. Destroying it answers every call in flight with kCancelled;
//            not from a callback.
// Limits     PushClientOptions, and the limits that the node tells when the connection opens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "halley/push_types.h"

namespace halley {

// TLS to a node that has push.tls_certificate. Files are PEM, and read when the client connects
// first.
struct PushTlsOptions {
  bool enabled = false;
  std::string ca_file;           // who may sign the node's certificate; empty: the system's
  std::string certificate_file;  // ours, where the node has push.tls_client_ca
  std::string key_file;          // empty: it is in the same file
  std::string server_name;       // whose certificate it must be; empty: the address' host
};

struct PushClientOptions {
  std::string address = "127.0.0.1:3108";  // host:port, [v6]:port
  std::string secret;                      // the node's push.secret
  PushTlsOptions tls;
  absl::Duration connect_timeout = absl::Seconds(5);  // one attempt, first answer included. Names
                                                      // are resolved without a limit of ours
  absl::Duration call_timeout = absl::Seconds(5);
  bool reconnect = true;
  absl::Duration backoff_min = absl::Milliseconds(50);  // ceiling of the first delay
  absl::Duration backoff_max = absl::Seconds(10);       // no ceiling grows above this
  size_t in_flight_max = 256;          // calls without an answer yet
  size_t queued_bytes_max = 16 << 20;  // calls that have not left yet; one call always fits
  bool wait_when_full = true;          // false: kResourceExhausted
  size_t reply_bytes_max = 64 << 20;
};

class PushClient {
 public:
  template <typename Result>
  using Callback = absl::AnyInvocable<void(absl::StatusOr<Result>)>;
  using Names = absl::Span<const std::string>;  // keys, or room ids
  using Mids = absl::Span<const int64_t>;

  // Waits until the node has answered, or says why it has not.
  static absl::StatusOr<std::unique_ptr<PushClient>> Connect(PushClientOptions options);
  // The same over a connected stream socket, which it takes over: for programs that open or inherit
  // their connections themselves. There is no second one, so what opens connections in `options`
  // means nothing; `options.address` is what messages call the node.
  static absl::StatusOr<std::unique_ptr<PushClient>> Over(int fd, PushClientOptions options);
  ~PushClient();
  PushClient(const PushClient&) = delete;
  PushClient& operator=(const PushClient&) = delete;

  absl::StatusOr<PushReport> PushKeys(Names keys, const PushMessage& message);
  absl::StatusOr<PushReport> PushMids(Mids mids, const PushMessage& message);
  absl::StatusOr<PushReport> PushRooms(Names rooms, const PushMessage& message);
  // `pace`: deliveries per second over the whole node; 0: as fast as they go.
  absl::StatusOr<PushReport> PushAll(const PushMessage& message, uint32_t pace = 0);
  absl::StatusOr<PushReport> KickKeys(Names keys);
  absl::StatusOr<PushReport> KickMids(Mids mids);
  // Rooms with members whose id starts with `prefix`, the first `limit` of them; 0: the node's default.
  absl::StatusOr<RoomList> Rooms(const std::string& prefix = "", uint32_t limit = 0,
                                 RoomOrder order = RoomOrder::kName);
  // Indices of the keys that are logged in.
  absl::StatusOr<std::vector<uint32_t>> Online(Names keys);
  absl::StatusOr<NodeFigures> Status();
  // Lets no client in after `grace`, and tells those that are here to go, evenly over `window`. Absent:
  // as the node's options have it. `taken`: how many there are now.
  absl::StatusOr<PushReport> BeginDrain(std::optional<absl::Duration> grace = std::nullopt,
                                        std::optional<absl::Duration> window = std::nullopt);
  absl::StatusOr<PushReport> EndDrain();
  // Has options, certificates and keys read again, as SIGHUP does.
  absl::StatusOr<ReloadReport> Reload();
  // For so long the node's log tells what happens to the clients of a key, a mid or an address; as ops and sizes, never
  // bodies. In whole seconds; 0: the node's default. Answered when every shard does.
  absl::StatusOr<TraceReport> BeginTrace(const TraceTarget& target,
                                         absl::Duration lasts = absl::ZeroDuration());
  absl::StatusOr<TraceReport> EndTrace(const TraceTarget& target);
  absl::StatusOr<TraceReport> Traces();

  void PushKeys(Names keys, const PushMessage& message, Callback<PushReport> done);
  void PushMids(Mids mids, const PushMessage& message, Callback<PushReport> done);
  void PushRooms(Names rooms, const PushMessage& message, Callback<PushReport> done);
  void PushAll(const PushMessage& message, uint32_t pace, Callback<PushReport> done);
  void KickKeys(Names keys, Callback<PushReport> done);
  void KickMids(Mids mids, Callback<PushReport> done);
  void Rooms(const std::string& prefix, uint32_t limit, Callback<RoomList> done,
             RoomOrder order = RoomOrder::kName);
  void Online(Names keys, Callback<std::vector<uint32_t>> done);
  void Status(Callback<NodeFigures> done);

  // Waits until no call is in flight; every call ends by its deadline.
  void Drain();

 private:
  class Impl;
  explicit PushClient(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace halley
