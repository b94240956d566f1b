#include "shard/watch.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "shard/client_address.h"

namespace halley::shard {
namespace {

std::string_view TransportName(session::Transport transport) {
  switch (transport) {
    case session::Transport::kTcp: return "tcp";
    case session::Transport::kWebSocket: return "websocket";
    case session::Transport::kGopush: return "gopush";
    case session::Transport::kGoimV1Tcp: return "v1_tcp";
    case session::Transport::kGoimV1WebSocket: return "v1_websocket";
    case session::Transport::kEventStream: return "event_stream";
    case session::Transport::kGopusher: return "gopusher";
    case session::Transport::kLongPoll: break;
  }
  return "long_poll";
}

}  // namespace

void Watch::SetOptions(const config::AccessLogOptions& options) {
  one_in_ = options.file.empty() || setup_.feed == nullptr ? 0 : options.one_in;
}

Watched& Watch::Insert(Connection& connection, Watched watched) {
  HALLEY_ASSERT(!connection.watched);
  connection.watched = true;
  auto& place = watched_[SlotOf(connection)];
  place = std::make_unique<Watched>(std::move(watched));
  return *place;
}

void Watch::Forget(Connection& connection) {
  const uint32_t slot = SlotOf(connection);
  connection.watched = false;
  const auto found = watched_.find(slot);
  if (found->second->places != 0) {
    std::erase(traced_, slot);
    setup_.hub->Observe(slot, false);
  }
  watched_.erase(found);
}

std::string Watch::AddressOf(const Connection& connection, std::string_view forwarded_for) const {
  return ClientAddress(setup_.ring->PeerAddress(connection.fd), forwarded_for, *setup_.proxies);
}

// --- what happens to clients

// The address is asked for now: who breaks the connection takes it along.
void Watch::OnAccepted(Connection& connection) {
  Watched watched;
  watched.sampled = one_in_ > 0 && setup_.feed->Choose(one_in_);
  if (!watched.sampled && of_kind_[static_cast<size_t>(TraceKind::kIp)] == 0) return;
  watched.accepted_ns = now_ns_;
  watched.address = setup_.ring->PeerAddress(connection.fd);
  watched.address_to_come = setup_.proxies->Contains(watched.address);
  const uint16_t places = watched.address_to_come ? 0 : PlacesOfAddress(watched.address);
  if (!watched.sampled && places == 0 && !watched.address_to_come) return;
  Watched& inserted = Insert(connection, std::move(watched));
  Match(connection, places);
  if (!connection.watched) return;
  Tell(inserted, absl::StrCat("accepted, on ", std::string(TransportName(connection.session.transport()))));
}

void Watch::OnTurnedAway(int32_t fd, session::Transport transport, wire::CloseReason reason) {
  Watched watched;
  watched.sampled = one_in_ > 0 && setup_.feed->Choose(one_in_);
  watched.accepted_ns = now_ns_;
  if (watched.sampled || of_kind_[static_cast<size_t>(TraceKind::kIp)] > 0) {
    watched.address = setup_.ring->PeerAddress(fd);
    watched.places = PlacesOfAddress(watched.address);
  }
  TellEnd(watched, transport, fd, reason);
}

void Watch::OnEvent(Connection& connection, const session::Event& event) {
  Watched& watched = Of(SlotOf(connection));
  if (watched.address_to_come) {
    watched.address_to_come = false;
    watched.address = AddressOf(connection, event.forwarded_for);
    const uint16_t places = PlacesOfAddress(watched.address);
    if (places == 0 && watched.places == 0 && !watched.sampled) return Forget(connection);
    if (places != 0) {
      Match(connection, places);
      if (!connection.watched) return;
      Tell(watched, absl::StrCat("accepted, on ", std::string(TransportName(connection.session.transport()))));
    }
  }
  if (watched.places == 0) return;
  const wire::GoimFrame& frame = event.frame;
  switch (event.kind) {
    case session::EventKind::kNeedMore:
    case session::EventKind::kOutput:
    case session::EventKind::kClose: break;
    case session::EventKind::kUpgraded: Tell(watched, "has opened its stream over HTTP"); break;
    case session::EventKind::kFile: Tell(watched, "asks for a file over HTTP"); break;
    case session::EventKind::kAuthenticate: Tell(watched, "asks to log in"); break;
    case session::EventKind::kHeartbeat: Tell(watched, "heartbeat"); break;
    case session::EventKind::kChangeRoom:
      Tell(watched, frame.body.empty() ? std::string("leaves its room")
                                       : absl::StrCat("asks to be in room ", OnOneLine(frame.body)));
      break;
    case session::EventKind::kSub: Tell(watched, "asks to watch more ops"); break;
    case session::EventKind::kUnsub: Tell(watched, "asks to watch fewer ops"); break;
    case session::EventKind::kRefresh: Tell(watched, "shows a new token"); break;
    case session::EventKind::kMessage:
      Tell(watched, absl::StrCat("message from it: op ", frame.op, ", ", frame.body.size(), " bytes"));
      break;
  }
}

void Watch::OnKnown(Connection& connection, std::string_view key, int64_t mid,
                    std::string_view forwarded_for) {
  const uint16_t places = PlacesOfName(key, mid);
  if (places == 0) return;
  if (!connection.watched) {
    Watched watched;
    watched.address = AddressOf(connection, forwarded_for);
    Insert(connection, std::move(watched));
  }
  Match(connection, places);
}

void Watch::OnLogin(const Connection& connection, std::string_view room) {
  const uint32_t slot = SlotOf(connection);
  const hub::Channel& channel = setup_.hub->channel(slot);
  Watched& watched = Of(slot);
  watched.logged_in = true;
  watched.dialect = wire::EncodingName(channel.encoding);
  if (watched.places == 0) return;
  setup_.hub->Observe(slot, true);
  Tell(watched, absl::StrCat("logged in with key ", OnOneLine(channel.key.view()), ", mid ", channel.mid,
                             room.empty() ? "" : absl::StrCat(", room ", OnOneLine(room)), "; speaks ",
                             std::string(watched.dialect)));
}

void Watch::OnRetired(const Connection& connection, const std::string& room) {
  Watched& watched = Of(SlotOf(connection));
  watched.room = room;
  Tell(watched, "is told to go");
}

std::unique_ptr<Watched> Watch::OnLeaving(Connection& connection) {
  if (!connection.watched) return nullptr;
  // Its places stay, too, to be forgotten by.
  auto leaving = std::make_unique<Watched>(std::move(Of(SlotOf(connection))));
  Forget(connection);
  leaving->places = 0;
  return leaving;
}

// Traces may have come and gone since it left.
void Watch::OnArrived(Connection& connection, std::unique_ptr<Watched> watched) {
  if (watched == nullptr) {
    if (of_kind_[static_cast<size_t>(TraceKind::kIp)] > 0) {
      Discover(connection, PlacesOfAddress(setup_.ring->PeerAddress(connection.fd)));
    }
    return;
  }
  const uint16_t places = PlacesOfAddress(watched->address);
  Insert(connection, std::move(*watched));
  Match(connection, places);
}

void Watch::OnLost(const Watched& watched, session::Transport transport, int32_t fd,
                   wire::CloseReason reason) {
  TellEnd(watched, transport, fd, reason);
}

void Watch::OnEnding(const Connection& connection) {
  const uint32_t slot = SlotOf(connection);
  if (!setup_.hub->Live(slot)) return;
  Watched& watched = Of(slot);
  const hub::Channel& channel = setup_.hub->channel(slot);
  watched.logged_in = true;
  watched.key = channel.key.view();
  watched.mid = channel.mid;
  watched.dialect = wire::EncodingName(channel.encoding);
  const hub::Room* const room = setup_.hub->RoomOf(slot);
  if (room != nullptr) watched.room = room->id();
}

void Watch::OnEnded(Connection& connection) {
  TellEnd(Of(SlotOf(connection)), connection.session.transport(), connection.fd, connection.reason);
  Forget(connection);
}

void Watch::TellEnd(const Watched& watched, session::Transport transport, int32_t fd,
                    wire::CloseReason reason) {
  const uint64_t lasted_ns = watched.accepted_ns == 0 ? 0 : now_ns_ - std::min(watched.accepted_ns, now_ns_);
  if (watched.places != 0) {
    Tell(watched, absl::StrCat(watched.logged_in ? "ended: " : "ended without a login: ",
                               std::string(wire::CloseReasonName(reason))));
  }
  // The access log may have been switched off meanwhile.
  if (!watched.sampled || one_in_ == 0) return;
  journal::Ended ended;
  ended.shard = setup_.shard;
  ended.transport = TransportName(transport);
  ended.dialect = watched.dialect;
  ended.address = watched.address;
  ended.key = watched.key;
  ended.mid = watched.mid;
  ended.room = watched.room;
  ended.lasted_ns = lasted_ns;
  ended.reason = wire::CloseReasonName(reason);
  ended.logged_in = watched.logged_in;
  if (const std::optional<io::Traffic> traffic = fd < 0 ? std::nullopt : setup_.ring->TrafficOf(fd)) {
    ended.traffic = journal::Traffic{traffic->bytes_sent, traffic->bytes_received, traffic->retransmits};
  }
  // Without room for it, it is counted, and nobody waits.
  setup_.feed->Offer(now_ns_, std::move(ended));
}

}  // namespace halley::shard
