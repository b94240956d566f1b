// How much memory there is for this process: the machine's, or its cgroup's where that is less.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace halley::gateway {

// Reads sysconf(3) and the cgroup v2 files memory.max of this process' cgroup and those above it.
uint64_t MachineMemoryBytes();

// The number in a memory.max; nullopt for "max" and for what is no number.
std::optional<uint64_t> ParseMemoryMax(std::string_view text);
// The path in /proc/self/cgroup's line of cgroup v2 ("0::/path"); empty when there is none.
std::string_view ParseCgroupPath(std::string_view text);

// A quarter of it, in MiB: what logs, queues and inboxes may hold where the options do not say.
uint32_t OwnMemoryMib();

}  // namespace halley::gateway
