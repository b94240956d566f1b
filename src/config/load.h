// Load: from a command line to checked Options. Defaults, then the TOML file that --config names,
// then the other flags; each wins over what came before it.
//
// Every error is one sentence: where ("halley.toml:3:7" or the flag), what is wrong, what to do.
//
// Threads  Once, at the start of the program.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "config/options.h"

namespace halley::config {

struct Invocation {
  Options options;
  bool doctor = false;  // look at the host, and say what it lacks, instead of serving
  std::string print;  // not empty: print this on stdout and exit instead of serving (--help, ...)
};

absl::StatusOr<Invocation> Load(int argc, const char* const* argv);

// The project's version, "0.1.0".
absl::string_view Version();

}  // namespace halley::config
