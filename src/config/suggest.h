// Nearest: the name somebody probably meant.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace halley::config {

// "did you mean x?" with the candidate nearest to `word`, or `otherwise` when none is near. A
// candidate also counts as near when only its section is missing.
std::string DidYouMean(absl::string_view word, absl::Span<const std::string> candidates,
                       absl::string_view otherwise);

}  // namespace halley::config
