// OpenRings: a ring for each shard, connected, of the kind that is wanted or that this host offers.
// A process never mixes kinds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "io/ring.h"

namespace halley::io {

enum class Engine : uint8_t {
  kAuto,   // io_uring where ProbeUring() finds it good, epoll elsewhere
  kUring,
  kEpoll,  // does not so much as try io_uring
};

struct OpenedRings {
  std::vector<std::unique_ptr<Ring>> by_shard;
  // By shard: descriptors that only its ring uses. The other shards give up their copies.
  std::vector<std::vector<int>> private_fds;
  std::string why_not_uring;  // cause and cure; empty unless kAuto fell back on epoll
};

// On the main thread, before the shards' descriptor tables part.
absl::StatusOr<OpenedRings> OpenRings(Engine engine, uint32_t shards);

}  // namespace halley::io
