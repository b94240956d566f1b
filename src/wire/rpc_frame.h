// The push port's framing: 4 bytes of length, big-endian, then that many bytes of one protobuf
// message. Described byte for byte in proto/README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/goim_frame.h"
#include "wire/inbox.h"

namespace halley::wire {

inline constexpr size_t kRpcHeaderBytes = 4;

// Takes one frame from the front of `inbox`; `*payload` points into what was taken.
// kBad: length 0. kTooBig: length above `bytes_max`.
DecodeStatus NextRpcFrame(Inbox* inbox, size_t bytes_max, std::string_view* payload);

}  // namespace halley::wire
