// ReadSmallFile: a whole file that an operator names, with a limit.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace halley::config {

// The error is "cannot read 'path': why"; the caller knows the cure.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max);

}  // namespace halley::config
