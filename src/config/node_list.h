// Lists of programs on other hosts as an operator writes them: "registry.example.com:7171, [::1]:7171".
// Names are allowed: who connects looks them up.
//
// Errors     One sentence that quotes the item and shows how to write one. An empty list is none.
// Threads    Any.
// Limits     kNodesMax per list.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace halley::config {

inline constexpr size_t kNodesMax = 64;

// "host:port", "10.0.0.1:5" or "[2001:db8::1]:5", and nothing else: no scheme, no path, no user.
bool IsNode(absl::string_view text);

// Spaces around commas are allowed.
absl::StatusOr<std::vector<std::string>> ParseNodeList(absl::string_view list);

}  // namespace halley::config
