// One run of halley-load, from the first socket to the report.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "halley-load/crew.h"
#include "halley-load/options.h"
#include "halley-load/push_port.h"
#include "halley-load/report.h"

namespace halley::load {

// kInvalidArgument: the options cannot be followed on this machine. kUnavailable and others: the
// clients or the pushers could not connect. Otherwise there is a report, which may be a bad one.
absl::StatusOr<RunReport> RunLoad(const LoadOptions& options);

// What makes a run one against some other server.
struct Server {
  ProtocolFactory open_protocol;
  std::function<absl::StatusOr<std::unique_ptr<PushPort>>(const Plan&)> open_port;
};
absl::StatusOr<RunReport> RunLoad(const LoadOptions& options, Server server);

}  // namespace halley::load
