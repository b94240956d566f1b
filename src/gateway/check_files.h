// CheckFiles: what --check-config looks at besides the options themselves: certificates, token keys, the
// user to become. It opens nothing that lasts.
//
// Threads    The main thread's.
// Errors     One sentence: the one with which the gateway would not start.
#pragma once

#include "absl/status/status.h"
#include "config/options.h"

namespace halley::gateway {

absl::Status CheckFiles(const config::Options& options);

}  // namespace halley::gateway
