// Pieces of HTTP header text, as far as RFC 9110 lets them be told apart without allocating; and what
// more than one response says.
//
// Ownership  Views in, views out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace halley::wire {

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }

inline char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `lower` is written in lower case.
inline bool Is(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::ranges::equal(text, lower, {}, Lower);
}

inline std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the text before the first `separator` off the front, without the blanks around it.
inline std::string_view TakeItem(std::string_view* rest, char separator) {
  const size_t end = rest->find(separator);
  const std::string_view item = Trimmed(rest->substr(0, end));
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return item;
}

// Appends the headers that let a page of this origin read the response; nothing where it is empty.
inline void AppendAllowedOrigin(std::string_view origin, std::string* out) {
  if (origin.empty()) return;
  out->append("Access-Control-Allow-Origin: ").append(origin);
  out->append("\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n");
}

}  // namespace halley::wire
