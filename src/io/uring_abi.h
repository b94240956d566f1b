// What the kernel's io_uring knows and liburing 2.3 does not name, and the operations that a
// UringRing keeps to itself.
#pragma once

#include <cstdint>

#include "io/tag_bits.h"

namespace halley::io {

// Linux 6.15: a shard that sleeps in the ring is not shown as waiting for a disk.
inline constexpr uint32_t kFeatureNoIowait = 1u << 17;
inline constexpr uint32_t kEnterNoIowait = 1u << 7;

// Operations of the ring's own; their completions never leave it.
inline constexpr Op kOpBatchSend{0xF0};  // slot = index in the batch, generation = batch number
inline constexpr Op kOpCancel{0xF1};
inline constexpr Op kOpWakeSent{0xF2};  // slot = the shard to wake

}  // namespace halley::io
