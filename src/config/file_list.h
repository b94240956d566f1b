// Several files as an operator writes them: "a.pem, b.pem". No name among them has a comma.
//
// Limits  kFilesMax files per list.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace halley::config {

inline constexpr size_t kFilesMax = 64;

// An empty list is no files. Spaces around commas are not part of a name.
absl::StatusOr<std::vector<std::string>> ParseFileList(absl::string_view list);

}  // namespace halley::config
