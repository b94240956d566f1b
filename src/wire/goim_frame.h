// goim's frame: a 16-byte big-endian header {packLen, headerLen, ver, op, seq} and a body, and how
// a push or a reply is laid out for each kind of client.
//
// Source     goim v2 api/protocol/protocol.go (described in proto/README.md).
// Ownership  Borrow for the call; decoded bodies point into the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace halley::wire {

// How a room's stream is laid out for one kind of client; a room has one lane per encoding.
enum class Encoding : uint8_t {
  kGoimTcp,
  kGoimWebSocket,
  kGoimWebSocketDeflate,  // as kGoimWebSocket; what the hub finds worth it is compressed
  kJsonWebSocket,         // wire/json_frame.h
  kJsonWebSocketDeflate,  // the same, compressed where that is worth it
  kEventStream,           // wire/event_stream.h
  kGopushTcp,             // wire/gopush.h: messages are JSON values
  kGopushTcpText,         // and JSON strings
  kGopushWebSocket,
  kGopushWebSocketText,
  kGopusher,              // wire/gopusher.h
  kGoimV1Tcp,             // wire/goim_v1.h: frames, each of op 5
  kGoimV1WebSocket,       // the same in binary messages
  kGoimV1JsonArray,       // JSON text: an array in each message
  kGoimV1Json,            // an object in each message
  kGoimV1LongPoll,        // the JSON text alone; wire/long_poll.h has what is around it
};
inline constexpr size_t kEncodingsCount = 16;
// For people: "goim_tcp".
std::string_view EncodingName(Encoding encoding);
inline bool IsJson(Encoding encoding) {
  return encoding == Encoding::kJsonWebSocket || encoding == Encoding::kJsonWebSocketDeflate;
}
// Whose clients agreed to compressed messages.
inline bool IsDeflate(Encoding encoding) {
  return encoding == Encoding::kGoimWebSocketDeflate ||
         encoding == Encoding::kJsonWebSocketDeflate;
}
// Whose clients get one message, each as a response of its own, and are gone.
inline bool IsLongPoll(Encoding encoding) { return encoding == Encoding::kGoimV1LongPoll; }
// Whose clients know no ops to watch, and get pushes of any.
inline bool TakesEveryOp(Encoding encoding) { return encoding >= Encoding::kGopushTcp; }
// goim's frames as they are.
inline bool IsGoim(Encoding encoding) { return encoding <= Encoding::kGoimWebSocketDeflate; }

inline constexpr size_t kGoimHeaderBytes = 16;

namespace op {
inline constexpr int32_t kHeartbeat = 2;
inline constexpr int32_t kHeartbeatReply = 3;
inline constexpr int32_t kAuth = 7;
inline constexpr int32_t kAuthReply = 8;
inline constexpr int32_t kRaw = 9;
inline constexpr int32_t kChangeRoom = 12;
inline constexpr int32_t kChangeRoomReply = 13;
inline constexpr int32_t kSub = 14;
inline constexpr int32_t kSubReply = 15;
inline constexpr int32_t kUnsub = 16;
inline constexpr int32_t kUnsubReply = 17;
inline constexpr int32_t kRefresh = 18;  // Halley's own, where the backend takes new tokens
inline constexpr int32_t kRefreshReply = 19;
}  // namespace op

// Ops that mean something to a client's protocol engine rather than to its application: a pushed
// one would be taken for an answer of the gateway.
inline bool IsProtocolOp(int32_t op) {
  return op == op::kHeartbeat || op == op::kHeartbeatReply ||
         (op >= op::kAuth && op <= op::kRaw) || (op >= op::kChangeRoom && op <= op::kUnsubReply);
}

struct GoimFrame {
  int32_t op = 0;
  int32_t seq = 0;
  int16_t ver = 0;
  std::string_view body;
};

enum class DecodeStatus : uint8_t {
  kDone,     // a frame; `*frame_bytes` were used
  kMore,     // not all there yet; nothing was used
  kBad,      // never a frame: wrong header length, or packLen below the header
  kTooBig,   // packLen above header + body_bytes_max
};

// Decodes one frame from the front of `bytes`. Decides kBad and kTooBig as soon as the bytes that
// prove it are there.
DecodeStatus DecodeGoimFrame(std::string_view bytes, size_t body_bytes_max, GoimFrame* frame,
                             size_t* frame_bytes);

// Writes the 16 bytes of a header. `body_bytes` must fit (at most kGoimBodyBytesMax).
inline constexpr size_t kGoimBodyBytesMax = size_t{1} << 30;
void WriteGoimHeader(char* to, int16_t ver, int32_t op, int32_t seq, size_t body_bytes);

// Appends a direct reply, framed for the client: a goim frame, or its JSON text, inside one unmasked
// WebSocket message where that is spoken; nothing where no client can ask.
void AppendReply(Encoding encoding, const GoimFrame& reply, std::string* out);

// The bytes that precede the body of a push in a lane's log, where IsGoim():
//   TCP         frame header {ver 1, op, seq 0}; nothing when `batch`
//   WebSocket   message header, outer header {ver 1, op 9, seq 0}, then the frame header unless
//               `batch`
// `batch`: the body is already a concatenation of complete frames (goim's op 9).
inline constexpr size_t kPushPrefixBytesMax = 10 + 2 * kGoimHeaderBytes;
size_t WritePushPrefix(Encoding encoding, int32_t op, size_t body_bytes, bool batch,
                       char (&to)[kPushPrefixBytesMax]);

// True when `body` is one or more complete goim frames back to back and nothing else.
bool IsGoimBatch(std::string_view body);

// "1000,1001": the decimal int32 list of ops 14 and 16. False when any item is not one.
// Appends to `*ops` (a vector-like type is avoided: the caller gives a fixed array).
inline constexpr size_t kOpListMax = 1024;
bool ParseOpList(std::string_view text, int32_t (&ops)[kOpListMax], size_t* count);

}  // namespace halley::wire
