// What this process may use of the machine, as far as options leave it open.
//
// Threads    Any, before the shards'.
// Source     sched_getaffinity(2).
#pragma once

#include <cstdint>
#include <vector>

#include "config/options.h"
#include "io/probe.h"

namespace halley::gateway {

// The CPUs that this process may run on, in order.
std::vector<uint32_t> AllowedCpus();

// Of `shards` shards; `connections` as the options have them, 0 for as many as there may be.
io::DescriptorNeeds NeedsOf(const config::Options& options, uint32_t shards);

// The most connections with which `needs` still fit into tables of `limit` descriptors; at least 1.
uint64_t ConnectionsThatFit(io::DescriptorNeeds needs, uint64_t limit);

}  // namespace halley::gateway
