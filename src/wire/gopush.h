// gopush-cluster's protocol for clients: a subscription in the shape of a Redis command, heartbeats of
// one byte, short replies, and pushes as JSON. On WebSocket the same, each in a text message.
//
//   up    *3\r\n$3\r\nsub\r\n$4\r\nJohn\r\n$2\r\n30\r\n          then  h  each 30 seconds
//   down  +h\r\n    $32\r\n{"msg":{"a":1},"mid":17,"gid":0}\r\n
//
// Source     gopush-cluster comet/pubsub_tcp.go, comet/pubsub_websocket.go.
// Ownership  Borrow for the call; decoded arguments point into the input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/goim_frame.h"

namespace halley::wire {

// The arguments of one command: sub, key, heartbeat and perhaps token and version.
inline constexpr size_t kGopushArgumentsMax = 5;
struct GopushCommand {
  std::array<std::string_view, kGopushArgumentsMax> arguments;  // beyond `count` they are empty
  size_t count = 0;
};

// Decodes one command from the front of `bytes`: kDone, kMore, kBad or kTooBig, the last two as soon
// as the bytes that prove it are there. Lengths are decimal without signs or needless zeros, no
// argument has a line feed in it, and all of the command has `bytes_max` bytes at most.
DecodeStatus DecodeGopushCommand(std::string_view bytes, size_t bytes_max, GopushCommand* command,
                                 size_t* command_bytes);

// What a client subscribes with, on TCP or in the query of its request.
struct GopushSubscription {
  std::string_view key;
  std::string_view heartbeat;  // decimal seconds
  std::string_view token;      // may be empty
  bool version = false;        // named one: it gets JSON values in place of JSON strings
};

// False: "-p", for no key, one that is not UTF-8, or a heartbeat that is not 30 to 1,000,000
// seconds. Else `*token` is what a backend is shown: {"key":"John","mid":0,"token":"..."}; and
// `*idle_ms` when the client is given up, five seconds after a heartbeat was due.
bool ReadGopushSubscription(const GopushSubscription& subscription, std::string* token,
                            uint32_t* idle_ms);

inline bool IsGopush(Encoding encoding) {
  return encoding >= Encoding::kGopushTcp && encoding <= Encoding::kGopushWebSocketText;
}
// How a client of this kind is sent things; `version` as above.
inline Encoding GopushEncoding(bool websocket, bool version) {
  if (websocket) return version ? Encoding::kGopushWebSocket : Encoding::kGopushWebSocketText;
  return version ? Encoding::kGopushTcp : Encoding::kGopushTcpText;
}

inline constexpr std::string_view kGopushHeartbeat = "h";

// Appends "+h", "-p" or "-a" with its CRLF, in a text message where WebSocket is spoken.
enum class GopushReply : uint8_t { kHeartbeat, kBadParameter, kBadToken };
void AppendGopushReply(Encoding encoding, GopushReply reply, std::string* out);

// Appends a push, or each of a batch's, framed for the client. The body goes as the JSON value that
// it is, where it is one and the client wants that; else as a JSON string; in base64 in "msg64" where
// it is not UTF-8. `message_id` stays below 2^53, so that JavaScript can hold it.
void AppendGopushPush(Encoding encoding, std::string_view body, bool batch, uint64_t message_id,
                      std::string* out);

}  // namespace halley::wire
