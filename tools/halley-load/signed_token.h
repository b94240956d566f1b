// A JSON Web Token (RFC 7519) as halley's jwt backend takes it, signed with HS256 (RFC 7518 3.2).
//
// Ownership  Borrows for the call. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace halley::load {

// Claims have the names that jwt.key_claim and its like have by default. An empty `room` is left out.
// `expires_s`: seconds since 1970.
std::string SignedToken(int64_t mid, std::string_view key, std::string_view room,
                        absl::Span<const int32_t> accepts, int64_t expires_s,
                        std::string_view secret);

}  // namespace halley::load
