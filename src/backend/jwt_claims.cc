#include "backend/jwt_claims.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "backend/json_object.h"

namespace halley::backend {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr double kSecondsMax = 1e12;  // the year 33658: its milliseconds fit, and their sums

bool Find(object claims, const std::string& name, element* value) {
  return claims.at_key(name).get(*value) == simdjson::SUCCESS;
}

// RFC 7519 2, NumericDate: seconds since 1970, with or without a fraction. Nullopt: it is absent.
// False: it is no such number.
bool ReadDate(object claims, const char* name, std::optional<int64_t>* date_ms) {
  element value;
  if (!Find(claims, name, &value)) return true;
  double seconds = 0;
  if (!value.is_number() || value.get(seconds) != simdjson::SUCCESS) return false;
  if (!(seconds >= 0 && seconds <= kSecondsMax)) return false;
  *date_ms = static_cast<int64_t>(seconds * 1000);
  return true;
}

// The times between which the token is good.
JwtFault CheckTimes(object object, const config::JwtOptions& options, int64_t now_ms,
                    JwtClaims* claims) {
  std::optional<int64_t> expires, not_before, issued;
  if (!ReadDate(object, "exp", &expires) || !ReadDate(object, "nbf", &not_before) ||
      !ReadDate(object, "iat", &issued)) {
    return JwtFault::kBadClaims;
  }
  const int64_t leeway_ms = int64_t{options.leeway_s} * 1000;
  if (not_before.value_or(now_ms) - leeway_ms > now_ms) return JwtFault::kNotYet;
  if (issued.value_or(now_ms) - leeway_ms > now_ms) return JwtFault::kNotYet;
  if (!expires.has_value()) {
    return options.require_exp ? JwtFault::kNoExpiry : JwtFault::kNone;
  }
  claims->ends_in_ms = *expires + leeway_ms - now_ms;
  return claims->ends_in_ms > 0 ? JwtFault::kNone : JwtFault::kExpired;
}

// One text or a list of them (RFC 7519 4.1.3). False: anything else.
bool IsAmong(element audience, const std::string& wanted, bool* found) {
  std::string_view one;
  if (audience.get(one) == simdjson::SUCCESS) {
    *found = one == wanted;
    return true;
  }
  simdjson::dom::array several;
  if (audience.get(several) != simdjson::SUCCESS) return false;
  for (const element each : several) {
    if (each.get(one) != simdjson::SUCCESS) return false;
    *found |= one == wanted;
  }
  return true;
}

JwtFault CheckParties(object object, const config::JwtOptions& options) {
  std::string_view issuer;
  if (!ReadText(object, "iss", &issuer)) return JwtFault::kBadClaims;
  if (!options.issuer.empty() && issuer != options.issuer) return JwtFault::kIssuer;
  element audience;
  if (!Find(object, "aud", &audience)) {
    return options.audience.empty() ? JwtFault::kNone : JwtFault::kAudience;
  }
  // RFC 7519 4.1.3: a token for somebody is no login where nobody has said who we are.
  bool for_us = false;
  if (!IsAmong(audience, options.audience, &for_us)) return JwtFault::kBadClaims;
  return for_us && !options.audience.empty() ? JwtFault::kNone : JwtFault::kAudience;
}

// A whole number, or its decimal digits as text: `sub` has to be text (RFC 7519 4.1.2).
bool ReadMid(element value, int64_t* mid) {
  if (value.is_null() || value.get(*mid) == simdjson::SUCCESS) return true;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return false;
  return absl::SimpleAtoi(absl::string_view(text.data(), text.size()), mid) &&
         std::to_string(*mid) == text;
}

// The client itself; null is as good as nothing.
bool ReadClient(object object, const config::JwtOptions& options, JwtClaims* claims) {
  element value;
  if (Find(object, options.mid_claim, &value) && !ReadMid(value, &claims->mid)) return false;
  if (Find(object, options.key_claim, &value) && !value.is_null() &&
      value.get(claims->key) != simdjson::SUCCESS) {
    return false;
  }
  if (Find(object, options.room_claim, &value) && !value.is_null() &&
      value.get(claims->room.emplace()) != simdjson::SUCCESS) {
    return false;
  }
  return !Find(object, options.accepts_claim, &value) || value.is_null() ||
         ReadOps(value, &claims->accepts.emplace());
}

}  // namespace

JwtFault ReadJwtClaims(object object, const config::JwtOptions& options, int64_t now_ms,
                       JwtClaims* claims) {
  if (const JwtFault bad = CheckTimes(object, options, now_ms, claims); bad != JwtFault::kNone) {
    return bad;
  }
  if (const JwtFault bad = CheckParties(object, options); bad != JwtFault::kNone) return bad;
  return ReadClient(object, options, claims) ? JwtFault::kNone : JwtFault::kBadClaims;
}

}  // namespace halley::backend
