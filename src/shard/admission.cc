// Shard: letting clients in, and holding them to the limits of the node while they are here.
//
// An address is counted from the moment it is known: at the accept, or, where a proxy stands between,
// with the client's first event. It is given back where the client stops being counted, whatever the
// way, and goes along where it moves to another shard.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/assert.h"
#include "shard/client_address.h"
#include "shard/shard.h"
#include "wire/http_answer.h"

namespace halley::shard {

void Shard::OpenClient(int32_t fd, session::Transport transport) {
  if (evacuation_.under_way) {
    TurnAway(fd, transport, wire::CloseReason::kDraining);
    return;
  }
  const bool full = fabric_.ConnectionsCount() >= options_.shard.connections_max ||
                    memory_stage_ >= MemoryStage::kNoConnects;
  wire::CloseReason refusal = full ? wire::CloseReason::kServerFull : wire::CloseReason::kNone;
  AddressKey seat = kNoAddress;
  if (gate_ != nullptr && !full) refusal = AskGate(fd, &seat);
  Connection* connection = nullptr;
  if (refusal == wire::CloseReason::kNone) {
    connection = connections_.New(fd, transport);
    if (connection == nullptr) refusal = wire::CloseReason::kServerFull;
  }
  if (connection == nullptr) {
    if (gate_ != nullptr) gate_->GiveBack(seat);
    TurnAway(fd, transport, refusal);
    return;
  }
  ++clients_;
  fabric_.notice(index_).connections.store(clients_, std::memory_order_relaxed);
  connection->serial = ++next_serial_ * fabric_.shards() + index_;
  if (gate_ != nullptr) TakeSeat(*connection, seat, {});
  if (watch_.wants_accepts()) watch_.OnAccepted(*connection);
  SetDeadline(*connection, now_ns_ + uint64_t{options_.client.handshake_timeout_ms} * 1'000'000);
  if (options_.listen.defer_accept_s > 0) {
    // It is here because it has sent something.
    QueueReadable(*connection);
  } else {
    Arm(*connection, io::Op::kPollOnce);
  }
}

// It gets no slot, so all it hears is what can be said at once.
void Shard::TurnAway(int32_t fd, session::Transport transport, wire::CloseReason reason) {
  ++counts_.closed[static_cast<size_t>(reason)];
  // What lies unread would make a reset of the answer.
  ring_.Receive(fd, round_.hot_buffer().data(), io::Round::kReadBytes);
  farewell_.clear();
  session::ClientSession(transport).AppendFarewell(reason, &farewell_);
  SendTo(fd, farewell_);
  if (watch_.wants_accepts()) watch_.OnTurnedAway(fd, transport, reason);
  ring_.Close(fd);
}

// Its address is asked first, so that who comes too often does not use up what the node may take.
wire::CloseReason Shard::AskGate(int32_t fd, AddressKey* seat) {
  if (gate_->wants_addresses()) {
    const std::optional<base::Endpoint> peer = base::ParseEndpoint(ring_.PeerAddress(fd));
    if (peer.has_value() && proxies_.Contains(peer->ip)) {
      *seat = kAddressToCome;
    } else if (peer.has_value()) {
      const wire::CloseReason refusal = gate_->AdmitAddress(peer->ip, now_ns_, seat);
      if (refusal != wire::CloseReason::kNone) return refusal;
    }
  }
  return gate_->AdmitToNode(gate_->handshakes_max() == 0 ? 0 : HandshakesCount(), now_ns_);
}

// Exact of this shard, a moment old of the others.
uint64_t Shard::HandshakesCount() const {
  uint64_t sum = clients_ - hub_.channels_count();
  for (uint32_t i = 0; i < fabric_.shards(); ++i) {
    if (i == index_) continue;
    const uint64_t channels = fabric_.notice(i).channels.load(std::memory_order_relaxed);
    const uint64_t clients = fabric_.notice(i).connections.load(std::memory_order_relaxed);
    sum += clients - std::min(clients, channels);
  }
  return sum;
}

void Shard::TakeSeat(const Connection& connection, AddressKey seat, const Meter& meter) {
  const uint32_t slot = SlotOf(connection);
  if (slot >= seats_.size()) seats_.resize(slot + 1, kNoAddress);
  seats_[slot] = seat;
  if (!gate_->meters()) return;
  if (slot >= meters_.size()) meters_.resize(slot + 1);
  meters_[slot] = meter;
}

AddressKey Shard::LeaveSeat(const Connection& connection) {
  return std::exchange(seats_[SlotOf(connection)], kNoAddress);
}

// False: it has sent too much, and is closing.
bool Shard::MayReceive(Connection& connection, size_t bytes) {
  if (!gate_->meters() || gate_->TakeBytes(&meters_[SlotOf(connection)], bytes, now_ns_)) return true;
  BeginClose(connection, wire::CloseReason::kRateLimited);
  return false;
}

// Before anything is done about it. The request for a WebSocket is no message yet.
wire::CloseReason Shard::CheckEvent(Connection& connection, const session::Event& event,
                                    bool* farewell_written) {
  const uint32_t slot = SlotOf(connection);
  const bool upgraded = event.kind == session::EventKind::kUpgraded;
  if (!upgraded && gate_->meters() && !gate_->TakeMessage(&meters_[slot], now_ns_)) {
    return wire::CloseReason::kRateLimited;
  }
  if (seats_[slot] != kAddressToCome) return wire::CloseReason::kNone;
  seats_[slot] = kNoAddress;
  const std::string address =
      ClientAddress(ring_.PeerAddress(connection.fd), event.forwarded_for, proxies_);
  const std::optional<base::Endpoint> client = base::ParseEndpoint(address);
  // A proxy that names nobody is not who the limit is for.
  if (!client.has_value() || proxies_.Contains(client->ip)) return wire::CloseReason::kNone;
  const wire::CloseReason refusal = gate_->AdmitAddress(client->ip, now_ns_, &seats_[slot]);
  if (upgraded && refusal != wire::CloseReason::kNone) {
    // In place of the answer that has not been sent.
    out_.clear();
    wire::AppendUpgradeRefused(wire::RefusalOf(refusal), &out_);
    *farewell_written = true;
  }
  return refusal;
}

}  // namespace halley::shard
