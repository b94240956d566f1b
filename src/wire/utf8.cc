#include "wire/utf8.h"

#include <cstring>

namespace halley::wire {
namespace {

enum State : uint8_t {
  kStart,
  kOneMore,    // 80..BF, then done
  kTwoMore,    // 80..BF, then one more
  kThreeMore,  // 80..BF, then two more
  kAfterE0,    // the narrower second bytes of RFC 3629 4
  kAfterEd,
  kAfterF0,
  kAfterF4,
  kNever,
};

struct Row {
  uint8_t low;
  uint8_t high;
  State next;
};

constexpr Row kRows[] = {
    {0, 0, kStart},  // kStart is decided by StartState()
    {0x80, 0xBF, kStart},
    {0x80, 0xBF, kOneMore},
    {0x80, 0xBF, kTwoMore},
    {0xA0, 0xBF, kOneMore},
    {0x80, 0x9F, kOneMore},
    {0x90, 0xBF, kTwoMore},
    {0x80, 0x8F, kTwoMore},
};
static_assert(sizeof kRows / sizeof kRows[0] == kNever);

State StartState(uint8_t byte) {
  if (byte < 0x80) return kStart;
  if (byte < 0xC2) return kNever;  // a continuation byte, or an overlong form
  if (byte < 0xE0) return kOneMore;
  if (byte == 0xE0) return kAfterE0;
  if (byte == 0xED) return kAfterEd;
  if (byte < 0xF0) return kTwoMore;
  if (byte == 0xF0) return kAfterF0;
  if (byte < 0xF4) return kThreeMore;
  return byte == 0xF4 ? kAfterF4 : kNever;
}

}  // namespace

bool Utf8Validator::Feed(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (state_ == kStart) {
      // Most text is ASCII: eight bytes at a time.
      uint64_t word;
      for (; end - at >= 8; at += 8) {
        std::memcpy(&word, at, 8);
        if ((word & 0x8080808080808080) != 0) break;
      }
      if (at == end) break;
      state_ = StartState(static_cast<uint8_t>(*at++));
      if (state_ == kNever) return false;
      continue;
    }
    const Row& row = kRows[state_];
    const auto byte = static_cast<uint8_t>(*at++);
    if (byte < row.low || byte > row.high) return false;
    state_ = row.next;
  }
  return true;
}

}  // namespace halley::wire
