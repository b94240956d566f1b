// Logging: the process' log on stderr, as text or one JSON object a line, written by a thread of its own.
//
// When more is logged than can be written, the oldest lines that wait are lost, and counted, never a
// turn of a shard.
//
// Threads    BeginLogging() once, before any other thread; the others any.
#pragma once

#include <spdlog/common.h>

#include <cstdint>
#include <string>
#include <vector>

#include "admin/metrics.h"
#include "config/options.h"

namespace halley::gateway {

// gRPC's own messages go to the log, too.
void BeginLogging(const config::GatewayOptions& options);
// As gateway.log_level names it.
void SetLogLevel(const std::string& level);

// Kinds of messages that may come without end, from what is outside. Each has a LogBudget.
enum class LogKind : uint8_t { kBackend, kTokenKeys, kRegistry, kGrpc, kCount };
void LogSome(LogKind kind, spdlog::level::level_enum level, const std::string& message);

// Lines that were not written.
std::vector<admin::NodeMetric> LogMetrics();

}  // namespace halley::gateway
