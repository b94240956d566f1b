// Gateway: shards, connections and memory where the options leave them to the machine.
#include "gateway/own_limits.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/address.h"
#include "config/cpu_list.h"
#include "config/listeners.h"
#include "gateway/backends.h"
#include "gateway/gateway.h"
#include "gateway/machine_memory.h"
#include "io/probe.h"

namespace halley::gateway {
namespace {

// Inside callers of the admin port, and of the comet service: one pushes, one looks on.
constexpr uint32_t kEndsEach = 2;

// How many each shard listens on.
uint32_t AddressesOf(const config::ListenOptions& listen) {
  size_t count = 0;
  for (const config::ListenerSpec& listener : config::kListeners) {
    if (!listener.OnShards()) continue;
    // A list that cannot be read is told of where it is opened.
    const auto addresses = config::ParseAddresses(listen.*listener.list);
    if (addresses.ok()) count += addresses->size();
  }
  return static_cast<uint32_t>(count);
}

}  // namespace

std::vector<uint32_t> AllowedCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<uint32_t> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

io::DescriptorNeeds NeedsOf(const config::Options& options, uint32_t shards) {
  io::DescriptorNeeds needs;
  needs.shards = shards;
  needs.listeners = AddressesOf(options.listen);
  needs.inside = (options.listen.admin.empty() ? 0 : kEndsEach) +
                 (options.listen.comet_grpc.empty() ? 0 : kEndsEach);
  if (options.backend.kind == config::BackendKind::kGoim) ++needs.inside;  // who reports rooms
  needs.inside += Backends::DescriptorsOf(options, shards);
  needs.connections = options.shard.connections_max;
  return needs;
}

uint64_t ConnectionsThatFit(io::DescriptorNeeds needs, uint64_t limit) {
  uint64_t low = 1;
  uint64_t high = uint64_t{1} << 24;
  while (low < high) {
    needs.connections = (low + high + 1) / 2;
    if (io::DescriptorsPerShard(needs) <= limit) {
      low = needs.connections;
    } else {
      high = needs.connections - 1;
    }
  }
  return low;
}

// Shards and connections where the options leave them to us, and whether descriptors suffice.
absl::Status Gateway::ResolveLimits() {
  cpus_ = AllowedCpus();
  if (!options_.shard.cpus.empty()) {
    absl::StatusOr<std::vector<uint32_t>> wanted = config::ParseCpuList(options_.shard.cpus);
    if (!wanted.ok()) return wanted.status();
    for (const uint32_t cpu : *wanted) {
      if (std::find(cpus_.begin(), cpus_.end(), cpu) != cpus_.end()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("CPU ", cpu, " of --cpus is not one this process may run on: name some of ",
                       "those in `taskset -cp $$`"));
    }
    cpus_ = *std::move(wanted);
  }
  if (options_.shard.shards == 0) options_.shard.shards = static_cast<uint32_t>(cpus_.size());
  if (options_.gateway.memory_mib == 0) options_.gateway.memory_mib = OwnMemoryMib();

  io::DescriptorNeeds needs = NeedsOf(options_, options_.shard.shards);
  const uint64_t limit = io::RaiseDescriptorLimit();
  if (needs.connections == 0) {
    needs.connections = ConnectionsThatFit(needs, limit);
    options_.shard.connections_max = static_cast<uint32_t>(needs.connections);
  }
  return io::CheckDescriptorLimit(needs, limit);
}

}  // namespace halley::gateway
