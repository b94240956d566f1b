#include "wire/query.h"

namespace halley::wire {
namespace {

// 16 for what is no digit.
unsigned HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

}  // namespace

std::optional<std::string_view> FindParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    const size_t equals = parameter.find('=');
    if (parameter.substr(0, equals) == name) {
      return equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
    }
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return std::nullopt;
}

bool DecodeParameter(std::string_view value, std::string* out) {
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '+') {
      out->push_back(' ');
    } else if (value[i] != '%') {
      out->push_back(value[i]);
    } else {
      if (value.size() - i < 3) return false;
      const unsigned high = HexDigit(value[i + 1]);
      const unsigned low = HexDigit(value[i + 2]);
      if (high > 15 || low > 15) return false;
      out->push_back(static_cast<char>(high << 4 | low));
      i += 2;
    }
  }
  return true;
}

}  // namespace halley::wire
