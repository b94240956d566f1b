#include "wire/cookie.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::wire {
namespace {

std::string Found(std::string_view header, std::string_view name = "jwt") {
  const std::optional<std::string_view> value = FindCookie(header, name);
  return value.has_value() ? "[" + std::string(*value) + "]" : "none";
}

TEST(Cookie, IsFoundAmongOthers) {
  EXPECT_EQ(Found("jwt=eyJ.a-b_c.d"), "[eyJ.a-b_c.d]");
  EXPECT_EQ(Found("sid=1; jwt=a; theme=\"dark\""), "[a]");
  EXPECT_EQ(Found("sid=1;jwt=a"), "[a]") << "without the space that should be there";
  EXPECT_EQ(Found("jwt=\"a\""), "[a]");
  EXPECT_EQ(Found("jwt=a=b=="), "[a=b==]");
  EXPECT_EQ(Found("jwt="), "[]");
  EXPECT_EQ(Found("jwt=\"\""), "[]");
  EXPECT_EQ(Found("\"; jwt=a; {\"x\": [1, 2]}; =; ;"), "[a]") << "whatever the others are";
  EXPECT_EQ(Found("a=1; __Host-t=x", "__Host-t"), "[x]");
}

TEST(Cookie, IsNotFoundByAnotherName) {
  for (const char* header : {"", ";", "jwt", "jwt2=a", "xjwt=a", "JWT=a", "a=jwt=b", " jwt2 = a",
                             "jwt =a", "a=1, jwt=2", "a=\"; jwt2=b"}) {
    EXPECT_EQ(Found(header), "none") << header;
  }
}

TEST(Cookie, TheFirstOfANameCounts) {
  EXPECT_EQ(Found("jwt=first; jwt=second"), "[first]");
  EXPECT_EQ(Found("jwt=; jwt=second"), "[]");
  EXPECT_EQ(Found("jwt=b\"ad; jwt=second"), "none");
}

TEST(Cookie, BytesThatNoValueMayHaveSpoilIt) {
  for (const char c : {' ', '\t', '"', ',', '\\', '\x7F', '\x80', '\xFF'}) {
    EXPECT_EQ(Found(std::string("jwt=a") + c + "b"), "none") << static_cast<int>(c);
  }
  EXPECT_EQ(Found(std::string_view("jwt=a\0b", 7)), "none");
  EXPECT_EQ(Found("jwt=\"a"), "none");
  EXPECT_EQ(Found("jwt=\""), "none");
  EXPECT_EQ(Found("jwt=\"a\"b\""), "none");
}

}  // namespace
}  // namespace halley::wire
