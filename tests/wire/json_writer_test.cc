#include "wire/json_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::wire {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.BeginObject().Key("a").BeginArray().EndArray();
  json.Key("b").BeginArray().Number(1).Signed(-2).BeginObject().EndObject().Bool(true).EndArray();
  json.Key("c").BeginObject().Key("d").Text("e").EndObject().EndObject();
  EXPECT_EQ(json.text(), R"({"a":[],"b":[1,-2,{},true],"c":{"d":"e"}})");
}

TEST(JsonWriter, WritesNumbersOfAnySize) {
  JsonWriter json;
  json.BeginArray().Number(UINT64_MAX).Signed(INT64_MIN).EndArray();
  EXPECT_EQ(json.text(), "[18446744073709551615,-9223372036854775808]");
}

TEST(JsonWriter, EscapesText) {
  JsonWriter json;
  json.Text(std::string_view("\"\\\n\x01\x7f\0\xc3\xa9", 8));
  EXPECT_EQ(json.text(), "\"\\\"\\\\\\u000a\\u0001\\u007f\\u0000\xc3\xa9\"");
}

TEST(JsonWriter, CarriesAnyBytes) {
  JsonWriter json;
  json.BeginObject().Bytes("body", "text").Bytes("other", "\xff\xfe").EndObject();
  EXPECT_EQ(json.text(), R"({"body":"text","other_base64":"//4="})");
}

TEST(JsonWriter, WritesFractionsShort) {
  JsonWriter json;
  json.BeginArray().Real(0.3).Real(1.8).Real(-2).Real(1e300).EndArray();
  EXPECT_EQ(json.text(), "[0.3,1.8,-2,1e+300]");
}

TEST(JsonWriter, TakesAnothersValue) {
  JsonWriter inner;
  inner.BeginArray().Number(1).EndArray();
  JsonWriter json;
  json.BeginObject().Key("a").Value(inner).Key("b").Value(inner).EndObject();
  EXPECT_EQ(json.text(), R"({"a":[1],"b":[1]})");
}

}  // namespace
}  // namespace halley::wire
