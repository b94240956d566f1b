#include "halleyctl/text.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::ctl {
namespace {

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(Printable("live://1000 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "live://1000 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(Printable, EscapesWhatATerminalObeys) {
  EXPECT_EQ(Printable("\x1b[2J\x7f\r\n\t"), "\\x1b[2J\\x7f\\x0d\\n\\t");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Printable("a\\b"), "a\\\\b");
  // U+009B, the one-character form of ESC [.
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(Printable("\xc2\xa0"), "\xc2\xa0");
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(Printable("a\xff\xc2"), "a\\xff\\xc2");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST(HumanBytes, PicksAUnit) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1024), "1.0 KiB");
  EXPECT_EQ(HumanBytes(1536 * 1024), "1.5 MiB");
  EXPECT_EQ(HumanBytes(uint64_t{5} << 40), "5.0 TiB");
}

TEST(Json, PutsCommasWhereTheyBelong) {
  Json json;
  json.BeginObject().Key("a").BeginArray().EndArray();
  json.Key("b").BeginArray().Number(1).Signed(-2).BeginObject().EndObject().Bool(true).EndArray();
  json.Key("c").BeginObject().Key("d").Text("e").EndObject().EndObject();
  EXPECT_EQ(json.text(), R"({"a":[],"b":[1,-2,{},true],"c":{"d":"e"}})");
}

TEST(Json, WritesNumbersOfAnySize) {
  Json json;
  json.BeginArray().Number(UINT64_MAX).Signed(INT64_MIN).EndArray();
  EXPECT_EQ(json.text(), "[18446744073709551615,-9223372036854775808]");
}

TEST(Json, EscapesText) {
  Json json;
  json.Text(std::string_view("\"\\\n\x01\x7f\0\xc3\xa9", 8));
  EXPECT_EQ(json.text(), "\"\\\"\\\\\\u000a\\u0001\\u007f\\u0000\xc3\xa9\"");
}

TEST(Json, CarriesAnyBytes) {
  Json json;
  json.BeginObject().Bytes("body", "text").Bytes("other", "\xff\xfe").EndObject();
  EXPECT_EQ(json.text(), R"({"body":"text","other_base64":"//4="})");
}

}  // namespace
}  // namespace halley::ctl
