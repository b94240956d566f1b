// CharSet: which characters a text may have, one look-up for each.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace halley::base {

class CharSet {
 public:
  // ASCII's letters and digits, and these.
  constexpr explicit CharSet(std::string_view beyond_alnum) {
    for (size_t c = 0; c < has_.size(); ++c) {
      const char as_char = static_cast<char>(c);
      has_[c] = IsAlnum(as_char) || beyond_alnum.find(as_char) != std::string_view::npos;
    }
  }
  constexpr bool HasAllOf(std::string_view text) const {
    return std::ranges::all_of(text, [this](char c) { return has_[static_cast<uint8_t>(c)]; });
  }

 private:
  static constexpr bool IsAlnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  std::array<bool, 256> has_{};
};

// HTTP's token (RFC 9110 5.6.2).
inline constexpr CharSet kTokenChars("!#$%&'*+-.^_`|~");
inline bool IsToken(std::string_view text) { return !text.empty() && kTokenChars.HasAllOf(text); }

}  // namespace halley::base
