// Shard: what it says of itself.
#include "shard/status.h"

#include <time.h>

#include <algorithm>

#include "shard/shard.h"

namespace halley::shard {
namespace {

uint64_t ThreadCpuNs() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

// One look at the clock for all that this turn has done.
void Shard::TakeTimes() {
  const uint64_t now_ns = ring_.NowNs();
  counts_.turn_time.Add(now_ns - now_ns_);
  for (const uint64_t taken_ns : hub_.sent()) counts_.push_time.Add(now_ns - std::min(taken_ns, now_ns));
  hub_.ClearSent();
}

ShardStatus Shard::Status() const {
  ShardStatus status = counts_;
  status.connections = clients_;
  status.channels = hub_.channels_count();
  status.rooms = hub_.rooms_count();
  status.dialects = hub_.channels_by_encoding();
  status.mailbox_commands = port_.InboundCount();
  status.push_connections = rpc_connections_;
  status.cpu_ns = ThreadCpuNs();
  status.accounting = hub_.Books();
  status.buffer_bytes = HeldBytes();
  status.memory_stage = memory_stage_;
  status.draining = evacuation_.under_way;
  if (index_ == 0) {
    status.addresses = gate_.addresses();
    status.addresses_without_place = gate_.without_place();
  }
  for (const backend::Refusals& refusals : backend_.refusals()) {
    status.refused_logins.emplace_back(refusals.cause, refusals.count);
  }
  if (session_limits_.refreshes) {
    status.refused_logins.emplace_back("refresh_too_soon", counts_.refreshes_too_soon);
  }
  status.ring = ring_.counters();
  status.ring_description = ring_.Describe();
  push_.AddStatus(&status);
  return status;
}

}  // namespace halley::shard
