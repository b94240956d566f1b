// Options as the limits of those who know no options.
#pragma once

#include "base/networks.h"
#include "config/options.h"
#include "hub/hub.h"
#include "session/client_session.h"

namespace halley::shard {

hub::HubLimits HubLimitsOf(const config::Options& options, uint64_t wall_offset_ms);
// `refreshes`: whether the backend takes new tokens.
session::SessionLimits SessionLimitsOf(const config::Options& options, bool refreshes);
// Whose word about a client's address is believed.
base::Networks ProxiesOf(const config::Options& options);

}  // namespace halley::shard
