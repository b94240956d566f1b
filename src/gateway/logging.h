// Logging: the process' log on stderr, as text or one JSON object a line, written by a thread of its own.
//
// When more is logged than can be written, the oldest lines that wait are lost, never a turn of a shard.
//
// Threads    BeginLogging() once, before any other thread; SetLogLevel() any.
#pragma once

#include <string>

#include "config/options.h"

namespace halley::gateway {

void BeginLogging(const config::GatewayOptions& options);
// As gateway.log_level names it.
void SetLogLevel(const std::string& level);

}  // namespace halley::gateway
