// What a goim client says and hears, as bytes: the upgrade, the token, frames up, messages down.
// Sans-IO.
//
// Ownership  Borrows for the call. Decoded payloads point into the input.
// Limits     A downlink message has at most kMessageBytesMax; the answer to the upgrade at most
//            kUpgradeBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "wire/goim_frame.h"

namespace halley::load {

enum class Transport : uint8_t {
  kTcp,
  kWebSocket,
  kWebSocketDeflate,  // offers permessage-deflate, and sends nothing compressed itself
};

inline constexpr size_t kMessageBytesMax = size_t{16} << 20;
inline constexpr size_t kUpgradeBytesMax = 4096;

// GET /sub with the one Sec-WebSocket-Key that this program uses: nothing depends on it being
// unpredictable, and its answer is known.
void AppendUpgradeRequest(const std::string& host, Transport transport, std::string* out);

// Takes the server's answer to the upgrade from the front of `bytes`. kBad: it is no 101, or its
// Sec-WebSocket-Accept is not the right one.
wire::DecodeStatus TakeUpgradeAnswer(std::string_view bytes, size_t* used);

// goim's JSON token. An empty `room` is left out.
std::string Token(int64_t mid, const std::string& key, const std::string& room,
                  absl::Span<const int32_t> accepts);

// A goim frame, inside one masked binary WebSocket message but for kTcp.
void AppendUplink(Transport transport, const wire::GoimFrame& frame, uint32_t mask,
                  std::string* out);

enum class DownlinkKind : uint8_t { kFrames, kPing, kPong, kClose };

struct Downlink {
  DownlinkKind kind = DownlinkKind::kFrames;
  std::string_view payload;  // kFrames: for ForEachFrame(); kPing: to be sent back
  uint16_t close_code = 0;   // kClose; 0 when the peer gave none
};

// Takes one message from the front of `bytes`: a goim frame on TCP, a WebSocket message otherwise.
// A server that fragments, masks, or sends text breaks what goim's clients expect: kBad. What was
// compressed is inflated, and is there until this thread's next call.
wire::DecodeStatus NextDownlink(Transport transport, std::string_view bytes, Downlink* downlink,
                                size_t* used);

// Masked pong (RFC 6455 5.5.3) with the ping's payload, at most 125 bytes.
void AppendPong(std::string_view payload, uint32_t mask, std::string* out);

// Calls `fn(const wire::GoimFrame&)` for each frame of a kFrames payload, looking into op 9
// batches. False when the payload is not one whole frame, or a batch is not made of whole frames.
template <typename Fn>
[[nodiscard]] bool ForEachFrame(std::string_view payload, Fn&& fn) {
  using wire::DecodeStatus;
  wire::GoimFrame frame;
  size_t used = 0;
  if (wire::DecodeGoimFrame(payload, kMessageBytesMax, &frame, &used) != DecodeStatus::kDone ||
      used != payload.size()) {
    return false;
  }
  if (frame.op != wire::op::kRaw) {
    fn(frame);
    return true;
  }
  for (std::string_view rest = frame.body; !rest.empty(); rest.remove_prefix(used)) {
    wire::GoimFrame inner;
    if (wire::DecodeGoimFrame(rest, kMessageBytesMax, &inner, &used) != DecodeStatus::kDone) {
      return false;
    }
    fn(inner);
  }
  return true;
}

}  // namespace halley::load
