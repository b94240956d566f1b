#include "sim/sim_net.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sim/sim_ring.h"

namespace halley::sim {
namespace {

// Between two bytes that arrive alone, at most.
constexpr uint64_t kByteDelayNs = 20'000;

}  // namespace

size_t SimNet::Capacity() {
  const Faults& faults = core_.faults();
  return static_cast<size_t>(rng_.Between(faults.socket_bytes_min, faults.socket_bytes_max));
}

Listener* SimNet::Listen(shard::ListenerKind kind, SimRing* ring) {
  listeners_.push_back(std::make_unique<Listener>());
  listeners_.back()->kind = kind;
  listeners_.back()->ring = ring;
  return listeners_.back().get();
}

// --- the peers' side

Link* SimNet::Connect(Peer* peer, shard::ListenerKind kind, uint32_t shard) {
  links_.push_back(std::make_unique<Link>());
  Link* link = links_.back().get();
  link->id = static_cast<uint32_t>(links_.size());
  link->peer = peer;
  link->shard = shard;
  link->receive_capacity = Capacity();
  link->send_capacity = Capacity();
  link->bytewise = core_.Strike(Fault::kBytewise);
  Listener* to = nullptr;
  for (const auto& listener : listeners_) {
    if (listener->kind == kind && listener->ring->shard() == shard) to = listener.get();
  }
  core_.After(core_.Delay(core_.faults().network_delay_ns), [this, link, to] { Arrive(link, to); });
  return link;
}

void SimNet::Arrive(Link* link, Listener* listener) {
  if (link->broken || link->vanished) return;
  link->arrived = true;
  if (listener == nullptr || !listener->open) {
    link->server_gone = true;
    Break(link);
    return;
  }
  listener->backlog.push_back(link);
  listener->ring->OnArrival(listener->fd);
  ScheduleTransfer(link);
}

void SimNet::Send(Link* link, std::string_view bytes) {
  if (link->broken || link->client_fin || link->client_gone || link->vanished) return;
  link->sending.append(bytes);
  ScheduleTransfer(link);
}

void SimNet::Finish(Link* link) {
  if (link->broken || link->client_fin || link->vanished) return;
  link->client_fin = true;
  ScheduleTransfer(link);
}

void SimNet::Leave(Link* link) {
  link->over = true;
  if (link->client_gone || link->vanished) return;
  link->client_gone = true;
  if (!link->undelivered.empty()) {
    Break(link);
  } else {
    Finish(link);
  }
}

void SimNet::Abort(Link* link) {
  link->over = true;
  link->client_gone = true;
  if (!link->vanished) Break(link);
}

void SimNet::Vanish(Link* link) {
  link->over = true;
  link->vanished = true;
}

void SimNet::Stall(Link* link, bool stalled) {
  link->stalled = stalled;
  if (!stalled) ScheduleDelivery(link);
}

void SimNet::Calm() {
  for (const auto& link : links_) link->bytewise = false;
}

// --- on the way

void SimNet::ScheduleTransfer(Link* link) {
  if (link->transfer_due || !link->arrived) return;
  link->transfer_due = true;
  const uint64_t delay_ns = link->bytewise ? kByteDelayNs : core_.faults().network_delay_ns;
  core_.After(1 + rng_.Below(delay_ns), [this, link] { Transfer(link); });
}

void SimNet::Transfer(Link* link) {
  link->transfer_due = false;
  if (link->broken || link->vanished) return;
  if (link->server_gone) {
    if (!link->sending.empty()) Break(link);
    return;
  }
  uint32_t edge = 0;
  const size_t room = link->receive_capacity - std::min(link->receive_capacity, link->unread.size());
  size_t bytes = std::min(room, link->sending.size());
  if (bytes > 0) {
    if (link->bytewise) bytes = 1;
    if (rng_.Below(2) == 0) bytes = static_cast<size_t>(rng_.Between(1, bytes));
    link->sending.MoveTo(&link->unread, bytes);
    edge = io::kReadable;
  }
  if (link->sending.empty() && link->client_fin && !link->fin_arrived &&
      (bytes == 0 || rng_.Below(2) == 0)) {
    link->fin_arrived = true;
    edge |= io::kReadable | io::kEnded;
  }
  if (edge != 0) Edge(link, edge);
  const bool more = link->sending.empty() ? link->client_fin && !link->fin_arrived : room > bytes;
  if (more) ScheduleTransfer(link);
}

void SimNet::ScheduleDelivery(Link* link) {
  if (link->delivery_due || link->over || link->stalled) return;
  link->delivery_due = true;
  core_.After(1 + rng_.Below(core_.faults().network_delay_ns), [this, link] { Deliver(link); });
}

void SimNet::Deliver(Link* link) {
  link->delivery_due = false;
  if (link->over || link->stalled || link->vanished) return;
  if (!link->undelivered.empty()) {
    size_t bytes = link->undelivered.size();
    if (rng_.Below(2) == 0) bytes = static_cast<size_t>(rng_.Between(1, bytes));
    const std::string read = link->undelivered.substr(0, bytes);
    link->undelivered.erase(0, bytes);
    link->delivered_bytes += bytes;
    TellRoom(link);
    link->peer->OnBytes(read);
    if (link->over) return;
  }
  if (!link->undelivered.empty()) {
    ScheduleDelivery(link);
  } else if (link->broken || link->server_fin) {
    link->over = true;
    link->peer->OnEnd(link->broken);
  }
}

// As Linux: a writer that met a full buffer is told when a third of it is free.
void SimNet::TellRoom(Link* link) {
  if (!link->short_of_room || link->broken || !HasRoom(*link)) return;
  link->short_of_room = false;
  Edge(link, io::kWritable);
}

void SimNet::Break(Link* link) {
  if (link->broken) return;
  core_.Note("break", link->id);
  link->broken = true;
  link->sending.clear();
  // A reset overtakes what is on its way, all of it or a part.
  if (!link->undelivered.empty()) {
    link->undelivered.resize(static_cast<size_t>(rng_.Below(link->undelivered.size() + 1)));
  }
  Edge(link, io::kReadable | io::kWritable | io::kEnded | io::kHangup);
  ScheduleDelivery(link);
}

void SimNet::Edge(Link* link, uint32_t readiness) {
  if (link->ring != nullptr) link->ring->OnEdge(link->fd, readiness);
}

// --- the rings' side

io::Received SimNet::Receive(Link* link, char* buffer, size_t bytes) {
  if (core_.Strike(Fault::kReceiveExhausted)) return {io::Outcome::kExhausted, 0};
  if (!link->broken && !link->server_gone && core_.Strike(Fault::kReset)) Break(link);
  if (!link->unread.empty()) {
    const size_t count = std::min(bytes, link->unread.size());
    std::memcpy(buffer, link->unread.data(), count);
    link->unread.erase(0, count);
    ScheduleTransfer(link);
    return {io::Outcome::kOk, count};
  }
  if (link->broken) {
    const bool told = std::exchange(link->reset_told, true);
    return {told ? io::Outcome::kEnd : io::Outcome::kReset, 0};
  }
  if (link->fin_arrived || link->server_shut) return {io::Outcome::kEnd, 0};
  return {io::Outcome::kAgain, 0};
}

int32_t SimNet::Take(Link* link, absl::Span<const iovec> parts) {
  if (!link->broken && core_.Strike(Fault::kReset)) Break(link);
  if (link->broken) return std::exchange(link->reset_told, true) ? -EPIPE : -ECONNRESET;
  std::string bytes;
  for (const iovec& part : parts) bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
  const size_t asked = bytes.size();
  const size_t room = link->send_capacity - std::min(link->send_capacity, link->undelivered.size());
  size_t count = std::min(asked, room);
  if (count > 0 && core_.Strike(Fault::kShortSend)) {
    count = rng_.Below(2) == 0 ? 0 : static_cast<size_t>(rng_.Below(count));
  }
  if (count < asked) {
    link->short_of_room = true;
    // Nothing that is read would tell about room that is there already.
    core_.After(core_.Delay(core_.faults().network_delay_ns), [this, link] { TellRoom(link); });
  }
  if (count == 0) return 0;
  bytes.resize(count);
  link->undelivered += bytes;
  link->taken_bytes += count;
  link->peer->OnTaken(bytes);
  if (link->client_gone) {
    core_.After(core_.Delay(core_.faults().network_delay_ns), [this, link] { Break(link); });
  } else {
    ScheduleDelivery(link);
  }
  return static_cast<int32_t>(count);
}

void SimNet::ShutdownWrite(Link* link) {
  link->server_fin = true;
  ScheduleDelivery(link);
}

void SimNet::Shutdown(Link* link) {
  link->server_shut = true;
  Edge(link, io::kReadable | io::kEnded | io::kHangup);
  ShutdownWrite(link);
}

void SimNet::Close(Link* link) {
  link->ring = nullptr;
  link->fd = -1;
  link->server_gone = true;
  if (!link->unread.empty()) {
    // As Linux: closing with something unread is a reset.
    Break(link);
    return;
  }
  ShutdownWrite(link);
  ScheduleTransfer(link);
}

void SimNet::CloseListener(Listener* listener) {
  listener->open = false;
  for (Link* link : listener->backlog) {
    link->server_gone = true;
    Break(link);
  }
  listener->backlog.clear();
}

uint32_t SimNet::Readiness(const Link& link) const {
  uint32_t readiness = 0;
  if (!link.unread.empty()) readiness |= io::kReadable;
  if (link.fin_arrived || link.server_shut) readiness |= io::kReadable | io::kEnded;
  if (link.fin_arrived) readiness |= io::kEnded;
  if (HasRoom(link)) readiness |= io::kWritable;
  if (link.broken) readiness |= io::kReadable | io::kWritable | io::kEnded | io::kHangup;
  return readiness;
}

bool SimNet::Quiet() const {
  for (const auto& link : links_) {
    if (link->broken && link->over) continue;
    if (link->transfer_due || link->delivery_due) return false;
  }
  return true;
}

}  // namespace halley::sim
