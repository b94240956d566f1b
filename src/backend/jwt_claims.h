// JwtClaims: what a verified token says about its client, held against time and options.
//
// Source     RFC 7519 4.1 (the registered claims); the names of the others are options.
// Threads    Any.
// Ownership  Views die with the object they were read from.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "backend/jwt_fault.h"
#include "config/options.h"

namespace halley::backend {

struct JwtClaims {
  std::string_view key;  // empty: it names none
  int64_t mid = 0;
  std::optional<std::string_view> room;
  std::optional<std::vector<int32_t>> accepts;
  int64_t ends_in_ms = 0;  // from now, leeway included; 0: never
};

// `now_ms`: milliseconds since 1970. kNone: the claims hold now.
JwtFault ReadJwtClaims(simdjson::dom::object object, const config::JwtOptions& options,
                       int64_t now_ms, JwtClaims* claims);

}  // namespace halley::backend
