// WebSocket frames (RFC 6455 5 and 7.4), the server's side: strict decoding of what a client sends,
// and the headers of what it is sent. RSV1 is permessage-deflate's (RFC 7692), the other RSV bits
// nobody's.
//
// What depends on earlier frames (which continuation belongs to what) is the session's.
//
// Ownership  Borrow for the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/goim_frame.h"

namespace halley::wire {

enum class WsOpcode : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

inline bool IsWsControl(WsOpcode opcode) { return opcode >= WsOpcode::kClose; }

inline constexpr size_t kWsClientHeaderBytesMax = 14;
inline constexpr size_t kWsServerHeaderBytesMax = 10;
inline constexpr size_t kWsControlBytesMax = 125;
// A control frame from a client, whole.
inline constexpr size_t kWsControlFrameBytesMax = 2 + 4 + kWsControlBytesMax;

struct WsHeader {
  uint64_t payload_bytes = 0;
  uint32_t mask = 0;  // in the order of memory: what UnmaskWs() takes
  uint8_t header_bytes = 0;
  WsOpcode opcode = WsOpcode::kContinuation;
  bool fin = false;
  bool compressed = false;  // RSV1, on the first frame of a message
};

// Decodes a client's frame header from the front of `bytes`: kDone, kMore or kBad, the last as soon
// as the bytes that prove it are there. kBad: a RSV bit (with `deflate`: RSV1 only where no message
// begins), an unknown opcode, no mask, a control frame that is fragmented or above 125 bytes, a
// length that is not minimal or has its top bit set.
DecodeStatus DecodeWsHeader(std::string_view bytes, WsHeader* header, bool deflate = false);

// Unmasks (or masks) `bytes` from `from` to `to`, which may be the same or overlap when it lies
// before `from`. Returns the mask to go on with.
uint32_t UnmaskWs(char* to, const char* from, size_t bytes, uint32_t mask);

// Writes the header of an unmasked, unfragmented frame and returns its size.
size_t WriteWsHeader(WsOpcode opcode, size_t payload_bytes, char* to);
// The same of a message that DeflateMessage() has made.
size_t WriteWsDeflatedHeader(WsOpcode opcode, size_t payload_bytes, char* to);

// A code that may stand in a close frame: RFC 6455 7.4 and IANA's registry (1012 to 1014).
bool IsWsCloseCode(uint16_t code);

// Reads the (unmasked) payload of a close frame. `*code` is 0 when there was none.
enum class WsCloseStatus : uint8_t {
  kGood,
  kBad,      // one byte, or a code that may not be sent
  kBadUtf8,  // a reason that is not UTF-8
};
WsCloseStatus ParseWsClose(std::string_view payload, uint16_t* code);

// Appends a close frame with `code` and a text behind it (at most kWsControlBytesMax - 2 bytes of
// UTF-8); without a payload when the code is 0.
void AppendWsClose(uint16_t code, std::string* out, std::string_view reason = {});

// Appends a ping without payload.
void AppendWsPing(std::string* out);
// Appends the pong that answers a ping with `payload` (at most kWsControlBytesMax).
void AppendWsPong(std::string_view payload, std::string* out);

}  // namespace halley::wire
