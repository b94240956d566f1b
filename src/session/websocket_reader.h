// WebSocketReader: the server's side of one WebSocket: the request that opens it, then messages,
// joined in place from their fragments, held against UTF-8 where they are text, and inflated. Pings are
// answered here, and a client's close. What messages mean is somebody else's. Sans-IO, as
// ClientSession, whose half it is.
//
// Threads    One.
// Ownership  Keeps no bytes. A message lies in the inbox's memory, or in the thread's where it was
//            compressed, and dies with the thread's next call or the next change of the inbox's memory.
// Limits     MessageLimits; beyond them it ends with a named reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/close_reason.h"
#include "wire/http_upgrade.h"
#include "wire/inbox.h"
#include "wire/utf8.h"
#include "wire/websocket.h"

namespace halley::session {

struct MessageLimits {
  uint32_t bytes;      // of a message, all fragments together, and again when it is inflated
  uint32_t fragments;  // of one message
};

enum class WsEventKind : uint8_t {
  kNeedMore,  // present the inbox again with more bytes
  kMessage,   // whole, and good
  kPing,      // `out` has the pong
  kPong,      // whatever it answers
  kClose,     // it is over for `reason`; of kPeerClosed, `out` has the answer. Not to be fed again
};

struct WsEvent {
  WsEventKind kind = WsEventKind::kNeedMore;
  wire::CloseReason reason = wire::CloseReason::kNone;
  bool text = false;
  std::string_view message;
};

class WebSocketReader {
 public:
  // Parses the request at the front of `inbox`, of which nothing is consumed: what follows stands
  // behind the request's bytes. To be called until it says something other than kMore.
  wire::UpgradeStatus Open(const wire::Inbox& inbox, const wire::UpgradeLimits& limits,
                           wire::UpgradeRequest* request, wire::UpgradeRefusal* refusal);

  // Consumes from the front of `inbox`, appends bytes for the peer to `out`, and returns what comes
  // next. `deflate`: whether permessage-deflate was agreed on. With InboxBytesMax(limits) bytes
  // present it never answers kNeedMore.
  WsEvent Next(wire::Inbox* inbox, const MessageLimits& limits, bool deflate, std::string* out);
  static size_t InboxBytesMax(const MessageLimits& limits);

 private:
  WsEvent OnControl(wire::Inbox* inbox, const wire::WsHeader& header, const MessageLimits& limits,
                    std::string* out);
  wire::CloseReason BeginFragment(wire::Inbox* inbox, const wire::WsHeader& header,
                                  const MessageLimits& limits);
  wire::CloseReason TakePayload(wire::Inbox* inbox);
  WsEvent EndMessage(wire::Inbox* inbox, const MessageLimits& limits);
  // What the payload of a whole message holds.
  wire::CloseReason Unpack(std::string_view payload, const MessageLimits& limits,
                           std::string_view* message);
  char* Unread(const wire::Inbox& inbox) const { return inbox.begin + joined_bytes_ + gap_bytes_; }
  void Skip(wire::Inbox* inbox, size_t bytes, const MessageLimits& limits);

  // How many bytes may lie unused between the joined part of a message and what is unread before
  // the two are closed up. An eighth of the limit: moving the message costs at most eight bytes for
  // each one received, however many control frames stand between its fragments.
  static size_t GapBytesMax(const MessageLimits& limits) { return limits.bytes / 8; }

  // The message under way. It is joined at the front of the inbox:
  //   begin | joined_bytes_ of payload | gap_bytes_ of used headers | unread ... | end
  // The gap is empty while nothing is joined.
  uint32_t fragments_ = 0;
  union {
    uint32_t scanned_bytes_ = 0;  // of the HTTP request; when that is over, none:
    uint32_t joined_bytes_;
  };
  uint32_t gap_bytes_ = 0;
  uint32_t fragment_left_bytes_ = 0;
  uint32_t mask_ = 0;
  wire::Utf8Validator utf8_;      // of text; between messages at the start of a character
  bool in_message_ : 1 = false;   // a first fragment came, the last one has not ended
  bool in_fragment_ : 1 = false;  // its header was read, its payload is not all there
  bool fin_ : 1 = false;          // the fragment is the last one
  bool text_ : 1 = false;
  bool compressed_ : 1 = false;
};

}  // namespace halley::session
