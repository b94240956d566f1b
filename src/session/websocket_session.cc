// ClientSession's WebSocket half: the upgrade, and messages joined in place from their fragments,
// then inflated if they were compressed.
#include <algorithm>
#include <cstring>

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
  size_t scanned = scanned_bytes_;
  switch (wire::ParseUpgrade(inbox->view(), UpgradeLimitsOf(limits), &scanned, &request, &refusal)) {
    case wire::UpgradeStatus::kMore:
      scanned_bytes_ = static_cast<uint32_t>(scanned);
      return {};
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

// From here on the inbox holds messages, of which none is joined yet.
void ClientSession::TakeRequest(const wire::UpgradeRequest& request, wire::Inbox* inbox) {
  inbox->begin += request.bytes;
  joined_bytes_ = 0;
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
  TakeRequest(request, inbox);
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
  for (;;) {
    CloseReason wrong = CloseReason::kNone;
    if (in_fragment_) {
      wrong = TakePayload(inbox);
      if (wrong != CloseReason::kNone) return Closing(wrong);
      if (in_fragment_) return {};
      if (!fin_) continue;
      Event event{EventKind::kMessage, CloseReason::kNone, {}};
      wrong = EndMessage(inbox, limits, &event.frame);
      return wrong == CloseReason::kNone ? event : Closing(wrong);
    }

    const char* const unread = Unread(*inbox);
    const auto unread_bytes = static_cast<size_t>(inbox->end - unread);
    wire::WsHeader header;
    const DecodeStatus status = wire::DecodeWsHeader(
        {unread, unread_bytes}, &header, wire::IsDeflate(encoding_));
    if (status == DecodeStatus::kMore) return {};
    if (status != DecodeStatus::kDone) return Closing(CloseReason::kWsProtocolError);
    if (!wire::IsWsControl(header.opcode)) {
      wrong = BeginFragment(inbox, header, limits);
      if (wrong != CloseReason::kNone) return Closing(wrong);
      continue;
    }
    if (unread_bytes < header.header_bytes + header.payload_bytes) return {};
    const Event event = OnWsControl(inbox, header, limits, out);
    if (event.kind != EventKind::kNeedMore) return event;
  }
}

// A whole control frame, which may stand between the fragments of a message.
Event ClientSession::OnWsControl(wire::Inbox* inbox, const wire::WsHeader& header,
                                 const SessionLimits& limits, std::string* out) {
  char* const payload = Unread(*inbox) + header.header_bytes;
  const auto payload_bytes = static_cast<size_t>(header.payload_bytes);
  wire::UnmaskWs(payload, payload, payload_bytes, header.mask);
  if (header.opcode == wire::WsOpcode::kClose) {
    uint16_t code = 0;
    switch (wire::ParseWsClose({payload, payload_bytes}, &code)) {
      case wire::WsCloseStatus::kGood:
        wire::AppendWsClose(code, out);
        return Closing(CloseReason::kPeerClosed);
      case wire::WsCloseStatus::kBad:
        return Closing(CloseReason::kWsProtocolError);
      case wire::WsCloseStatus::kBadUtf8:
        return Closing(CloseReason::kWsBadUtf8);
    }
  }
  const bool ping = header.opcode == wire::WsOpcode::kPing;
  if (ping) wire::AppendWsPong({payload, payload_bytes}, out);
  Skip(inbox, header.header_bytes + payload_bytes, limits);
  if (transport_ == Transport::kGopusher && header.opcode == wire::WsOpcode::kPong) {
    pinged_ = false;
    return {EventKind::kHeartbeat, CloseReason::kNone, {}};
  }
  return {ping ? EventKind::kOutput : EventKind::kNeedMore, CloseReason::kNone, {}};
}

CloseReason ClientSession::BeginFragment(wire::Inbox* inbox, const wire::WsHeader& header,
                                         const SessionLimits& limits) {
  const bool continues = header.opcode == wire::WsOpcode::kContinuation;
  if (continues != in_message_) return CloseReason::kWsProtocolError;
  if (!continues) {
    in_message_ = true;
    text_ = header.opcode == wire::WsOpcode::kText;
    compressed_ = header.compressed;
    fragments_ = 0;
  }
  if (header.payload_bytes > MessageBytesMax(limits) - joined_bytes_ ||
      fragments_ >= limits.fragments) {
    return CloseReason::kFrameTooBig;
  }
  ++fragments_;
  in_fragment_ = true;
  fin_ = header.fin;
  mask_ = header.mask;
  fragment_left_bytes_ = static_cast<uint32_t>(header.payload_bytes);
  Skip(inbox, header.header_bytes, limits);
  return CloseReason::kNone;
}

// Joins what is there of the fragment's payload to what came before it.
CloseReason ClientSession::TakePayload(wire::Inbox* inbox) {
  char* const from = Unread(*inbox);
  char* const to = inbox->begin + joined_bytes_;
  const size_t bytes =
      std::min<size_t>(fragment_left_bytes_, static_cast<size_t>(inbox->end - from));
  mask_ = wire::UnmaskWs(to, from, bytes, mask_);
  joined_bytes_ += static_cast<uint32_t>(bytes);
  fragment_left_bytes_ -= static_cast<uint32_t>(bytes);
  in_fragment_ = fragment_left_bytes_ > 0;
  // Of a compressed text that is not known before its end.
  if (text_ && !compressed_ && !utf8_.Feed({to, bytes})) return CloseReason::kWsBadUtf8;
  return CloseReason::kNone;
}

CloseReason ClientSession::Unpack(std::string_view payload, const SessionLimits& limits,
                                  std::string_view* message) {
  *message = payload;
  if (!compressed_) return CloseReason::kNone;
  switch (wire::InflateMessage(payload, limits.message_bytes, message)) {
    case wire::InflateStatus::kDone: break;
    case wire::InflateStatus::kTooBig: return CloseReason::kFrameTooBig;
    case wire::InflateStatus::kBad: return CloseReason::kWsProtocolError;
  }
  return text_ && !utf8_.Feed(*message) ? CloseReason::kWsBadUtf8 : CloseReason::kNone;
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

CloseReason ClientSession::EndMessage(wire::Inbox* inbox, const SessionLimits& limits,
                                      wire::GoimFrame* frame) {
  std::string_view message(inbox->begin, joined_bytes_);
  inbox->begin = Unread(*inbox);
  in_message_ = false;
  joined_bytes_ = 0;
  gap_bytes_ = 0;
  const CloseReason wrong = Unpack(message, limits, &message);
  if (wrong != CloseReason::kNone) return wrong;
  if (text_ && !utf8_.complete()) return CloseReason::kWsBadUtf8;
  if (text_ && !authenticated_ && encoding_ == wire::Encoding::kGoimV1WebSocket) {
    encoding_ = limits.v1_json_arrays ? wire::Encoding::kGoimV1JsonArray
                                      : wire::Encoding::kGoimV1Json;
  }
  switch (DecodeFrame(message, limits, frame)) {
    case DecodeStatus::kDone:
      return CloseReason::kNone;
    case DecodeStatus::kTooBig:
      return CloseReason::kFrameTooBig;
    case DecodeStatus::kMore:
    case DecodeStatus::kBad:
      break;
  }
  return CloseReason::kBadFrame;
}

// Passes over the next `bytes` that are unread.
void ClientSession::Skip(wire::Inbox* inbox, size_t bytes, const SessionLimits& limits) {
  gap_bytes_ += static_cast<uint32_t>(bytes);
  if (joined_bytes_ > 0 && gap_bytes_ <= GapBytesMax(limits)) return;
  std::memmove(inbox->begin + gap_bytes_, inbox->begin, joined_bytes_);
  inbox->begin += gap_bytes_;
  gap_bytes_ = 0;
}

}  // namespace halley::session
