// Stamp: what halley-load writes into the body of a push, so that whoever receives it can tell
// which push it is, whether one is missing or came twice, and how long it took.
//
//   0  magic "HLOD"     4  run        8  pusher     12 target   16 number   20 serial   28 sent_ns
//   36 filler           size - 8  check word over all of the above
//
// Big-endian. The check word stands at the body's end, so that a torn or misframed body is not
// taken for a whole one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace halley::load {

struct Stamp {
  uint32_t run = 0;      // drawn at start; anything else is a foreign message
  uint32_t pusher = 0;
  uint32_t target = 0;   // room, key or mid, by index
  uint32_t number = 0;   // 1, 2, 3, ... per pusher and target: what order is checked by
  uint64_t serial = 0;   // 1, 2, 3, ... per pusher: what a window is counted by
  uint64_t sent_ns = 0;  // on the monotonic clock
};

inline constexpr size_t kStampBytesMin = 44;

// Overwrites the first 36 and the last 8 bytes of `body`, which has at least kStampBytesMin.
void WriteStamp(const Stamp& stamp, std::string* body);

// False when `body` is not one that WriteStamp() made.
[[nodiscard]] bool ReadStamp(std::string_view body, Stamp* stamp);

}  // namespace halley::load
