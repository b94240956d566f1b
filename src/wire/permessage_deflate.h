// permessage-deflate (RFC 7692), the server's side, without context takeover in either direction:
// no connection holds a window, and a message is compressed once for all who get it.
//
// Threads    Any; zlib's state is the calling thread's, made at first use.
// Ownership  Borrow for the call, but for what InflateMessage() says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace halley::wire {

// The window that the server compresses with: 2^12 bytes. Who offers to hold less is not taken up
// on it.
inline constexpr int kDeflateWindowBits = 12;

struct DeflateAgreement {
  bool agreed = false;
  bool window_offered = false;  // the client may be told the window's size only if it named one
};

// Looks through the value of one Sec-WebSocket-Extensions header for the first offer that can be
// taken. What is malformed, or has a parameter that RFC 7692 does not know, is passed over.
DeflateAgreement AgreeOnDeflate(std::string_view offers);

// Appends the value of the header that answers it. `agreement.agreed`.
void AppendDeflateAnswer(const DeflateAgreement& agreement, std::string* out);

// Appends one message, the parts back to back, compressed and ready for a frame with RSV1.
void DeflateMessage(absl::Span<const std::string_view> parts, std::string* out);

// The payload of a message with RSV1. At most `bytes_max` bytes come out, however small it is;
// `*message` is valid until this thread's next call.
enum class InflateStatus : uint8_t { kDone, kBad, kTooBig };
InflateStatus InflateMessage(std::string_view payload, size_t bytes_max, std::string_view* message);

}  // namespace halley::wire
