#include "wire/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::wire {
namespace {

// Encodes any number up to 0x1FFFFF with as many bytes as asked, valid or not.
std::string Encoded(uint32_t point, int bytes) {
  if (bytes == 1) return {static_cast<char>(point)};
  std::string text(bytes, '\0');
  for (int i = bytes - 1; i > 0; --i, point >>= 6) {
    text[i] = static_cast<char>(0x80 | (point & 0x3F));
  }
  text[0] = static_cast<char>((0xF00 >> bytes & 0xFF) | point);
  return text;
}

int BytesOf(uint32_t point) {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

bool IsUtf8(std::string_view text) {
  Utf8Validator whole;
  const bool valid = whole.Feed(text) && whole.complete();
  // However it is cut, the answer must be the same.
  Utf8Validator pieces;
  bool valid_in_pieces = true;
  for (size_t at = 0; at < text.size() && valid_in_pieces; ++at) {
    valid_in_pieces = pieces.Feed(text.substr(at, 1));
  }
  EXPECT_EQ(valid, valid_in_pieces && pieces.complete());
  return valid;
}

TEST(Utf8, TakesEveryCodePointAndNothingBeyond) {
  for (uint32_t point = 0; point < 0x1FFFFF; ++point) {
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    const std::string text = Encoded(point, BytesOf(point));
    Utf8Validator validator;
    const bool valid = validator.Feed(text) && validator.complete();
    ASSERT_EQ(valid, point <= 0x10FFFF && !surrogate) << std::hex << point;
  }
}

TEST(Utf8, RefusesEveryOverlongForm) {
  for (uint32_t point = 0; point < 0x10000; ++point) {
    for (int bytes = BytesOf(point) + 1; bytes <= 4; ++bytes) {
      Utf8Validator validator;
      ASSERT_FALSE(validator.Feed(Encoded(point, bytes))) << std::hex << point << " in " << bytes;
    }
  }
}

TEST(Utf8, RefusesBytesThatNeverBeginACharacter) {
  for (int byte = 0x80; byte < 0x100; ++byte) {
    const bool begins = byte >= 0xC2 && byte <= 0xF4;
    Utf8Validator validator;
    EXPECT_EQ(validator.Feed(std::string(1, static_cast<char>(byte))), begins) << byte;
    EXPECT_EQ(begins && !validator.complete(), begins) << byte;
  }
}

// Words are looked at eight bytes at a time: every position in and around a word counts.
TEST(Utf8, FindsABadByteAtEveryPosition) {
  for (size_t bytes = 1; bytes < 40; ++bytes) {
    EXPECT_TRUE(IsUtf8(std::string(bytes, 'a')));
    for (size_t at = 0; at < bytes; ++at) {
      std::string text(bytes, 'a');
      text[at] = '\xFF';
      EXPECT_FALSE(IsUtf8(text)) << at << " of " << bytes;
      text.replace(at, 1, "\u20AC");
      EXPECT_TRUE(IsUtf8(text)) << at << " of " << bytes;
      text.resize(at + 2);
      EXPECT_FALSE(IsUtf8(text)) << "cut off in a character at " << at;
    }
  }
}

TEST(Utf8, FailsAtTheByteThatProvesItNotAtTheEndOfTheCharacter) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.Feed("\xCE\xBA\xF4"));
  EXPECT_FALSE(validator.Feed("\x90"));  // U+110000 and above (Autobahn 6.4)
}

}  // namespace
}  // namespace halley::wire
