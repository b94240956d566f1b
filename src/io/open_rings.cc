#include "io/open_rings.h"

#include <utility>

#include "io/epoll_ring.h"
#include "io/probe.h"
#include "io/uring_ring.h"

namespace halley::io {

namespace {

template <typename SomeRing, typename SomeOptions>
absl::Status OpenConnected(uint32_t shards, const SomeOptions& options, OpenedRings* opened) {
  std::vector<SomeRing*> rings;
  for (uint32_t i = 0; i < shards; ++i) {
    absl::StatusOr<std::unique_ptr<SomeRing>> ring = SomeRing::Create(options);
    if (!ring.ok()) return ring.status();
    rings.push_back(ring->get());
    opened->by_shard.push_back(*std::move(ring));
  }
  if (absl::Status connected = SomeRing::Connect(rings); !connected.ok()) return connected;
  for (const SomeRing* ring : rings) {
    std::vector<int>& fds = opened->private_fds.emplace_back();
    for (const DescriptorRoad& road : ring->roads()) {
      if (road.open()) fds.push_back(road.fd());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpenedRings> OpenRings(Engine engine, uint32_t shards) {
  OpenedRings opened;
  bool uring = engine != Engine::kEpoll;
  UringOptions options;
  if (uring) {
    const absl::StatusOr<UringFeatures> features = ProbeUring();
    if (features.ok()) {
      options.features = *features;
    } else if (engine == Engine::kAuto && absl::IsUnimplemented(features.status())) {
      opened.why_not_uring = std::string(features.status().message());
      uring = false;
    } else {
      return features.status();
    }
  }
  const absl::Status status = uring ? OpenConnected<UringRing>(shards, options, &opened)
                                    : OpenConnected<EpollRing>(shards, EpollOptions{}, &opened);
  if (!status.ok()) return status;
  return opened;
}

}  // namespace halley::io
