#include "session/client_session.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "wire/event_stream.h"
#include "wire/goim_v1.h"
#include "wire/http_answer.h"

namespace halley::session {
namespace {

using wire::CloseReason;
using wire::DecodeStatus;

EventKind KindOf(int32_t op, bool authenticated, bool refreshes) {
  if (!authenticated) {
    return op == wire::op::kAuth ? EventKind::kAuthenticate : EventKind::kNeedMore;
  }
  switch (op) {
    case wire::op::kHeartbeat:
    case wire::op::kHeartbeatReply:
      return EventKind::kHeartbeat;
    case wire::op::kChangeRoom:
      return EventKind::kChangeRoom;
    case wire::op::kSub:
      return EventKind::kSub;
    case wire::op::kUnsub:
      return EventKind::kUnsub;
    case wire::op::kRefresh:
      return refreshes ? EventKind::kRefresh : EventKind::kMessage;
    default:
      return EventKind::kMessage;
  }
}

Event FrameEvent(const wire::GoimFrame& frame) {
  return {EventKind::kMessage, CloseReason::kNone, frame};
}

}  // namespace

ClientSession::ClientSession(Transport transport) : transport_(transport), phase_(Phase::kLogin) {
  if (transport == Transport::kWebSocket || transport == Transport::kGopusher ||
      transport == Transport::kGoimV1WebSocket) {
    phase_ = Phase::kUpgrade;
  } else if (transport == Transport::kGoimV1Tcp) {
    encoding_ = wire::Encoding::kGoimV1Tcp;
  }
}

Event ClientSession::Next(wire::Inbox* inbox, const SessionLimits& limits, std::string* out) {
  HALLEY_ASSERT(phase_ != Phase::kAuthenticating && phase_ != Phase::kClosed);
  if (phase_ == Phase::kUpgrade) return Upgrade(inbox, limits, out);
  for (;;) {
    Event event;
    switch (transport_) {
      case Transport::kTcp:
      case Transport::kGoimV1Tcp: event = NextTcpFrame(inbox, limits); break;
      case Transport::kGoimV1WebSocket:
      case Transport::kWebSocket: event = NextWsFrame(inbox, limits, out); break;
      case Transport::kGopush: event = NextGopush(inbox, limits, out); break;
      case Transport::kLongPoll:
      case Transport::kEventStream: event = NextIgnored(inbox); break;
      case Transport::kGopusher: event = NextGopusher(inbox, limits, out); break;
    }
    if (event.kind == EventKind::kMessage && wire::IsGoimV1(encoding_)) {
      event = OnGoimV1Frame(event.frame, out);
    }
    if (event.kind == EventKind::kClose) return Close(event.reason, out);
    if (event.kind != EventKind::kMessage) return event;
    event.kind = KindOf(event.frame.op, authenticated_, limits.refreshes);
    if (event.kind == EventKind::kNeedMore) continue;  // before login: not for anybody
    if (event.kind == EventKind::kAuthenticate) phase_ = Phase::kAuthenticating;
    return event;
  }
}

size_t ClientSession::InboxBytesMax(const SessionLimits& limits) {
  return std::max({wire::kGoimHeaderBytes + limits.frame_body_bytes,
                   WebSocketReader::InboxBytesMax({limits.message_bytes, limits.fragments}),
                   limits.upgrade.header_bytes_max, limits.gopusher.upgrade.header_bytes_max,
                   limits.v1_upgrade.header_bytes_max});
}

void ClientSession::OnAuthenticated() {
  HALLEY_ASSERT(phase_ == Phase::kAuthenticating);
  phase_ = Phase::kLive;
  authenticated_ = true;
}

void ClientSession::AppendFarewell(CloseReason reason, std::string* out, uint32_t retry_ms) {
  const Phase phase = std::exchange(phase_, Phase::kClosed);
  const uint16_t code = wire::WebSocketCloseCode(reason);
  if (transport_ == Transport::kTcp || transport_ == Transport::kGoimV1Tcp ||
      phase == Phase::kClosed || code == 0) {
    return;
  }
  if (transport_ == Transport::kEventStream) {
    AppendEventStreamFarewell(reason, phase == Phase::kLive, retry_ms, out);
    return;
  }
  if (transport_ == Transport::kLongPoll) {
    wire::AppendUpgradeRefused(wire::RefusalOf(reason), out);
    return;
  }
  if (transport_ == Transport::kGopusher && phase == Phase::kAuthenticating) {
    wire::AppendUpgradeRefused(wire::GopusherRefusalOf(reason), out);
    return;
  }
  if (wire::IsGopush(encoding_) && phase == Phase::kAuthenticating &&
      reason == CloseReason::kAuthRefused) {
    wire::AppendGopushReply(encoding_, wire::GopushReply::kBadToken, out);
  }
  if (transport_ == Transport::kGopush) return;
  if (phase == Phase::kUpgrade) {
    wire::AppendUpgradeRefused(wire::IsOfLimits(reason) ? wire::RefusalOf(reason)
                                                        : wire::UpgradeRefusal::kUnavailable,
                               out);
  } else if (retry_ms != 0) {
    wire::AppendWsClose(code, out, "retry_ms=" + std::to_string(retry_ms));
  } else {
    wire::AppendWsClose(code, out, wire::IsOfLimits(reason) ? wire::CloseReasonName(reason) : "");
  }
}

Silence ClientSession::OnSilence(const SessionLimits& limits, std::string* out) {
  if (transport_ == Transport::kGopusher) return OnGopusherSilence(limits.gopusher, out);
  if (transport_ == Transport::kLongPoll) {
    if (waited_) return {};
    waited_ = true;
    return {.next_ms = limits.v1_idle_timeout_ms};
  }
  if (transport_ != Transport::kEventStream) return {};
  out->append(wire::kEventHeartbeat);
  return {.next_ms = limits.event_heartbeat_ms};
}

Event ClientSession::Authenticate(std::string_view token, const Opening& opening) {
  phase_ = Phase::kAuthenticating;
  Event event;
  event.kind = EventKind::kAuthenticate;
  event.frame.op = wire::op::kAuth;
  event.frame.body = token;
  event.opening = &opening;
  return event;
}

Event ClientSession::Close(CloseReason reason, std::string* out) {
  AppendFarewell(reason, out);
  return {EventKind::kClose, reason, {}};
}

Event ClientSession::NextTcpFrame(wire::Inbox* inbox, const SessionLimits& limits) {
  wire::GoimFrame frame;
  size_t frame_bytes = 0;
  switch (wire::DecodeGoimFrame(inbox->view(), BodyBytesMax(limits), &frame, &frame_bytes)) {
    case DecodeStatus::kDone:
      inbox->begin += frame_bytes;
      return FrameEvent(frame);
    case DecodeStatus::kMore:
      return {};
    case DecodeStatus::kTooBig:
      return {EventKind::kClose, CloseReason::kFrameTooBig, {}};
    case DecodeStatus::kBad:
      break;
  }
  return {EventKind::kClose, CloseReason::kBadFrame, {}};
}

}  // namespace halley::session
