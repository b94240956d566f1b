// Start-up checks of the environment: each failure is one sentence with its cause and its cure.
//
// Flags and opcodes that the kernel accepts say little about what it does, so ProbeUring() runs
// what the gateway relies on, on sockets of its own: sends decided at enter, watches in both
// directions, cancelling, waking between rings. It takes a few milliseconds.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/uring_ring.h"

namespace halley::io {

// Whether io_uring may be used here, is new enough and behaves; and which features hold. The code
// is Unimplemented when io_uring is what is wanting, FailedPrecondition when it is anything else.
absl::StatusOr<UringFeatures> ProbeUring();

struct DescriptorNeeds {
  uint64_t connections = 0;  // of the node
  uint32_t shards = 1;
  uint32_t listeners = 0;    // addresses listened on
  uint32_t inside = 0;       // connections of this process with itself
};

// Descriptors that the main thread's table must hold before the shards' tables part.
uint64_t DescriptorsToStart(const DescriptorNeeds& needs);
// Descriptors that one shard's table must hold: connections spread by hash, not evenly.
uint64_t DescriptorsPerShard(const DescriptorNeeds& needs);

// Raises the soft RLIMIT_NOFILE to the hard one and returns it. Before the shards' threads start.
uint64_t RaiseDescriptorLimit();
// Whether `limit` descriptors per table are enough.
absl::Status CheckDescriptorLimit(const DescriptorNeeds& needs, uint64_t limit);

}  // namespace halley::io
