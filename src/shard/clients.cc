// Shard: what clients send.
#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"
#include "shard/shard.h"
#include "wire/goim_frame.h"
#include "wire/goim_v1.h"

namespace halley::shard {
namespace {

constexpr uint64_t kAcceptPauseNs = 50'000'000;

session::Transport TransportOf(ListenerKind kind) {
  switch (kind) {
    case ListenerKind::kTcp: break;
    case ListenerKind::kWebSocket: return session::Transport::kWebSocket;
    case ListenerKind::kGopush: return session::Transport::kGopush;
    case ListenerKind::kGopusher: return session::Transport::kGopusher;
    case ListenerKind::kGoimV1Tcp: return session::Transport::kGoimV1Tcp;
    case ListenerKind::kGoimV1WebSocket: return session::Transport::kGoimV1WebSocket;
    case ListenerKind::kPush:
    case ListenerKind::kAdmin:
    case ListenerKind::kCometGrpc: HALLEY_ASSERT(false);
  }
  return session::Transport::kTcp;
}

}  // namespace

void Shard::ArmAccepts() {
  for (uint32_t i = 0; i < listeners_.size(); ++i) {
    ring_.Accept({i, 0, io::Op::kAccept}, listeners_[i].fd);
  }
}

void Shard::OnAccept(const io::Completion& completion) {
  const uint32_t listener = completion.tag.slot;
  if (completion.outcome == io::Outcome::kOk) {
    const auto fd = static_cast<int32_t>(completion.value);
    if (stop_ != StopPhase::kRunning) {
      ring_.Close(fd);
    } else if (++counts_.accepted; listeners_[listener].kind == ListenerKind::kPush) {
      OpenRpc(fd);
    } else {
      OpenClient(fd, TransportOf(listeners_[listener].kind));
    }
  } else if (stop_ == StopPhase::kRunning) {
    ++counts_.accept_errors;
  }
  if (completion.more) return;
  if (stop_ != StopPhase::kRunning) {
    CloseListener(listener);
  } else if (completion.outcome == io::Outcome::kExhausted) {
    // Out of descriptors or memory: the clients wait in the backlog, and so do we.
    accept_again_ns_[listener] = now_ns_ + kAcceptPauseNs;
  } else {
    ring_.Accept({listener, 0, io::Op::kAccept}, listeners_[listener].fd);
  }
}

// Nothing may be armed on it any more.
void Shard::CloseListener(uint32_t listener) {
  ring_.Close(listeners_[listener].fd);
  listeners_[listener].fd = -1;
}

void Shard::Arm(Connection& connection, io::Op op) {
  HALLEY_ASSERT(connection.armed == io::Op::kNone);
  connection.armed = op;
  const io::Tag tag{SlotOf(connection), GenerationOf(connection), op};
  if (op == io::Op::kPollOnce) {
    ring_.PollOnce(tag, connection.fd);
  } else {
    ring_.Watch(tag, connection.fd);
  }
}

void Shard::SetDeadline(Connection& connection, uint64_t deadline_ns) {
  connection.deadline_ns = deadline_ns;
  wheel_.Set(SlotOf(connection), deadline_ns);
}

void Shard::QueueReadable(Connection& connection) {
  if (connection.readable_queued) return;
  connection.readable_queued = true;
  readable_.push_back({SlotOf(connection), GenerationOf(connection)});
}

void Shard::OnClientReady(Connection& connection, uint32_t readiness) {
  if (connection.phase == Phase::kAnswering) {
    SendFile(connection);
    return;
  }
  const uint32_t slot = SlotOf(connection);
  if ((readiness & io::kWritable) != 0 && hub_.Live(slot)) {
    hub_.OnWritable(slot);
    if (connection.readable_later && connection.phase == Phase::kLive) QueueReadable(connection);
  }
  if ((readiness & (io::kReadable | io::kHangup)) == 0) return;
  if (connection.phase == Phase::kWaiting) {
    connection.readable_later = true;
  } else if (!connection.readable_queued) {
    ReadClient(connection);
  }
}

// A client that does not read its replies gets no more of them: its requests wait in its socket.
bool Shard::Choked(const Connection& connection) const {
  const uint32_t slot = SlotOf(connection);
  return hub_.Live(slot) && hub_.UnsentReplyBytes(slot) >= options_.client.personal_queue_bytes;
}

// Reads and feeds within the budget of one turn; what is left is for the next.
void Shard::ReadClient(Connection& connection) {
  connection.readable_later = Choked(connection);
  if (connection.readable_later) {
    // Until its socket has room again, which is an edge; or until this shard has sent more.
    if (!hub_.channel(SlotOf(connection)).blocked()) QueueReadable(connection);
    return;
  }
  uint32_t frames_left = options_.shard.read_frames;
  size_t bytes_left = options_.shard.read_bytes;
  bool drained = false;
  // Whole frames may wait from a turn that ran out of budget.
  if (connection.inbox_bytes > 0) {
    // The inbox is gone when this ends the connection.
    char* const end = connection.inbox.data + connection.inbox_bytes;
    const size_t left =
        FeedClient(connection, connection.inbox.data, connection.inbox_bytes, &frames_left);
    KeepUnread(connection, end - left, left);
  }
  while (Reads(connection) && frames_left > 0 && bytes_left > 0 && !drained) {
    char* bytes = nullptr;
    size_t size = 0;
    const size_t before = bytes_left;
    if (!TakeBytes(connection, inbox_bytes_max_, &bytes_left, &drained, &bytes, &size)) break;
    if (!MayReceive(connection, before - bytes_left)) break;
    const size_t left = FeedClient(connection, bytes, size, &frames_left);
    KeepUnread(connection, bytes + size - left, left);
  }
  if (!Reads(connection)) {
    // A client that waits for its room is read again afterwards; no other edge will tell.
    connection.readable_later |= !drained;
    return;
  }
  // Without budget whole frames may lie unread, and what lies here has had its edge.
  if (!drained || frames_left == 0) QueueReadable(connection);
  if (connection.phase == Phase::kHandshake && connection.armed == io::Op::kNone &&
      !connection.readable_queued) {
    Arm(connection, io::Op::kPollOnce);
  }
}

// Receives behind what is unread, or into the hot buffer. True: `*bytes` holds everything unread.
// False: nothing came, and the connection may be closing.
bool Shard::TakeBytes(Connection& connection, size_t inbox_max, size_t* bytes_left, bool* drained,
                      char** bytes, size_t* size) {
  const uint32_t kept = connection.inbox_bytes;
  char* to = round_.hot_buffer().data();
  size_t room = io::Round::kReadBytes;
  if (kept > 0) {
    GrowInbox(connection, inbox_max);
    to = connection.inbox.data + kept;
    room = connection.inbox.bytes - kept;
  }
  room = std::min(room, *bytes_left);
  const io::Received received = ring_.Receive(connection.fd, to, room);
  switch (received.outcome) {
    case io::Outcome::kOk: break;
    case io::Outcome::kAgain: *drained = true; return false;
    case io::Outcome::kExhausted: return false;
    case io::Outcome::kEnd:
      connection.saw_end = true;
      BeginClose(connection, wire::CloseReason::kPeerClosed);
      return false;
    case io::Outcome::kNotProxied:
      BeginClose(connection, wire::CloseReason::kProxyHeader);
      return false;
    case io::Outcome::kInsecure:
      BeginClose(connection, wire::CloseReason::kTlsFailed);
      return false;
    case io::Outcome::kReset:
    case io::Outcome::kFailed:
      BeginClose(connection, wire::CloseReason::kPeerReset);
      return false;
  }
  counts_.bytes_received += received.bytes;
  *bytes_left -= received.bytes;
  // A short read has emptied the socket; but for an end that had its edge together with the data.
  *drained = received.bytes < room && !connection.ended;
  if (kept > 0) connection.inbox_bytes += static_cast<uint32_t>(received.bytes);
  *bytes = kept > 0 ? connection.inbox.data : to;
  *size = kept + received.bytes;
  return true;
}

// Makes room behind the unread bytes. The session never asks for more than `bytes_max` at once, so
// a full inbox of that size is one whose frames are waiting for budget, not for bytes.
void Shard::GrowInbox(Connection& connection, size_t bytes_max) {
  if (connection.inbox_bytes < connection.inbox.bytes) return;
  HALLEY_ASSERT(connection.inbox.bytes < 2 * bytes_max + io::Round::kReadBytes);
  io::Chunk larger = round_.Get(size_t{connection.inbox.bytes} * 2);
  std::memcpy(larger.data, connection.inbox.data, connection.inbox_bytes);
  round_.Put(&connection.inbox);
  connection.inbox = larger;
}

// `bytes` lie at the end of the inbox, or in the hot buffer.
void Shard::KeepUnread(Connection& connection, const char* bytes, size_t size) {
  if (size == 0 || connection.phase >= Phase::kLingering) {
    round_.Put(&connection.inbox);
    connection.inbox_bytes = 0;
    return;
  }
  if (!connection.inbox) connection.inbox = round_.Get(size + 1);
  std::memmove(connection.inbox.data, bytes, size);
  connection.inbox_bytes = static_cast<uint32_t>(size);
}

size_t Shard::FeedClient(Connection& connection, char* bytes, size_t size, uint32_t* frames_left) {
  wire::Inbox inbox{bytes, bytes + size};
  wire::CloseReason ending = wire::CloseReason::kNone;
  bool farewell_written = false;
  out_.clear();
  while (*frames_left > 0 && Reads(connection) && ending == wire::CloseReason::kNone) {
    const session::Event event = connection.session.Next(&inbox, session_limits_, &out_);
    if (event.kind == session::EventKind::kNeedMore) break;
    --*frames_left;
    farewell_written = event.kind == session::EventKind::kClose;
    ending = event.reason;
    if (farewell_written) break;
    if (connection.watched) watch_.OnEvent(connection, event);
    ending = CheckEvent(connection, event, &farewell_written);
    if (ending == wire::CloseReason::kNone) ending = OnEvent(connection, event);
  }
  // Replies that were earned before the end go out before it.
  const uint32_t slot = SlotOf(connection);
  if (hub_.Live(slot)) {
    // The session's last words come after what is queued for the client, or not at all.
    if (!farewell_written || FlushNow(slot)) hub_.Reply(slot, out_);
  } else if (!SendTo(connection.fd, out_)) {
    // Nothing may follow what was sent in part, not even a farewell.
    farewell_written = true;
    if (ending == wire::CloseReason::kNone) ending = wire::CloseReason::kSlowConsumer;
  }
  if (ending != wire::CloseReason::kNone) BeginClose(connection, ending, farewell_written);
  return inbox.size();
}

// What the event asks for; anything but kNone ends the connection.
wire::CloseReason Shard::OnEvent(Connection& connection, const session::Event& event) {
  const wire::GoimFrame& frame = event.frame;
  switch (event.kind) {
    case session::EventKind::kNeedMore:
    case session::EventKind::kOutput:
    case session::EventKind::kClose: break;
    case session::EventKind::kUpgraded:
      if (!frame.body.empty() || !event.forwarded_for.empty()) {
        connection.extra = std::make_unique<Greeting>();
        connection.greeting()->cookie = frame.body;
        connection.greeting()->forwarded_for = event.forwarded_for;
      }
      break;
    case session::EventKind::kFile: AnswerWithFile(connection, frame.body); break;
    case session::EventKind::kAuthenticate: return BeginLogin(connection, event);
    case session::EventKind::kHeartbeat: OnHeartbeat(connection, frame); break;
    case session::EventKind::kChangeRoom: return OnChangeRoom(connection, frame);
    case session::EventKind::kSub: return OnAccepts(connection, frame, /*add=*/true);
    case session::EventKind::kUnsub: return OnAccepts(connection, frame, /*add=*/false);
    case session::EventKind::kRefresh: OnRefresh(connection, frame); break;
    case session::EventKind::kMessage:
      backend_.Receive(IdentityOf(connection), frame.op, frame.seq, frame.body);
      if (wire::IsGoimV1(connection.session.encoding())) {
        wire::AppendReply(connection.session.encoding(), wire::GoimV1Answer(frame), &out_);
        break;
      }
      // goim sends op 9 without its header on TCP, so there its empty answer is nothing at all.
      if (frame.op == wire::op::kRaw &&
          connection.session.encoding() == wire::Encoding::kGoimTcp) {
        break;
      }
      wire::AppendReply(connection.session.encoding(), {frame.op, frame.seq, frame.ver, {}}, &out_);
      break;
  }
  return wire::CloseReason::kNone;
}

void Shard::AnswerWithFile(Connection& connection, std::string_view response) {
  auto answer = std::make_unique<FileAnswer>();
  answer->rest = response;
  connection.extra = std::move(answer);
  connection.phase = Phase::kAnswering;
  // Before the first byte is sent: what counts as taken may be encrypted, and wait for an edge.
  if (connection.armed == io::Op::kNone) Arm(connection, io::Op::kWatch);
  SendFile(connection);
}

// As much of the response as the socket takes. Who does not take all of it in time is closed by the
// handshake's deadline, which still holds.
void Shard::SendFile(Connection& connection) {
  std::string_view& rest = connection.file_answer()->rest;
  const iovec part{const_cast<char*>(rest.data()), rest.size()};
  const io::SendRequest request{connection.fd, &part, 1};
  exceptions_.clear();
  ring_.SendEach({&request, 1}, &exceptions_);
  if (exceptions_.empty()) {
    BeginClose(connection, wire::CloseReason::kPageServed);
  } else if (const int32_t taken = exceptions_.front().result; taken < 0) {
    BeginClose(connection, wire::CloseReason::kPeerReset);
  } else {
    rest.remove_prefix(static_cast<size_t>(taken));
  }
}

void Shard::OnSignOfLife(Connection& connection) {
  const uint64_t deadline_ns = SilentUntilNs(connection, connection.idle_ms);
  if (deadline_ns < connection.deadline_ns) {
    // A ping was given longer to be answered than there is until the next one.
    SetDeadline(connection, deadline_ns);
  } else {
    connection.deadline_ns = deadline_ns;
  }
}

void Shard::OnHeartbeat(Connection& connection, const wire::GoimFrame& frame) {
  OnSignOfLife(connection);
  backend_.Heartbeat(IdentityOf(connection));
  const hub::Room* room = hub_.RoomOf(SlotOf(connection));
  const uint64_t online = room == nullptr ? 0 : OnlineIn(*room);
  char body[4];
  base::StoreBe32(body, static_cast<uint32_t>(std::min<uint64_t>(online, INT32_MAX)));
  wire::AppendReply(connection.session.encoding(),
                    {wire::op::kHeartbeatReply, frame.seq, frame.ver, {body, sizeof body}}, &out_);
}

wire::CloseReason Shard::OnChangeRoom(Connection& connection, const wire::GoimFrame& frame) {
  if (frame.body.size() > options_.client.room_id_bytes) return wire::CloseReason::kFrameTooBig;
  const uint32_t slot = SlotOf(connection);
  const hub::Room* room = hub_.RoomOf(slot);
  const bool stays = room != nullptr && room->id() == frame.body;
  if (!stays) {
    if (room != nullptr) NoteRecount(*room);
    hub_.LeaveRooms(slot);
    TellHomes();
  }
  const Joined joined =
      stays || frame.body.empty() ? Joined::kIn : EnterRoom(connection, frame.body);
  if (joined == Joined::kRefused) return wire::CloseReason::kRoomsFull;
  if (joined == Joined::kWaits) {
    connection.phase = Phase::kWaiting;
    connection.extra = std::make_unique<Greeting>();
    connection.greeting()->asked.request = {frame.op, frame.seq, frame.ver, {}};
    connection.greeting()->body = frame.body;
    return wire::CloseReason::kNone;
  }
  wire::AppendReply(connection.session.encoding(),
                    {wire::op::kChangeRoomReply, frame.seq, frame.ver, frame.body}, &out_);
  return wire::CloseReason::kNone;
}

wire::CloseReason Shard::OnAccepts(Connection& connection, const wire::GoimFrame& frame,
                                   bool add) {
  int32_t ops[wire::kOpListMax];
  size_t count = 0;
  // As goim: a list with any item that is not a number changes nothing, and is answered all the same.
  if (wire::ParseOpList(frame.body, ops, &count)) {
    const absl::Span<const int32_t> list(ops, count);
    if (!add) {
      hub_.RemoveAccepts(SlotOf(connection), list);
    } else if (!hub_.AddAccepts(SlotOf(connection), list)) {
      return wire::CloseReason::kFrameTooBig;
    }
  }
  const int32_t reply = add ? wire::op::kSubReply : wire::op::kUnsubReply;
  wire::AppendReply(connection.session.encoding(), {reply, frame.seq, frame.ver, frame.body},
                    &out_);
  return wire::CloseReason::kNone;
}

backend::ClientIdentity Shard::IdentityOf(const Connection& connection) const {
  const hub::Channel& channel = hub_.channel(SlotOf(connection));
  return {channel.mid, channel.key.view(), connection.serial};
}

}  // namespace halley::shard
