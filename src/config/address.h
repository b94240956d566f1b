// Listening addresses as an operator writes them: "0.0.0.0:3101, [::1]:3101". Numeric only, so that
// what is listened on never depends on a resolver.
//
// Limits  kAddressesMax addresses per list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace halley::config {

inline constexpr size_t kAddressesMax = 16;

struct Address {
  std::string host;  // as inet_ntop() writes it, without brackets
  uint16_t port = 0;
  bool ipv6 = false;
  bool loopback = false;

  std::string ToString() const;
};

// An empty list is no addresses. Spaces around commas are allowed.
absl::StatusOr<std::vector<Address>> ParseAddresses(absl::string_view list);

}  // namespace halley::config
