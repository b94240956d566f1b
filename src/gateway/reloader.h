// Reloader: reads the command line's options again, has the gateway take them over, and tells the log.
//
// Threads    The main thread's.
// Ownership  Borrows the command line and the gateway, which outlive it.
#pragma once

#include "absl/status/statusor.h"
#include "config/reload.h"
#include "gateway/gateway.h"

namespace halley::gateway {

class Reloader {
 public:
  Reloader(int argc, const char* const* argv, Gateway* gateway)
      : argc_(argc), argv_(argv), gateway_(gateway) {}

  void OnHangup();
  // Reloads when others than a signal have asked for it: halleyctl reload, POST /v1/reload.
  void OnceAsked();

 private:
  // `why`: who asked, for the log.
  absl::StatusOr<config::Changes> Reload(const char* why);

  const int argc_;
  const char* const* const argv_;
  Gateway* const gateway_;
};

}  // namespace halley::gateway
