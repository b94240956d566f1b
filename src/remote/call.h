// Call, Answer: what a shard asks of a backend elsewhere, and what comes back. Both cross threads by
// value; neither knows how it is written on the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "backend/backend.h"

namespace halley::remote {

enum class CallKind : uint8_t {
  kConnect,     // token, cookie, address; answered with a ConnectReply
  kRefresh,     // token; answered with a RefreshReply
  kOnline,      // a client that was accepted is here
  kDisconnect,  // and is no longer
  kHeartbeat,   // is still here
  kReceive,     // op, seq, body: what it sent
};
inline constexpr size_t kCallKinds = 6;

constexpr std::string_view CallKindName(CallKind kind) {
  switch (kind) {
    case CallKind::kConnect: return "connect";
    case CallKind::kRefresh: return "refresh";
    case CallKind::kOnline: return "online";
    case CallKind::kDisconnect: return "disconnect";
    case CallKind::kHeartbeat: return "heartbeat";
    case CallKind::kReceive: return "message";
  }
  return "";
}

// Logins: a client waits for the answer. All others are told, and nobody waits.
constexpr bool IsLogin(CallKind kind) {
  return kind == CallKind::kConnect || kind == CallKind::kRefresh;
}

// Whether a backend that has heard it twice is where it was after the first.
constexpr bool IsRepeatable(CallKind kind) {
  switch (kind) {
    case CallKind::kOnline:
    case CallKind::kDisconnect:
    case CallKind::kHeartbeat: return true;
    case CallKind::kConnect:
    case CallKind::kRefresh:
    case CallKind::kReceive: break;
  }
  return false;
}

struct Call {
  CallKind kind = CallKind::kConnect;
  uint32_t shard = 0;      // who is answered
  backend::Ticket ticket;  // of a login
  uint64_t serial = 0;     // of the connection; never repeats on this node
  int64_t mid = 0;         // these two: unless it is a kConnect
  std::string key;
  std::string token;
  std::string cookie;
  std::string address;
  int32_t op = 0;
  int32_t seq = 0;
  std::string body;
};

struct Answer {
  CallKind kind = CallKind::kConnect;  // kConnect or kRefresh: which of the two below counts
  backend::Ticket ticket;
  backend::ConnectReply connect;
  backend::RefreshReply refresh;
};

}  // namespace halley::remote
