// What the kernel's io_uring knows and liburing 2.3 does not name, the operations that a UringRing
// keeps to itself, and all that it asks the kernel for.
#pragma once

#include <liburing.h>

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

// All that a ring does once it is enabled: the kernel refuses the rest (-EACCES), so that whoever
// gets hold of one opens no file with it. What uring_ring.cc and uring_send.cc write into an entry
// is named here.
inline constexpr uint8_t kOperationsUsed[] = {
    IORING_OP_ACCEPT,        // Accept()
    IORING_OP_POLL_ADD,      // PollOnce(), Watch()
    IORING_OP_ASYNC_CANCEL,  // Cancel(), the destructor
    IORING_OP_MSG_RING,      // Wake()
    IORING_OP_SEND,          // SendSame(), SendEach()
    IORING_OP_SENDMSG,       // the same, of several parts
};
inline constexpr uint8_t kEntryFlagsUsed = IOSQE_CQE_SKIP_SUCCESS;

}  // namespace halley::io
