// ParseJwks: the keys of a JSON Web Key Set that our algorithms can use.
//
// Keys of other kinds, for other uses or algorithms are passed over, as RFC 7517 5 asks; one of ours
// that is broken, too weak, or private makes the whole set an error.
//
// Source   RFC 7517 (the set), RFC 7518 6 (RSA, EC, oct), RFC 8037 2 (OKP).
// Threads  Any.
// Limits   kJwksKeysMax keys, used or not.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "backend/verification_key.h"

namespace halley::backend {

inline constexpr size_t kJwksKeysMax = 64;

// The error is one sentence without the file's name. No key at all is not one: the caller counts.
absl::StatusOr<std::vector<VerificationKey>> ParseJwks(std::string_view text);

}  // namespace halley::backend
