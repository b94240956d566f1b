// How halleyctl ends, for scripts. Repeated in --help and in README.md of this folder.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace halley::ctl {

enum class ExitCode : uint8_t {
  kOk = 0,
  kPartial = 1,        // it was done, but not for every target: offline, not watching, queue full
  kUsage = 2,          // the command line is wrong, or a file it names cannot be read
  kCannotConnect = 3,  // nobody there, or the connection was lost
  kRefused = 4,        // the node refuses: secret, token, a limit
  kTimeout = 5,        // no answer in time
};

// The code for a call, a login or a connection that failed with this.
inline ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:  // whoever is there does not speak our protocol
      return ExitCode::kCannotConnect;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kTimeout;
    default:
      return ExitCode::kRefused;
  }
}

}  // namespace halley::ctl
