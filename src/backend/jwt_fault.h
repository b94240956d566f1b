// JwtFault: every way a JSON Web Token can be refused, as one closed list; counted by
// cause, and shown in status. The client is told no more than that it was refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace halley::backend {

enum class JwtFault : uint8_t {
  kNone = 0,
  kNoToken,       // the login holds none
  kTooBig,        // above jwt.token_bytes
  kBadForm,       // not three parts in canonical base64url, or a part that is not JSON
  kBadHeader,     // a member of the header is of the wrong type, or an extension that must be known
  kAlgorithm,     // "none", or any other that is not taken
  kUnknownKey,    // no key of that id and algorithm is here
  kBadSignature,  // it is not that key's
  kBadClaims,     // a claim of the wrong type, or above its limit
  kNoExpiry,      // it would never end, with jwt.require_exp
  kExpired,
  kNotYet,        // its time has not come, or it was made in the future
  kIssuer,        // not jwt.issuer's
  kAudience,      // not for jwt.audience
  kOtherClient,   // the client says it is somebody else than the token does
  kOtherRefresh,  // a new token for a connection is somebody else's, or nobody's in particular
  kCount_,
};

inline constexpr size_t kJwtFaultsCount = static_cast<size_t>(JwtFault::kCount_);

// "bad_signature" and so on.
std::string_view JwtFaultName(JwtFault fault);

}  // namespace halley::backend
