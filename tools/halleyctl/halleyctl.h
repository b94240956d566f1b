// halleyctl as a function, so that tests can call it.
#pragma once

#include <istream>
#include <ostream>

#include "absl/types/span.h"
#include "halleyctl/exit_code.h"

namespace halley::ctl {

// Does what the arguments (without the program's name) say. What goes wrong is one sentence on
// `err`.
ExitCode Run(absl::Span<const char* const> words, std::istream& in, std::ostream& out,
             std::ostream& err);

}  // namespace halley::ctl
