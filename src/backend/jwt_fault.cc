#include "backend/jwt_fault.h"

#include <array>

#include "base/assert.h"

namespace halley::backend {
namespace {

// In the order of the enum.
constexpr std::array<std::string_view, kJwtFaultsCount> kNames = {
    "none",          "no_token",   "too_big",   "bad_form", "bad_header",
    "algorithm",     "unknown_key", "bad_signature", "bad_claims", "no_expiry",
    "expired",       "not_yet",    "issuer",    "audience", "other_client",
    "refresh_other_client"};
static_assert(!kNames.back().empty(), "every fault has a name");

}  // namespace

std::string_view JwtFaultName(JwtFault fault) {
  const auto index = static_cast<size_t>(fault);
  HALLEY_ASSERT(index < kNames.size());
  return kNames[index];
}

}  // namespace halley::backend
