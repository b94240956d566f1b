// News: what the log is told of others on whom the node depends, as often as it may be.
//
// Threads    Any.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "remote/engine.h"

namespace halley::gateway {

void TellOfAddress(const remote::AddressNews& news);
// What became of a fetch of token keys.
void TellOfKeys(const absl::Status& status);
// How the node stands with its registry.
void TellOfRegistry(const absl::Status& status);
// Traces, and how the access log fares: they have limits of their own.
void TellOfJournal(bool warning, std::string_view line);

}  // namespace halley::gateway
