// DescriptorRoad: one end of a socket pair on which two shards pass descriptors to each other
// (SCM_RIGHTS). Shards have private descriptor tables, so a number alone would mean nothing.
//
// Each message carries up to kPassagesMax descriptors and one token for each, in the same order. A
// descriptor that finds no place in the receiver's table is closed by the kernel; its token comes.
//
// Threads    An end belongs to one shard. Opened before the shards' tables part.
// Ownership  Owns its socket. Owns a descriptor on its way from Send() to Receive().
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "io/ring.h"

namespace halley::io {

class DescriptorRoad {
 public:
  DescriptorRoad() = default;
  DescriptorRoad(DescriptorRoad&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  DescriptorRoad& operator=(DescriptorRoad&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~DescriptorRoad();

  // Both ends of a new road.
  static absl::StatusOr<std::pair<DescriptorRoad, DescriptorRoad>> Open();

  // A road between each two of `count` shards: [a][b] is a's end of the one to b; [a][a] is not
  // open.
  static absl::StatusOr<std::vector<std::vector<DescriptorRoad>>> OpenAll(uint32_t count);

  bool open() const { return socket_ >= 0; }
  int fd() const { return socket_; }  // -1 when it is not open

  // All or none, at most Ring::kPassagesMax; false: no room now. On true the caller's copies are
  // closed.
  [[nodiscard]] bool Send(absl::Span<const Passage> out);
  // Takes whole messages while `in` has room for one (Ring::kPassagesMax); returns how many
  // passages. Accepted descriptors are closed on exec.
  size_t Receive(absl::Span<Passage> in);

 private:
  explicit DescriptorRoad(int socket) : socket_(socket) {}

  size_t ReceiveMessage(Passage* in);

  int socket_ = -1;
};

}  // namespace halley::io
