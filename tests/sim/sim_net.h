// SimNet: TCP between simulated peers and shards: connections with bounded buffers in both
// directions, listeners with backlogs, resets, half-closes, clients that stall or vanish.
//
// Threads    One.
// Ownership  Owns its links for the whole run; a peer outlives the run.
// Invariant  Bytes are neither lost, changed nor reordered while a connection is not broken.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "io/ring.h"
#include "shard/shard.h"
#include "sim/peer.h"
#include "sim/sim_core.h"

namespace halley::sim {

class SimRing;

// Bytes that go in at the end and out at the front. A client may send megabytes, and one at a time
// may arrive: what is gone is not moved up each time.
class Backlog {
 public:
  bool empty() const { return begin_ == bytes_.size(); }
  size_t size() const { return bytes_.size() - begin_; }
  void append(std::string_view bytes) { bytes_.append(bytes); }
  void MoveTo(std::string* to, size_t count) {
    to->append(bytes_, begin_, count);
    begin_ += count;
    if (2 * begin_ < bytes_.size()) return;
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  void clear() {
    bytes_.clear();
    begin_ = 0;
  }

 private:
  std::string bytes_;
  size_t begin_ = 0;
};

// One TCP connection. The server's end is a descriptor of some ring, or on its way to be one.
struct Link {
  uint32_t id = 0;
  Peer* peer = nullptr;
  std::string address = "10.0.0.1";  // of the client's end
  uint32_t shard = 0;       // where the server's end is, or was last
  SimRing* ring = nullptr;  // null: in a backlog, on a road between shards, or closed
  int32_t fd = -1;

  // Client to server.
  Backlog sending;  // written by the client, on its way
  std::string unread;   // in the server's receive buffer
  size_t receive_capacity = 0;
  bool client_fin = false;   // the client's end of stream follows `sending`
  bool fin_arrived = false;  // and is there

  // Server to client.
  std::string undelivered;  // taken from the server, not read by the client
  size_t send_capacity = 0;
  bool short_of_room = false;  // a send came out short: a writable edge is owed
  bool server_fin = false;
  bool server_shut = false;  // shut down for reading too
  bool server_gone = false;  // closed

  bool arrived = false;   // the listener's kernel knows it
  bool accepted = false;
  bool bytewise = false;  // its bytes arrive one at a time
  bool broken = false;    // by a reset
  bool reset_told = false;
  bool over = false;      // for the peer: nothing is told to it any more
  bool client_gone = false;  // the client has closed: what is sent to it comes back as a reset
  bool stalled = false;      // the client does not read
  bool vanished = false;     // nothing is heard of the client any more, and it hears nothing
  bool transfer_due = false;
  bool delivery_due = false;

  uint64_t taken_bytes = 0;      // by the server's socket
  uint64_t delivered_bytes = 0;  // read by the client
};

struct Listener {
  shard::ListenerKind kind = shard::ListenerKind::kTcp;
  SimRing* ring = nullptr;
  int32_t fd = -1;
  bool open = true;
  std::deque<Link*> backlog;
};

class SimNet {
 public:
  explicit SimNet(SimCore* core) : core_(*core), rng_(core->rng.Fork()) {}
  SimNet(const SimNet&) = delete;
  SimNet& operator=(const SimNet&) = delete;

  Listener* Listen(shard::ListenerKind kind, SimRing* ring);

  // --- the peers' side
  // The kernel has chosen the shard. What is sent before the connection stands follows it.
  Link* Connect(Peer* peer, shard::ListenerKind kind, uint32_t shard);
  void Send(Link* link, std::string_view bytes);
  // The client's end of stream; it goes on reading.
  void Finish(Link* link);
  // The client closes: an end of stream, or a reset when it had something left to read.
  void Leave(Link* link);
  void Abort(Link* link);
  void Vanish(Link* link);
  void Stall(Link* link, bool stalled);
  // No connection's bytes arrive one at a time any more.
  void Calm();
  // A send buffer of this size from now on.
  void SetSendCapacity(Link* link, size_t bytes) { link->send_capacity = bytes; }

  // --- the rings' side
  io::Received Receive(Link* link, char* buffer, size_t bytes);
  // Bytes taken, or -errno.
  int32_t Take(Link* link, absl::Span<const iovec> parts);
  void ShutdownWrite(Link* link);
  void Shutdown(Link* link);
  void Close(Link* link);
  void CloseListener(Listener* listener);
  // What a poll would say now.
  uint32_t Readiness(const Link& link) const;

  const std::vector<std::unique_ptr<Link>>& links() const { return links_; }
  // Nothing is on its way in either direction, but to peers that do not read.
  bool Quiet() const;

 private:
  size_t Capacity();
  void Arrive(Link* link, Listener* listener);
  void ScheduleTransfer(Link* link);
  void Transfer(Link* link);
  void ScheduleDelivery(Link* link);
  void Deliver(Link* link);
  void TellRoom(Link* link);
  void Break(Link* link);
  void Edge(Link* link, uint32_t readiness);
  static bool HasRoom(const Link& link) {
    return link.undelivered.size() * 3 <= link.send_capacity * 2;
  }

  SimCore& core_;
  Rng rng_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace halley::sim
