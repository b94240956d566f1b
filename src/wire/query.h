// The query of a request's target (RFC 3986 3.4), as forms write it: "a=1&b=two%20words".
//
// Ownership  Borrow for the call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace halley::wire {

// The value of the first parameter of this name, still encoded; nullopt: there is none. `name` needs
// no decoding.
std::optional<std::string_view> FindParameter(std::string_view query, std::string_view name);

// Appends the value decoded: %XX is a byte, '+' a space. False: a '%' without two hexadecimal digits.
bool DecodeParameter(std::string_view value, std::string* out);

}  // namespace halley::wire
