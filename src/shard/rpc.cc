// Shard: push connections.
#include <algorithm>

#include "base/assert.h"
#include "shard/shard.h"
#include "wire/rpc_frame.h"

namespace halley::shard {
namespace {

// A pusher that does not read its replies is not read either.
constexpr size_t kUnsentRepliesMax = 4 << 20;
// How long a pusher that is being closed may take to read its last reply.
constexpr uint64_t kClosingNs = 1'000'000'000;

}  // namespace

void Shard::OpenRpc(int32_t fd) {
  const bool full = rpc_connections_ >= options_.push.connections;
  Connection* connection = full ? nullptr : connections_.New(fd, session::Transport::kTcp);
  if (connection == nullptr) {
    ++counts_.push_refused;
    ring_.Close(fd);
    return;
  }
  ++rpc_connections_;
  connection->phase = Phase::kRpc;
  connection->extra = std::make_unique<RpcState>();
  push_.OnOpened({SlotOf(*connection), GenerationOf(*connection)}, /*inside=*/false);
  SetDeadline(*connection, now_ns_ + uint64_t{options_.push.auth_timeout_ms} * 1'000'000);
  Arm(*connection, io::Op::kWatch);
}

void Shard::OpenInside(const InsideCaller& caller) {
  Connection* connection = connections_.New(caller.fd, session::Transport::kTcp);
  HALLEY_ASSERT(connection != nullptr);  // the first of all
  connection->phase = Phase::kRpc;
  connection->extra = std::make_unique<RpcState>();
  connection->rpc()->inside = true;
  connection->rpc()->observer = caller.observer;
  push_.OnOpened({SlotOf(*connection), GenerationOf(*connection)}, /*inside=*/true);
  Arm(*connection, io::Op::kWatch);
}

void Shard::ForgetRpc(Connection& connection) {
  if (!connection.rpc()->inside) --rpc_connections_;
  FlushRpc(connection);
  push_.OnClosed({SlotOf(connection), GenerationOf(connection)});
  connection.extra.reset();
}

void Shard::OnRpcReady(Connection& connection, uint32_t readiness) {
  if ((readiness & io::kWritable) != 0 && connection.rpc()->blocked) {
    connection.rpc()->blocked = false;
    MarkRpcDirty(connection);
  }
  if ((readiness & (io::kReadable | io::kHangup)) != 0 && !connection.readable_queued) {
    ReadRpc(connection);
  }
}

// Backpressure is not reading: while the pipeline is full, replies pile up, another shard does not
// keep up with what it is sent, or members that keep up have not been sent what was pushed already.
// Who only looks on adds nothing to any of that but the first two.
bool Shard::MayReadRpc(const Connection& connection) const {
  const RpcState& rpc = *connection.rpc();
  if (rpc.closing != wire::CloseReason::kNone || rpc.paused ||
      rpc.out.size() - rpc.out_sent >= kUnsentRepliesMax) {
    return false;
  }
  return rpc.observer || (!hub_.Congested() && !port_.Clogged() &&
                          memory_stage_ < MemoryStage::kCloseSlow && !fabric_.AnyoneCongested());
}

void Shard::ReadRpc(Connection& connection) {
  const RpcId id{SlotOf(connection), GenerationOf(connection)};
  uint32_t frames_left = options_.shard.read_frames;
  size_t bytes_left = options_.shard.read_bytes;
  bool drained = false;
  if (connection.inbox_bytes > 0) {
    FeedRpc(connection, connection.inbox.data, connection.inbox_bytes, &frames_left);
  }
  while (connection.phase == Phase::kRpc && MayReadRpc(connection) && frames_left > 0 &&
         bytes_left > 0 && !drained) {
    char* bytes = nullptr;
    size_t size = 0;
    if (!TakeBytes(connection, options_.push.message_bytes + wire::kRpcHeaderBytes, &bytes_left,
                   &drained, &bytes, &size)) {
      break;
    }
    FeedRpc(connection, bytes, size, &frames_left);
  }
  if (connection.phase != Phase::kRpc || connection.rpc()->closing != wire::CloseReason::kNone) {
    return;
  }
  if (!MayReadRpc(connection)) {
    if (!connection.rpc()->waiting) rpc_waiting_.push_back({id.slot, id.generation});
    connection.rpc()->waiting = true;
  } else if (!drained || frames_left == 0) {
    // Without budget whole frames may lie unread, and what lies here has had its edge.
    QueueReadable(connection);
  }
}

void Shard::FeedRpc(Connection& connection, char* bytes, size_t size, uint32_t* frames_left) {
  const RpcId id{SlotOf(connection), GenerationOf(connection)};
  wire::Inbox inbox{bytes, bytes + size};
  wire::CloseReason ending = wire::CloseReason::kNone;
  while (*frames_left > 0 && ending == wire::CloseReason::kNone) {
    if (!MayReadRpc(connection)) {
      // Another shard's congestion may be over before this turn is: that is for the next one.
      *frames_left = 0;
      break;
    }
    std::string_view payload;
    switch (wire::NextRpcFrame(&inbox, options_.push.message_bytes, &payload)) {
      case wire::DecodeStatus::kDone:
        --*frames_left;
        ending = push_.OnFrame(id, payload);
        continue;
      case wire::DecodeStatus::kMore: break;
      case wire::DecodeStatus::kBad:
      case wire::DecodeStatus::kTooBig: ending = wire::CloseReason::kRpcBadRequest; break;
    }
    break;
  }
  KeepUnread(connection, inbox.begin, inbox.size());
  if (ending == wire::CloseReason::kNone) return;
  connection.rpc()->closing = ending;
  SetDeadline(connection, now_ns_ + kClosingNs);
  MarkRpcDirty(connection);
}

// Those that could not be read try again each turn; few, and only while somebody is congested.
void Shard::ResumeRpcs() {
  size_t kept = 0;
  for (size_t i = 0; i < rpc_waiting_.size(); ++i) {
    const Name name = rpc_waiting_[i];
    Connection* connection = Find(name.slot, name.generation);
    if (connection == nullptr || connection->phase != Phase::kRpc) continue;
    // One that is being closed is not read again.
    if (connection->rpc()->closing != wire::CloseReason::kNone) continue;
    if (MayReadRpc(*connection)) {
      connection->rpc()->waiting = false;
      QueueReadable(*connection);
    } else {
      rpc_waiting_[kept++] = name;
    }
  }
  rpc_waiting_.resize(kept);
}

void Shard::MarkRpcDirty(Connection& connection) {
  rpc_dirty_.push_back({SlotOf(connection), GenerationOf(connection)});
}

void Shard::SendRpc(RpcId id, std::string_view bytes) {
  Connection* connection = Find(id.slot, id.generation);
  if (connection == nullptr || connection->rpc() == nullptr) return;
  if (connection->rpc()->out.empty()) MarkRpcDirty(*connection);
  connection->rpc()->out.append(bytes);
}

void Shard::PauseRpc(RpcId id, bool paused) {
  Connection* connection = Find(id.slot, id.generation);
  if (connection != nullptr && connection->rpc() != nullptr) connection->rpc()->paused = paused;
}

void Shard::FlushRpcs() {
  const std::vector<Name> dirty = std::exchange(rpc_dirty_, {});
  for (const Name& name : dirty) {
    Connection* connection = Find(name.slot, name.generation);
    if (connection == nullptr || connection->phase != Phase::kRpc) continue;
    if (!FlushRpc(*connection)) {
      BeginClose(*connection, wire::CloseReason::kPeerReset);
      continue;
    }
    const RpcState& rpc = *connection->rpc();
    if (rpc.closing != wire::CloseReason::kNone && rpc.out.empty()) {
      BeginClose(*connection, rpc.closing);
    }
  }
}

// False: the connection is dead.
bool Shard::FlushRpc(Connection& connection) {
  RpcState& rpc = *connection.rpc();
  if (rpc.blocked || rpc.out.empty()) return true;
  const std::string_view unsent = std::string_view(rpc.out).substr(rpc.out_sent);
  const iovec part{const_cast<char*>(unsent.data()), unsent.size()};
  const io::SendRequest request{connection.fd, &part, 1};
  exceptions_.clear();
  ring_.SendEach({&request, 1}, &exceptions_);
  if (exceptions_.empty()) {
    rpc.out.clear();
    rpc.out_sent = 0;
    return true;
  }
  const int32_t result = exceptions_.front().result;
  rpc.blocked = true;
  rpc.out_sent += static_cast<size_t>(std::max(result, 0));
  return result >= 0;
}

}  // namespace halley::shard
