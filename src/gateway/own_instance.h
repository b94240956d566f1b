// What this node is called, and where others reach it: what it tells a registry of itself.
//
// Threads    Any; the environment is read.
// Errors     One sentence of cause and cure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "config/options.h"
#include "discovery/discovery.h"

namespace halley::gateway {

// With what the options leave to the environment (REGION, ZONE, DEPLOY_ENV and the host's name, as goim's
// own programs do), but without `addrs` where the options name none. Fails when a registry needs more.
absl::StatusOr<discovery::Instance> OwnInstance(const config::DiscoveryOptions& options);

// A scheme, and the addresses that were bound for it.
using Bound = std::pair<absl::string_view, const std::vector<std::string>*>;

// "grpc://10.0.0.1:3109" for each; the host's first IPv4 address that is not loopback stands for
// addresses that are all of the host's.
std::vector<std::string> Announced(const std::vector<Bound>& bound);

}  // namespace halley::gateway
