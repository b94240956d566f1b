// What halley-load and halley-limit say to each other on halley-limit's control connection. All
// integers are big-endian.
//
//   to halley-limit   u32 size, then `size` bytes: the body of a push. Size 0 asks for figures
//   back, in order    per push     u64: how many clients it was sent to
//                     per figures  BareFigures, each field a u64
#pragma once

#include <cstddef>
#include <cstdint>

namespace halley::load {

inline constexpr size_t kBareHeaderBytes = 4;
inline constexpr size_t kBareAnswerBytes = 8;
inline constexpr uint32_t kBareBodyBytesMax = 1 << 20;

struct BareFigures {
  uint64_t cpu_ns = 0;       // of the thread that does everything
  uint64_t loop_cpu_ns = 0;  // of it, inside loops of send()
  uint64_t logins = 0;
  uint64_t sends = 0;
  uint64_t deliveries = 0;   // messages, times clients
};
inline constexpr size_t kBareFiguresCount = 5;
static_assert(sizeof(BareFigures) == kBareFiguresCount * sizeof(uint64_t));

}  // namespace halley::load
