// A ClientSession as the decoder harness sees it (wire/decoder_feed.h): every event and every byte
// for the peer in one transcript, and logins accepted at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "session/client_session.h"
#include "wire/close_reason.h"
#include "wire/decoder_feed.h"

namespace halley::session::testing {

inline std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    hex.push_back(kDigits[c & 15]);
  }
  return hex;
}

// A masked frame as a client sends it; `first` is its first byte.
inline std::string ClientFrame(uint8_t first, std::string_view payload,
                               std::string_view mask = "\x11\x82\xE3\x04") {
  std::string frame(1, static_cast<char>(first));
  const auto masked_length = [&](size_t length) {
    frame.push_back(static_cast<char>(0x80 | length));
  };
  const auto big_endian = [&](int bytes) {
    for (int i = bytes - 1; i >= 0; --i) {
      frame.push_back(static_cast<char>(uint64_t{payload.size()} >> 8 * i));
    }
  };
  if (payload.size() < 126) {
    masked_length(payload.size());
  } else if (payload.size() < 65536) {
    masked_length(126);
    big_endian(2);
  } else {
    masked_length(127);
    big_endian(8);
  }
  frame.append(mask);
  for (size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  }
  return frame;
}

// A goim frame, ver 1.
inline std::string Goim(int32_t op, int32_t seq, std::string_view body = {}) {
  char header[wire::kGoimHeaderBytes];
  wire::WriteGoimHeader(header, 1, op, seq, body.size());
  return std::string(header, sizeof header).append(body);
}

inline const char* KindName(EventKind kind) {
  switch (kind) {
    case EventKind::kNeedMore: return "more";
    case EventKind::kOutput: return "output";
    case EventKind::kUpgraded: return "upgraded";
    case EventKind::kFile: return "file";
    case EventKind::kAuthenticate: return "auth";
    case EventKind::kHeartbeat: return "heartbeat";
    case EventKind::kChangeRoom: return "room";
    case EventKind::kSub: return "sub";
    case EventKind::kUnsub: return "unsub";
    case EventKind::kRefresh: return "refresh";
    case EventKind::kMessage: return "message";
    case EventKind::kClose: return "close";
  }
  return "?";
}

// One line of a transcript: "kind[ reason][ ver/op/seq][ "body"][ > output]". Output that begins a
// response is text, all other is hex.
inline std::string Line(const Event& event, std::string_view out) {
  std::string line = KindName(event.kind);
  const wire::GoimFrame& frame = event.frame;
  if (event.kind == EventKind::kClose) {
    line.append(" ").append(wire::CloseReasonName(event.reason));
  } else if (event.kind != EventKind::kOutput && event.kind != EventKind::kUpgraded &&
             event.kind != EventKind::kFile) {
    line += ' ' + std::to_string(frame.ver) + '/' + std::to_string(frame.op) + '/' +
            std::to_string(frame.seq);
  }
  if (!frame.body.empty()) line.append(" \"").append(frame.body).append("\"");
  if (!event.forwarded_for.empty()) line.append(" for \"").append(event.forwarded_for).append("\"");
  if (!out.empty()) line += " > " + (out.starts_with("HTTP") ? std::string(out) : Hex(out));
  return line + '\n';
}

struct SessionDecoder {
  ClientSession session;
  SessionLimits limits;

  explicit SessionDecoder(Transport transport, const SessionLimits& session_limits = {})
      : session(transport), limits(session_limits) {}

  wire::testing::Step Next(wire::Inbox* inbox, std::string* transcript) {
    std::string out;
    const Event event = session.Next(inbox, limits, &out);
    if (event.kind == EventKind::kNeedMore) {
      HALLEY_ASSERT(out.empty());
      return wire::testing::Step::kMore;
    }
    transcript->append(Line(event, out));
    if (event.kind == EventKind::kAuthenticate) session.OnAuthenticated();
    const bool over = event.kind == EventKind::kClose || event.kind == EventKind::kFile;
    return over ? wire::testing::Step::kOver : wire::testing::Step::kAgain;
  }
  size_t inbox_bytes_max() const { return ClientSession::InboxBytesMax(limits); }

  // Goes on behind `bytes`, which must be a beginning that is all used.
  SessionDecoder& After(std::string bytes) {
    wire::Inbox inbox{bytes.data(), bytes.data() + bytes.size()};
    std::string transcript;
    wire::testing::Step step = wire::testing::Step::kAgain;
    while (step == wire::testing::Step::kAgain) step = Next(&inbox, &transcript);
    HALLEY_ASSERT(step == wire::testing::Step::kMore && inbox.size() == 0);
    return *this;
  }
};

inline constexpr std::string_view kUpgradeRequest =
    "GET /sub HTTP/1.1\r\n"
    "Host: a\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

// A WebSocket session that has been upgraded, and one that has been logged in too.
inline SessionDecoder Upgraded(const SessionLimits& limits = {}) {
  return SessionDecoder(Transport::kWebSocket, limits).After(std::string(kUpgradeRequest));
}
inline SessionDecoder LoggedIn(const SessionLimits& limits = {}) {
  return Upgraded(limits).After(ClientFrame(0x82, Goim(wire::op::kAuth, 1, "{}")));
}

// kUpgradeRequest with more headers, each with its CRLF.
inline std::string UpgradeRequestWith(std::string_view headers) {
  std::string request(kUpgradeRequest);
  return request.insert(request.size() - 2, headers);
}
// Upgraded on /json.
inline SessionDecoder UpgradedJson(const SessionLimits& limits = {}) {
  std::string request(kUpgradeRequest);
  return SessionDecoder(Transport::kWebSocket, limits)
      .After(request.replace(request.find("/sub"), 4, "/json"));
}
// Likewise, and permessage-deflate was agreed on.
inline SessionDecoder UpgradedJsonDeflating() {
  SessionLimits limits;
  limits.upgrade.deflate = true;
  std::string request = UpgradeRequestWith("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  return SessionDecoder(Transport::kWebSocket, limits)
      .After(request.replace(request.find("/sub"), 4, "/json"));
}
// Logged in, with permessage-deflate agreed on.
inline SessionDecoder LoggedInDeflating(SessionLimits limits = {}) {
  limits.upgrade.deflate = true;
  return SessionDecoder(Transport::kWebSocket, limits)
      .After(UpgradeRequestWith("Sec-WebSocket-Extensions: permessage-deflate\r\n"))
      .After(ClientFrame(0x82, Goim(wire::op::kAuth, 1, "{}")));
}

}  // namespace halley::session::testing
