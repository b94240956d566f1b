// Lists of web origins, "https://example.com, https://*.example.org:8443", and of HTTP tokens,
// "goim, chat".
//
// Errors     One sentence that quotes the item and shows how to write one. An empty list is none.
// Threads    Any.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace halley::config {

// In lower case and in the order they are written: "*", or scheme (http or https), host, and port
// where it is not the scheme's own. "*." may stand before a host that has a dot.
absl::StatusOr<std::vector<std::string>> ParseOriginList(absl::string_view list);

absl::StatusOr<std::vector<std::string>> ParseTokenList(absl::string_view list);

}  // namespace halley::config
