// Lists of networks as an operator writes them: "10.0.0.0/8, 2001:db8::/32, 127.0.0.1".
//
// Errors     One sentence that quotes the item and shows how to write one. An empty list is none.
// Threads    Any.
// Limits     kNetworksMax networks per list.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/networks.h"

namespace halley::config {

inline constexpr size_t kNetworksMax = 64;

// An address without a length is a network of its own. Bits behind the length must be zero: whoever
// wrote them meant another network. Spaces around commas are allowed.
absl::StatusOr<base::Networks> ParseNetworkList(absl::string_view list);

}  // namespace halley::config
