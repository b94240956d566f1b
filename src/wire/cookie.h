// The value of a request's Cookie header (RFC 6265 4.2): "a=1; b=two".
//
// Ownership  Borrow for the call.
#pragma once

#include <optional>
#include <string_view>

namespace halley::wire {

// The value of the first cookie of this name, letter for letter, without the quotes that may be
// around it; nullopt: there is none, or it has bytes that no cookie's value may have. A browser puts
// the cookie of the longest path first, so a second one of that name is another page's. What other
// cookies hold is nobody's business here.
std::optional<std::string_view> FindCookie(std::string_view header, std::string_view name);

}  // namespace halley::wire
