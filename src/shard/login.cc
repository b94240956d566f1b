// Shard: logging in, and moving to the shard that owns the key.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "shard/client_address.h"
#include "shard/shard.h"
#include "wire/goim_v1.h"
#include "wire/gopush.h"
#include "wire/gopusher.h"

namespace halley::shard {

// Anything but kNone: the login is over before the backend is asked.
wire::CloseReason Shard::BeginLogin(Connection& connection, const session::Event& event) {
  const wire::GoimFrame& frame = event.frame;
  if (event.opening != nullptr && event.opening->signed_at_s.has_value() &&
      !wire::IsGopusherTimely(*event.opening->signed_at_s, ring_.WallS(),
                              options_.gopusher.time_window_s)) {
    return wire::CloseReason::kAuthRefused;
  }
  connection.phase = Phase::kWaiting;
  if (connection.greeting() == nullptr) connection.extra = std::make_unique<Greeting>();
  Greeting& greeting = *connection.greeting();
  greeting.asked.request = {frame.op, frame.seq, frame.ver, {}};
  if (event.opening != nullptr) {
    greeting.cookie = event.opening->cookie;
    greeting.forwarded_for = event.forwarded_for;
    greeting.asked.answer = event.opening->answer;
    greeting.asked.idle_ms = event.opening->idle_ms;
    greeting.asked.poll = event.opening->poll;
  }
  // A system call, so only for a backend that asks.
  std::string address;
  if (backend_.WantsAddress()) {
    address = ClientAddress(ring_.PeerAddress(connection.fd), greeting.forwarded_for, proxies_);
  }
  backend::ConnectRequest request;
  request.ticket = {SlotOf(connection), GenerationOf(connection)};
  request.serial = connection.serial;
  request.token = frame.body;
  request.cookie = greeting.cookie;
  request.address = address;
  backend_.Connect(request, *this);
  return wire::CloseReason::kNone;
}

void Shard::OnConnectReply(backend::Ticket ticket, backend::ConnectReply reply) {
  answers_.push_back({ticket, std::move(reply)});
}

void Shard::FinishLogin(Connection& connection, backend::ConnectReply& reply) {
  const config::ClientOptions& limits = options_.client;
  switch (reply.verdict) {
    case backend::ConnectVerdict::kRefused:
      BeginClose(connection, wire::CloseReason::kAuthRefused);
      return;
    case backend::ConnectVerdict::kUnavailable:
      BeginClose(connection, wire::CloseReason::kAuthUnavailable);
      return;
    case backend::ConnectVerdict::kAccepted: break;
  }
  // A backend is not trusted either.
  if (reply.key.empty() || reply.key.size() > limits.key_bytes ||
      reply.room.size() > limits.room_id_bytes || reply.accepts.size() > limits.ops) {
    Abandon(connection, reply, wire::CloseReason::kAuthRefused);
    return;
  }
  if (watch_.tracing()) watch_.OnKnown(connection, reply.key, reply.mid, connection.greeting()->forwarded_for);
  if (stop_ != StopPhase::kRunning) {
    Abandon(connection, reply, wire::CloseReason::kServerClosing);
    return;
  }
  if (evacuation_.under_way) {
    Abandon(connection, reply, wire::CloseReason::kDraining);
    return;
  }
  const uint32_t owner = hub::ShardOf(hub::RoutingHash(reply.key), fabric_.shards());
  if (owner != index_) {
    SendAway(connection, owner, std::move(reply));
    return;
  }
  const Asked asked = std::move(connection.greeting()->asked);
  Admit(connection, asked, reply);
}

// The backend has heard of this client: say that it is not here.
void Shard::Disown(const backend::ConnectReply& reply, uint64_t serial) {
  const uint32_t owner = hub::ShardOf(hub::RoutingHash(reply.key), fabric_.shards());
  backend_.Abandon({reply.mid, reply.key, serial},
                   /*key_still_live=*/owner != index_ || hub_.IsOnline(reply.key));
}

void Shard::Abandon(Connection& connection, const backend::ConnectReply& reply,
                    wire::CloseReason reason) {
  Disown(reply, connection.serial);
  BeginClose(connection, reason);
}

void Shard::Admit(Connection& connection, const Asked& asked,
                  const backend::ConnectReply& reply) {
  const uint32_t slot = SlotOf(connection);
  std::vector<uint32_t> displaced;
  if (!PlaceForKey(reply.key, connection.session.encoding(), &displaced)) {
    Abandon(connection, reply, wire::CloseReason::kDuplicateRefused);
    return;
  }
  connection.session.OnAuthenticated();
  hub_.AddChannel({slot, GenerationOf(connection), connection.fd, connection.session.encoding(),
                   reply.mid, reply.key, reply.accepts,
                   wire::TakesEveryOp(connection.session.encoding()),
                   asked.poll.has_value() ? &*asked.poll : nullptr});
  hub_.Mute(slot);
  hub_.Reply(slot, asked.answer);
  backend_.Admitted({reply.mid, reply.key, connection.serial});
  ++counts_.logins;
  if (connection.watched) watch_.OnLogin(connection, reply.room);
  // The new one is in before the old one ends, so that the key never goes off line between.
  for (const uint32_t old : displaced) {
    BeginClose(connections_.Get(old), wire::CloseReason::kReplaced);
  }
  connection.idle_ms = IdleMs(connection.session.encoding(), asked, reply);
  connection.expires_ds = ExpiresDs(reply.expires_in_ms);
  connection.leave_at_ds = LeaveAtDs(connection);
  SetDeadline(connection, SilentUntilNs(connection, connection.idle_ms));
  Arm(connection, io::Op::kWatch);
  connection.extra = std::make_unique<Greeting>();
  connection.greeting()->asked.request = asked.request;
  connection.phase = Phase::kWaiting;
  switch (reply.room.empty() ? Joined::kIn : EnterRoom(connection, reply.room)) {
    case Joined::kIn: FinishWaiting(connection); break;
    case Joined::kWaits: break;
    case Joined::kRefused: BeginClose(connection, wire::CloseReason::kRoomsFull); break;
  }
}

// What the client's protocol says counts, else what the backend does.
uint32_t Shard::IdleMs(wire::Encoding encoding, const Asked& asked,
                       const backend::ConnectReply& reply) const {
  if (asked.idle_ms != 0) return asked.idle_ms;
  if (wire::IsGoimV1(encoding)) return options_.goim_v1.idle_timeout_ms;
  if (reply.idle_timeout_ms == 0) return options_.client.idle_timeout_ms;
  return static_cast<uint32_t>(std::min<uint64_t>(reply.idle_timeout_ms, UINT32_MAX));
}

// 0: never, or further away than the clock reaches. Not sooner than the login ends.
uint32_t Shard::ExpiresDs(uint64_t expires_in_ms) const {
  constexpr uint64_t kEnd = UINT32_MAX * kTenthNs;
  if (expires_in_ms == 0 || expires_in_ms >= (kEnd - now_ns_) / 1'000'000) return 0;
  return static_cast<uint32_t>((now_ns_ + expires_in_ms * 1'000'000 + kTenthNs - 1) / kTenthNs);
}

// Applies the duplicate-key policy; `*displaced` are to be closed. False: the newcomer is refused.
bool Shard::PlaceForKey(const std::string& key, wire::Encoding encoding,
                        std::vector<uint32_t>* displaced) const {
  hub_.FindKey(key, displaced);
  if (displaced->empty()) return true;
  if (wire::IsGopush(encoding)) {
    const bool place = displaced->size() < options_.gopush.subscribers;
    displaced->clear();
    return place;
  }
  const bool gopusher = encoding == wire::Encoding::kGopusher;
  switch (gopusher ? options_.gopusher.duplicate : options_.client.duplicate_key) {
    case config::DuplicateKey::kReplace: return true;
    case config::DuplicateKey::kRefuse: return false;
    case config::DuplicateKey::kAllow: break;
  }
  // Newest first: those beyond the limit are the oldest.
  const size_t stay = std::min<size_t>(displaced->size(), options_.client.duplicate_key_max - 1);
  displaced->erase(displaced->begin(), displaced->begin() + static_cast<ptrdiff_t>(stay));
  return true;
}

// The login, the change of room or the new token that the client waits for has taken effect.
void Shard::FinishWaiting(Connection& connection) {
  HALLEY_ASSERT(connection.phase == Phase::kWaiting && connection.greeting() != nullptr);
  const Greeting& greeting = *connection.greeting();
  wire::GoimFrame reply = greeting.asked.request;
  ++reply.op;
  reply.body = greeting.body;
  farewell_.clear();
  wire::AppendReply(connection.session.encoding(), reply, &farewell_);
  hub_.Reply(SlotOf(connection), farewell_);
  hub_.Unmute(SlotOf(connection));
  connection.extra.reset();
  connection.phase = Phase::kLive;
  // What was read before, or had its edge while it was not read.
  if (connection.inbox_bytes > 0 || connection.readable_later) QueueReadable(connection);
  connection.readable_later = false;
}

// --- moving

void Shard::SendAway(Connection& connection, uint32_t owner, backend::ConnectReply reply) {
  HALLEY_ASSERT(connection.armed == io::Op::kNone);
  auto adoption = std::make_unique<Adoption>();
  adoption->session = connection.session;
  adoption->login = std::move(reply);
  adoption->asked = std::move(connection.greeting()->asked);
  adoption->serial = connection.serial;
  if (gate_ != nullptr) {
    if (gate_->meters()) adoption->meter = meters_[SlotOf(connection)];
    adoption->seat = LeaveSeat(connection);
  }
  adoption->watched = watch_.OnLeaving(connection);
  if (connection.inbox_bytes > 0) {
    adoption->unread.assign(connection.inbox.data, connection.inbox_bytes);
  }
  departures_[owner].push_back({{connection.fd, next_token_++}, std::move(adoption)});
  // The descriptor has left; the slot goes without closing it.
  connection.fd = -1;
  connection.phase = Phase::kDraining;
  --clients_;
  ++counts_.moved_out;
  Release(connection);
}

// Descriptors first, then the commands that name them: a shard that reads a command finds its
// descriptor waiting.
void Shard::SendDepartures() {
  for (uint32_t to = 0; to < departures_.size(); ++to) {
    std::vector<Departure>& list = departures_[to];
    size_t sent = 0;
    while (sent < list.size()) {
      std::array<io::Passage, io::Ring::kPassagesMax> batch;
      const size_t count = std::min(batch.size(), list.size() - sent);
      for (size_t i = 0; i < count; ++i) batch[i] = list[sent + i].passage;
      if (!ring_.PassDescriptors(to, absl::MakeConstSpan(batch.data(), count))) break;
      for (size_t i = 0; i < count; ++i) {
        Command command;
        command.kind = CommandKind::kAdopt;
        command.number = list[sent + i].passage.token;
        command.parcel = std::move(list[sent + i].adoption);
        port_.Send(to, std::move(command));
      }
      sent += count;
    }
    list.erase(list.begin(), list.begin() + static_cast<ptrdiff_t>(sent));
  }
}

void Shard::Adopt(uint32_t from, uint64_t token, Adoption& adoption) {
  auto& arrivals = arrivals_[from];
  const auto wanted = static_cast<uint32_t>(token);
  if (!arrivals.contains(wanted)) {
    std::array<io::Passage, io::Ring::kPassagesMax> batch;
    for (size_t i = ring_.TakeDescriptors(from, absl::MakeSpan(batch)); i-- > 0;) {
      arrivals[batch[i].token] = batch[i].fd;
    }
  }
  const auto found = arrivals.find(wanted);
  const int32_t fd = found == arrivals.end() ? -1 : found->second;
  if (found != arrivals.end()) arrivals.erase(found);
  Connection* connection =
      fd < 0 ? nullptr : connections_.New(fd, adoption.session.transport());
  if (connection == nullptr) {
    // The table of descriptors is full here.
    if (adoption.watched != nullptr) {
      watch_.OnLost(*adoption.watched, adoption.session.transport(), fd, wire::CloseReason::kMoveFailed);
    }
    if (fd >= 0) ring_.Close(fd);
    if (gate_ != nullptr) gate_->GiveBack(adoption.seat);
    ++counts_.closed[static_cast<size_t>(wire::CloseReason::kMoveFailed)];
    Disown(adoption.login, adoption.serial);
    return;
  }
  ++clients_;
  ++counts_.moved_in;
  connection->session = adoption.session;
  connection->serial = adoption.serial;
  if (gate_ != nullptr) TakeSeat(*connection, adoption.seat, adoption.meter);
  watch_.OnArrived(*connection, std::move(adoption.watched));
  if (watch_.tracing()) watch_.OnKnown(*connection, adoption.login.key, adoption.login.mid, {});
  if (!adoption.unread.empty()) {
    KeepUnread(*connection, adoption.unread.data(), adoption.unread.size());
  }
  if (stop_ != StopPhase::kRunning) {
    Abandon(*connection, adoption.login, wire::CloseReason::kServerClosing);
  } else if (evacuation_.under_way) {
    Abandon(*connection, adoption.login, wire::CloseReason::kDraining);
  } else {
    Admit(*connection, adoption.asked, adoption.login);
  }
}

}  // namespace halley::shard
