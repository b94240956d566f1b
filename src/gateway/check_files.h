// CheckFiles: what --check-config looks at besides the options themselves: certificates, token keys, the
// user to become, the access log. It opens nothing that lasts; but where there is an access log, it is that user
// from then on, for that is who will open it.
//
// Threads    The main thread's.
// Errors     One sentence: the one with which the gateway would not start.
#pragma once

#include "absl/status/status.h"
#include "config/options.h"

namespace halley::gateway {

absl::Status CheckFiles(const config::Options& options);

}  // namespace halley::gateway
