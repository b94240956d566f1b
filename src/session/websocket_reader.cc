#include "session/websocket_reader.h"

#include <algorithm>
#include <cstring>

#include "wire/permessage_deflate.h"

namespace halley::session {
namespace {

using wire::CloseReason;
using wire::DecodeStatus;

WsEvent Closing(CloseReason reason) { return {.kind = WsEventKind::kClose, .reason = reason}; }

}  // namespace

wire::UpgradeStatus WebSocketReader::Open(const wire::Inbox& inbox,
                                          const wire::UpgradeLimits& limits,
                                          wire::UpgradeRequest* request,
                                          wire::UpgradeRefusal* refusal) {
  size_t scanned = scanned_bytes_;
  const wire::UpgradeStatus status =
      wire::ParseUpgrade(inbox.view(), limits, &scanned, request, refusal);
  if (status == wire::UpgradeStatus::kMore) {
    scanned_bytes_ = static_cast<uint32_t>(scanned);
  } else {
    // From here on there are messages, of which none is joined yet.
    joined_bytes_ = 0;
  }
  return status;
}

size_t WebSocketReader::InboxBytesMax(const MessageLimits& limits) {
  // A message with every byte there, and a control frame behind it.
  return limits.bytes + GapBytesMax(limits) + wire::kWsControlFrameBytesMax;
}

WsEvent WebSocketReader::Next(wire::Inbox* inbox, const MessageLimits& limits, bool deflate,
                              std::string* out) {
  for (;;) {
    CloseReason wrong = CloseReason::kNone;
    if (in_fragment_) {
      wrong = TakePayload(inbox);
      if (wrong != CloseReason::kNone) return Closing(wrong);
      if (in_fragment_) return {};
      if (!fin_) continue;
      return EndMessage(inbox, limits);
    }

    const char* const unread = Unread(*inbox);
    const auto unread_bytes = static_cast<size_t>(inbox->end - unread);
    wire::WsHeader header;
    const DecodeStatus status = wire::DecodeWsHeader({unread, unread_bytes}, &header, deflate);
    if (status == DecodeStatus::kMore) return {};
    if (status != DecodeStatus::kDone) return Closing(CloseReason::kWsProtocolError);
    if (!wire::IsWsControl(header.opcode)) {
      wrong = BeginFragment(inbox, header, limits);
      if (wrong != CloseReason::kNone) return Closing(wrong);
      continue;
    }
    if (unread_bytes < header.header_bytes + header.payload_bytes) return {};
    return OnControl(inbox, header, limits, out);
  }
}

// A whole control frame, which may stand between the fragments of a message.
WsEvent WebSocketReader::OnControl(wire::Inbox* inbox, const wire::WsHeader& header,
                                   const MessageLimits& limits, std::string* out) {
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
  return {.kind = ping ? WsEventKind::kPing : WsEventKind::kPong};
}

CloseReason WebSocketReader::BeginFragment(wire::Inbox* inbox, const wire::WsHeader& header,
                                           const MessageLimits& limits) {
  const bool continues = header.opcode == wire::WsOpcode::kContinuation;
  if (continues != in_message_) return CloseReason::kWsProtocolError;
  if (!continues) {
    in_message_ = true;
    text_ = header.opcode == wire::WsOpcode::kText;
    compressed_ = header.compressed;
    fragments_ = 0;
  }
  if (header.payload_bytes > limits.bytes - joined_bytes_ || fragments_ >= limits.fragments) {
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
CloseReason WebSocketReader::TakePayload(wire::Inbox* inbox) {
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

CloseReason WebSocketReader::Unpack(std::string_view payload, const MessageLimits& limits,
                                    std::string_view* message) {
  *message = payload;
  if (!compressed_) return CloseReason::kNone;
  switch (wire::InflateMessage(payload, limits.bytes, message)) {
    case wire::InflateStatus::kDone: break;
    case wire::InflateStatus::kTooBig: return CloseReason::kFrameTooBig;
    case wire::InflateStatus::kBad: return CloseReason::kWsProtocolError;
  }
  return text_ && !utf8_.Feed(*message) ? CloseReason::kWsBadUtf8 : CloseReason::kNone;
}

WsEvent WebSocketReader::EndMessage(wire::Inbox* inbox, const MessageLimits& limits) {
  WsEvent event{.kind = WsEventKind::kMessage, .text = text_};
  const std::string_view payload(inbox->begin, joined_bytes_);
  inbox->begin = Unread(*inbox);
  in_message_ = false;
  joined_bytes_ = 0;
  gap_bytes_ = 0;
  const CloseReason wrong = Unpack(payload, limits, &event.message);
  if (wrong != CloseReason::kNone) return Closing(wrong);
  if (text_ && !utf8_.complete()) return Closing(CloseReason::kWsBadUtf8);
  return event;
}

// Passes over the next `bytes` that are unread.
void WebSocketReader::Skip(wire::Inbox* inbox, size_t bytes, const MessageLimits& limits) {
  gap_bytes_ += static_cast<uint32_t>(bytes);
  if (joined_bytes_ > 0 && gap_bytes_ <= GapBytesMax(limits)) return;
  std::memmove(inbox->begin + gap_bytes_, inbox->begin, joined_bytes_);
  inbox->begin += gap_bytes_;
  gap_bytes_ = 0;
}

}  // namespace halley::session
