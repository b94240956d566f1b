// InsideCallers: connections between shards and other threads of this process. Such a thread is a
// pusher like any other, with the push client and over the push port's protocol, so that nothing on
// a shard is touched by it; only the socket has no address, and there is no secret to show.
//
// Life: Add() on the main thread; Of() and KeepOnly() on each shard's as it starts; ShardsStarted()
// and Connect() on the main thread again.
// Ownership  The callers' ends until Connect(). The shards' ends go to the shards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "halley/push_client.h"
#include "shard/shard.h"

namespace halley::gateway {

class InsideCallers {
 public:
  InsideCallers() = default;
  InsideCallers(const InsideCallers&) = delete;
  InsideCallers& operator=(const InsideCallers&) = delete;
  ~InsideCallers();

  // The number is what Connect() is to be told.
  absl::StatusOr<size_t> Add(uint32_t shard, bool observer);

  std::vector<shard::InsideCaller> Of(uint32_t shard) const;
  // In a shard's own table of descriptors: closes all but its own ends.
  void KeepOnly(uint32_t shard) const;

  // In the main thread's table: closes the shards' ends, of which they have copies now.
  void ShardsStarted();
  // Waits for the shard's first answer.
  absl::StatusOr<std::unique_ptr<PushClient>> Connect(size_t number, PushClientOptions options);

 private:
  struct Caller {
    uint32_t shard;
    bool observer;
    int shard_end;
    int caller_end;  // -1: the client has it
  };
  std::vector<Caller> callers_;
};

}  // namespace halley::gateway
