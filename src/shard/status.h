// ShardStatus: what one shard says of itself, by value. Summed over shards by whoever asks.
//
// The delivery identity, exact at rest, on each shard and summed:
//   expected = delivered + sum(skipped) + pending
// `expected` counts a message once per channel it was appended for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/duration_histogram.h"
#include "hub/accounting.h"
#include "io/ring.h"
#include "shard/memory_stage.h"
#include "wire/close_reason.h"
#include "wire/goim_frame.h"

namespace halley::shard {

struct ShardStatus {
  uint32_t shard = 0;
  uint64_t connections = 0;   // clients, logged in or not
  uint64_t channels = 0;      // logged in
  uint64_t rooms = 0;         // rooms with members on this shard
  uint64_t push_connections = 0;
  uint64_t push_requests = 0;      // the three filled in by RpcHandler::AddStatus()
  uint64_t push_invalid = 0;       // requests at fault
  uint64_t push_unauthorized = 0;  // wrong or missing secrets
  uint64_t push_refused = 0;       // push connections beyond their limit
  uint64_t accepted = 0;
  uint64_t logins = 0;
  uint64_t refreshes_too_soon = 0;  // told among refused_logins
  uint64_t moved_in = 0;      // connections that came from another shard to their key's
  uint64_t moved_out = 0;
  uint64_t accept_errors = 0;
  uint64_t stale_completions = 0;
  uint64_t bytes_received = 0;
  uint64_t turns = 0;
  uint64_t cpu_ns = 0;        // of the shard's thread
  uint64_t buffer_bytes = 0;  // pooled buffers in use: inboxes, queues, log pages
  MemoryStage memory_stage = MemoryStage::kPlenty;
  bool draining = false;      // no client is let in, and those that are here are told to go
  // Of the whole node, told by its first shard, where addresses are limited.
  uint64_t addresses = 0;                // with connections of clients
  uint64_t addresses_without_place = 0;  // connections let in though their address found no place
  // The busy part of a turn; and from when a shard took a push from its pusher to when everybody who
  // keeps up had been sent it, once per pass over a room's members and per queue of a client's own.
  base::DurationHistogram turn_time;
  base::DurationHistogram push_time;
  uint64_t mailbox_commands = 0;  // that wait to be taken here
  std::array<uint64_t, wire::kEncodingsCount> dialects{};  // channels, by encoding
  hub::Accounting accounting;
  std::array<uint64_t, wire::kCloseReasonsCount> closed{};  // by reason, of client connections
  // By cause, where the backend tells them apart; names are static.
  std::vector<std::pair<std::string_view, uint64_t>> refused_logins;
  io::RingCounters ring;
  std::string ring_description;
};

}  // namespace halley::shard
