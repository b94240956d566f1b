// ExplainSetupError: why io_uring could not be set up, and what to do about it, in one sentence.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace halley::io {

// What the system says about itself; texts as read, empty where unreadable.
struct SetupEvidence {
  std::string io_uring_disabled;  // /proc/sys/kernel/io_uring_disabled
  std::string process_status;     // /proc/self/status
  std::string kernel;             // uname -r
};

SetupEvidence GatherSetupEvidence();
// As `uname -r` says it.
std::string KernelRelease();

// `error` is the errno of io_uring_setup. Unimplemented where the host does not offer io_uring, or
// none that is good enough; FailedPrecondition where something is missing that all need.
absl::Status ExplainSetupError(int error, const SetupEvidence& evidence);

// Reads a small file of /proc; empty when it cannot be read.
std::string ReadProcFile(const char* path);
// The value of a "Name:\tvalue" line; empty when there is none.
absl::string_view StatusLine(absl::string_view process_status, absl::string_view name);

}  // namespace halley::io
