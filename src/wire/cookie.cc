#include "wire/cookie.h"

#include <algorithm>
#include <cstddef>

#include "wire/http_text.h"

namespace halley::wire {
namespace {

// cookie-octet (RFC 6265 4.1.1): visible ASCII but quotes, comma, semicolon and backslash.
bool IsCookieOctet(char c) {
  return c > ' ' && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\';
}

}  // namespace

std::optional<std::string_view> FindCookie(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::string_view pair = TakeItem(&header, ';');
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (!std::ranges::all_of(value, IsCookieOctet)) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace halley::wire
