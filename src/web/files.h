// What the gateway serves to browsers itself: an example page, and the client it is made with.
//
// Threads    Any.
// Ownership  The files live as long as the program.
#pragma once

#include "absl/types/span.h"
#include "wire/http_file.h"

namespace halley::web {

// "/" and "/halley.js".
absl::Span<const wire::HttpFile> Files();

}  // namespace halley::web
