// ClientSession's WebSocket half: what a request opens, and what the reader's messages hold.
#include "session/client_session.h"
#include "wire/goim_v1.h"
#include "wire/http_answer.h"
#include "wire/http_upgrade.h"
#include "wire/json_frame.h"

namespace halley::session {
namespace {

using wire::CloseReason;
using wire::DecodeStatus;

Event Closing(CloseReason reason) { return {EventKind::kClose, reason, {}}; }

}  // namespace

Event ClientSession::Upgrade(wire::Inbox* inbox, const SessionLimits& limits, std::string* out) {
  wire::UpgradeRequest request;
  wire::UpgradeRefusal refusal = wire::UpgradeRefusal::kUnavailable;
  switch (reader_.Open(*inbox, UpgradeLimitsOf(limits), &request, &refusal)) {
    case wire::UpgradeStatus::kMore: return {};
    case wire::UpgradeStatus::kRefused:
      wire::AppendUpgradeRefused(refusal, out);
      return Close(CloseReason::kBadHandshake, out);
    case wire::UpgradeStatus::kFile: return File(request, inbox);
    case wire::UpgradeStatus::kDone:
      break;
  }
  if (request.dialect == wire::Dialect::kEventStream) {
    return OpenEventStream(request, inbox, limits, out);
  }
  if (request.dialect == wire::Dialect::kGoimV1LongPoll) return OpenLongPoll(request, inbox, out);
  if (request.dialect == wire::Dialect::kGopush) return OpenGopush(request, inbox, out);
  if (request.dialect == wire::Dialect::kGopusher) return OpenGopusher(request, inbox, limits, out);
  return OpenWebSocket(request, inbox, out);
}

const wire::UpgradeLimits& ClientSession::UpgradeLimitsOf(const SessionLimits& limits) const {
  if (transport_ == Transport::kGopusher) return limits.gopusher.upgrade;
  if (transport_ == Transport::kGoimV1WebSocket) return limits.v1_upgrade;
  return limits.upgrade;
}

Event ClientSession::OpenWebSocket(const wire::UpgradeRequest& request, wire::Inbox* inbox,
                                   std::string* out) {
  wire::AppendUpgradeAccepted(request, out);
  if (request.dialect == wire::Dialect::kJson) {
    encoding_ = request.deflate.agreed ? wire::Encoding::kJsonWebSocketDeflate
                                       : wire::Encoding::kJsonWebSocket;
  } else if (request.dialect == wire::Dialect::kGoimV1) {
    encoding_ = wire::Encoding::kGoimV1WebSocket;  // unless its first message is text
    transport_ = Transport::kWebSocket;
  } else {
    encoding_ = request.deflate.agreed ? wire::Encoding::kGoimWebSocketDeflate
                                       : wire::Encoding::kGoimWebSocket;
  }
  inbox->begin += request.bytes;
  phase_ = Phase::kLogin;
  Event event;
  event.kind = EventKind::kUpgraded;
  event.frame.body = request.cookie;
  event.forwarded_for = request.forwarded_for;
  return event;
}

// One request is answered; what comes behind it is nobody's.
Event ClientSession::File(const wire::UpgradeRequest& request, wire::Inbox* inbox) {
  inbox->begin = inbox->end;
  phase_ = Phase::kClosed;
  Event event;
  event.kind = EventKind::kFile;
  event.frame.body = request.response;
  return event;
}

Event ClientSession::NextWsFrame(wire::Inbox* inbox, const SessionLimits& limits,
                                 std::string* out) {
  const MessageLimits message_limits = MessageLimitsOf(limits);
  for (;;) {
    const WsEvent event = reader_.Next(inbox, message_limits, wire::IsDeflate(encoding_), out);
    switch (event.kind) {
      case WsEventKind::kNeedMore: return {};
      case WsEventKind::kPing: return {EventKind::kOutput, CloseReason::kNone, {}};
      case WsEventKind::kPong:
        if (transport_ != Transport::kGopusher) continue;
        pinged_ = false;
        return {EventKind::kHeartbeat, CloseReason::kNone, {}};
      case WsEventKind::kClose: return Closing(event.reason);
      case WsEventKind::kMessage: return OnWsMessage(event, limits);
    }
  }
}

// A message is exactly one frame, and the decoder is shown the message and nothing behind it.
DecodeStatus ClientSession::DecodeFrame(std::string_view message, const SessionLimits& limits,
                                        wire::GoimFrame* frame) const {
  if (wire::IsJson(encoding_)) {
    return wire::DecodeJsonFrame(message, limits.frame_body_bytes, frame);
  }
  if (transport_ == Transport::kGopusher) return DecodeStatus::kDone;
  if (encoding_ == wire::Encoding::kGoimV1JsonArray || encoding_ == wire::Encoding::kGoimV1Json) {
    return wire::DecodeGoimV1JsonFrame(message, BodyBytesMax(limits), frame);
  }
  if (wire::IsGopush(encoding_)) {
    frame->op = wire::op::kHeartbeat;
    return message == wire::kGopushHeartbeat ? DecodeStatus::kDone : DecodeStatus::kBad;
  }
  size_t frame_bytes = 0;
  const DecodeStatus status =
      wire::DecodeGoimFrame(message, BodyBytesMax(limits), frame, &frame_bytes);
  const bool more = status == DecodeStatus::kDone && frame_bytes != message.size();
  return more ? DecodeStatus::kBad : status;
}

Event ClientSession::OnWsMessage(const WsEvent& message, const SessionLimits& limits) {
  if (message.text && !authenticated_ && encoding_ == wire::Encoding::kGoimV1WebSocket) {
    encoding_ = limits.v1_json_arrays ? wire::Encoding::kGoimV1JsonArray
                                      : wire::Encoding::kGoimV1Json;
  }
  Event event{EventKind::kMessage, CloseReason::kNone, {}};
  switch (DecodeFrame(message.message, limits, &event.frame)) {
    case DecodeStatus::kDone:
      return event;
    case DecodeStatus::kTooBig:
      return Closing(CloseReason::kFrameTooBig);
    case DecodeStatus::kMore:
    case DecodeStatus::kBad:
      break;
  }
  return Closing(CloseReason::kBadFrame);
}

}  // namespace halley::session
