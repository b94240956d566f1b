// CPU lists as taskset and the kernel write them: "0-3,8".
//
// Limits  CPU numbers below kCpusMax (CPU_SETSIZE of the C library).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace halley::config {

inline constexpr uint32_t kCpusMax = 1024;

// The CPUs in the order they are written. An empty list is no CPUs.
absl::StatusOr<std::vector<uint32_t>> ParseCpuList(absl::string_view list);

}  // namespace halley::config
