// Shard: how connections end. Begin: out of the hub, farewell and FIN. Linger: the peer's end of
// stream, or a moment. Drain: nothing armed. Release: descriptor and slot go, at the turn's end.
#include "base/assert.h"
#include "shard/shard.h"

namespace halley::shard {
namespace {

constexpr uint64_t kLingerNs = 1'000'000'000;
// Sends that may precede a farewell; a client that needs more is not waited for.
constexpr int kFarewellSendsMax = 4;

}  // namespace

void Shard::BeginClose(Connection& connection, wire::CloseReason reason, bool farewell_written) {
  HALLEY_ASSERT(reason != wire::CloseReason::kNone);
  if (connection.phase >= Phase::kLingering) return;
  connection.reason = reason;
  if (connection.watched) watch_.OnEnding(connection);
  const uint32_t slot = SlotOf(connection);
  if (connection.phase == Phase::kRpc) {
    ForgetRpc(connection);
  } else {
    --clients_;
    if (gate_ != nullptr) gate_->GiveBack(LeaveSeat(connection));
    ++counts_.closed[static_cast<size_t>(reason)];
    if (hub_.Live(slot)) {
      CloseChannel(connection, farewell_written);
    } else if (!farewell_written && !connection.saw_end) {
      farewell_.clear();
      connection.session.AppendFarewell(reason, &farewell_, RetryMs(connection));
      SendTo(connection.fd, farewell_);
    }
  }
  if (connection.watched) watch_.OnEnded(connection);
  connection.extra.reset();
  round_.Put(&connection.inbox);
  connection.inbox_bytes = 0;
  if (connection.saw_end || reason == wire::CloseReason::kPeerReset ||
      reason == wire::CloseReason::kInternal) {
    BeginDrain(connection);
  } else {
    Linger(connection);
  }
}

// A client's time is up: its login's, or what it may be silent for. Who does not take our signs of
// life has a full socket, and is closed for that.
void Shard::OnSilence(Connection& connection) {
  if (!connection.session.authenticated()) {
    BeginClose(connection, wire::CloseReason::kHandshakeTimeout);
    return;
  }
  if (now_ns_ >= NsOf(connection.expires_ds)) {
    BeginClose(connection, wire::CloseReason::kTokenExpired);
    return;
  }
  if (now_ns_ >= NsOf(connection.leave_at_ds)) {
    OnLifetimeOver(connection);
    return;
  }
  if (connection.phase == Phase::kWaiting) {
    BeginClose(connection, wire::CloseReason::kIdleTimeout);
    return;
  }
  const uint32_t slot = SlotOf(connection);
  farewell_.clear();
  const session::Silence silence = connection.session.OnSilence(session_limits_, &farewell_);
  if (silence.next_ms == 0) {
    BeginClose(connection, wire::CloseReason::kIdleTimeout);
    return;
  }
  if (silence.asks) {
    // There is never more than one without an answer, so it may wait in front of a full socket.
    hub_.Reply(slot, farewell_);
  } else if (wire::IsLongPoll(connection.session.encoding())) {
    hub_.EndPoll(slot);
  } else if (!hub_.channel(slot).blocked()) {
    hub_.Reply(slot, farewell_);
    backend_.Heartbeat(IdentityOf(connection));
  }
  SetDeadline(connection, SilentUntilNs(connection, silence.next_ms));
}

void Shard::CloseChannel(Connection& connection, bool farewell_written) {
  const uint32_t slot = SlotOf(connection);
  const bool reachable = connection.reason != wire::CloseReason::kPeerReset;
  // Nothing may follow a farewell: who cannot take what is queued now goes without one.
  if (reachable && FlushNow(slot) && !farewell_written && !connection.saw_end) {
    farewell_.clear();
    connection.session.AppendFarewell(connection.reason, &farewell_, RetryMs(connection));
    hub_.Reply(slot, farewell_);
    FlushNow(slot);
  }
  const hub::Room* room = hub_.RoomOf(slot);
  if (room != nullptr) NoteRecount(*room);
  const hub::Channel& channel = hub_.channel(slot);
  const std::string key(channel.key.view());
  const int64_t mid = channel.mid;
  hub_.RemoveChannel(slot);
  TellHomes();
  backend_.Disconnect({mid, key, connection.serial}, hub_.IsOnline(key));
}

// What the channel has of its own, as far as its socket takes it. True: nothing of it is left.
bool Shard::FlushNow(uint32_t slot) {
  hub::SendPlan plan;
  for (int i = 0; i < kFarewellSendsMax; ++i) {
    if (!hub_.PlanOne(slot, &plan)) return !hub_.channel(slot).blocked();
    const io::SendRequest request{plan.fd, plan.parts, plan.parts_count};
    std::vector<base::SendException> exceptions;
    ring_.SendEach({&request, 1}, &exceptions);
    hub_.SettleOwn(plan, exceptions.empty() ? static_cast<int64_t>(hub::Hub::PlanBytes(plan))
                                            : exceptions.front().result);
  }
  return false;
}

// For a connection without a channel. False: not every byte was taken.
bool Shard::SendTo(int32_t fd, std::string_view bytes) {
  if (bytes.empty()) return true;
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  const io::SendRequest request{fd, &part, 1};
  std::vector<base::SendException> exceptions;
  ring_.SendEach({&request, 1}, &exceptions);
  return exceptions.empty();
}

void Shard::Linger(Connection& connection) {
  connection.phase = Phase::kLingering;
  ring_.ShutdownWrite(connection.fd);
  // The rest of a response may be on its way yet: that of a file has until the handshake's deadline,
  // that of a long poll as much time.
  if (connection.reason == wire::CloseReason::kPollAnswered) {
    SetDeadline(connection, now_ns_ + uint64_t{options_.client.handshake_timeout_ms} * 1'000'000);
  } else if (connection.reason != wire::CloseReason::kPageServed) {
    SetDeadline(connection, now_ns_ + kLingerNs);
  }
  if (connection.armed == io::Op::kNone) Arm(connection, io::Op::kPollOnce);
  // What lies unread already has had its edge.
  QueueReadable(connection);
}

void Shard::Discard(Connection& connection) {
  for (int i = 0; i < 4; ++i) {
    const io::Received received = ring_.Receive(
        connection.fd, round_.hot_buffer().data(), io::Round::kReadBytes);
    switch (received.outcome) {
      case io::Outcome::kOk: continue;
      case io::Outcome::kAgain:
        if (connection.armed == io::Op::kNone) Arm(connection, io::Op::kPollOnce);
        return;
      case io::Outcome::kExhausted: return;
      case io::Outcome::kEnd:
      case io::Outcome::kReset:
      case io::Outcome::kNotProxied:
      case io::Outcome::kInsecure:
      case io::Outcome::kFailed: BeginDrain(connection); return;
    }
  }
  // Somebody who goes on sending is not listened to any longer.
  BeginDrain(connection);
}

void Shard::BeginDrain(Connection& connection) {
  connection.phase = Phase::kDraining;
  ring_.Shutdown(connection.fd);
  if (connection.armed == io::Op::kNone) {
    Release(connection);
  } else if (!connection.cancelled) {
    connection.cancelled = true;
    ring_.Cancel({SlotOf(connection), GenerationOf(connection), connection.armed});
  }
}

void Shard::Release(Connection& connection) {
  HALLEY_ASSERT(connection.phase == Phase::kDraining && connection.armed == io::Op::kNone);
  released_.push_back({SlotOf(connection), GenerationOf(connection)});
}

void Shard::CloseTooSlow() {
  for (const uint32_t slot : hub_.TakeTooSlow()) {
    if (hub_.Live(slot)) BeginClose(connections_.Get(slot), wire::CloseReason::kSlowConsumer);
  }
}

void Shard::CloseAnswered() {
  for (const uint32_t slot : hub_.TakeAnswered()) {
    if (hub_.Live(slot)) BeginClose(connections_.Get(slot), wire::CloseReason::kPollAnswered);
  }
}

void Shard::CloseStalled() {
  std::vector<uint32_t> stalled;
  hub_.FindStalled(&stalled);
  for (const uint32_t slot : stalled) {
    BeginClose(connections_.Get(slot), wire::CloseReason::kStalled);
  }
}

void Shard::ReleaseDrained() {
  for (const Name& name : released_) {
    Connection* connection = Find(name.slot, name.generation);
    HALLEY_ASSERT(connection != nullptr && connection->armed == io::Op::kNone);
    if (connection->fd >= 0) ring_.Close(connection->fd);
    round_.Put(&connection->inbox);
    wheel_.Clear(name.slot);
    connections_.Free(name.slot);
  }
  released_.clear();
  connections_.Recycle();
}

}  // namespace halley::shard
