#include "wire/query.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::wire {
namespace {

TEST(Query, FindsTheFirstOfItsName) {
  EXPECT_EQ(FindParameter("", "a"), std::nullopt);
  EXPECT_EQ(FindParameter("b=1&aa=2&&=3", "a"), std::nullopt);
  EXPECT_EQ(FindParameter("a", "a"), "");
  EXPECT_EQ(FindParameter("a&a=1", "a"), "");
  EXPECT_EQ(FindParameter("a=", "a"), "");
  EXPECT_EQ(FindParameter("b=1&a=x=%3D&a=2", "a"), "x=%3D");
  EXPECT_EQ(FindParameter("A=1&a=2", "a"), "2");
}

std::string Decoded(std::string_view value) {
  std::string out = "<";
  return DecodeParameter(value, &out) ? out + '>' : "bad";
}

TEST(Query, DecodesWhatFormsAndScriptsWrite) {
  EXPECT_EQ(Decoded(""), "<>");
  EXPECT_EQ(Decoded("a+b%20c"), "<a b c>");
  EXPECT_EQ(Decoded("%7B%22mid%22%3a1%7D"), "<{\"mid\":1}>");
  EXPECT_EQ(Decoded("%00%ff%2B"), std::string("<\0\xff+>", 5));
}

TEST(Query, RefusesHalfAnEscape) {
  for (const char* value : {"%", "%4", "a%", "%4g", "%g4", "%%41", "% 4", "%-1"}) {
    EXPECT_EQ(Decoded(value), "bad") << value;
  }
}

}  // namespace
}  // namespace halley::wire
