// Options as the limits of those who know no options.
#pragma once

#include "config/options.h"
#include "hub/hub.h"
#include "session/client_session.h"

namespace halley::shard {

hub::HubLimits HubLimitsOf(const config::Options& options);
session::SessionLimits SessionLimitsOf(const config::Options& options);

}  // namespace halley::shard
