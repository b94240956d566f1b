// What a run needs of this machine: source addresses for its ports, threads for its descriptors.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "halley-load/address.h"
#include "halley-load/options.h"

namespace halley::load {

// Empty: the kernel chooses.
absl::StatusOr<std::vector<Address>> SourcesFor(const LoadOptions& options, const Address& server);

// Raises the descriptor limit of the process to its hard limit.
absl::StatusOr<uint32_t> ThreadsFor(const LoadOptions& options);

}  // namespace halley::load
