// Utf8Validator: is this text UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF), told piece by piece and at the first byte that proves it is not.
//
// Ownership  Keeps one byte of state and no bytes of text.
#pragma once

#include <cstdint>
#include <string_view>

namespace halley::wire {

class Utf8Validator {
 public:
  // False as soon as the text so far cannot be the beginning of valid UTF-8. Not to be fed again
  // after that.
  [[nodiscard]] bool Feed(std::string_view text);

  // Whether the text may end here, which it may not within a character.
  bool complete() const { return state_ == 0; }

 private:
  uint8_t state_ = 0;  // row of the table in utf8.cc: which bytes may come next
};

// Of a whole text.
inline bool IsUtf8(std::string_view text) {
  Utf8Validator validator;
  return validator.Feed(text) && validator.complete();
}

}  // namespace halley::wire
