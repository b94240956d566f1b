#include "wire/json_frame.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::wire {
namespace {

// "op/seq=body", "bad" or "too big".
std::string Decoded(std::string_view message, size_t body_bytes_max = 4096) {
  GoimFrame frame;
  switch (DecodeJsonFrame(message, body_bytes_max, &frame)) {
    case DecodeStatus::kDone: break;
    case DecodeStatus::kTooBig: return "too big";
    case DecodeStatus::kBad:
    case DecodeStatus::kMore: return "bad";
  }
  return std::to_string(frame.op) + "/" + std::to_string(frame.seq) + "=" +
         std::string(frame.body);
}

TEST(JsonFrame, TakesWhatAPersonTypes) {
  EXPECT_EQ(Decoded(R"({"op":2})"), "2/0=");
  EXPECT_EQ(Decoded(" {\"seq\" : 5,\n\t\"op\" : 2, \"body\" : null, \"more\" : [] } "), "2/5=");
  EXPECT_EQ(Decoded(R"({"op":7,"seq":1,"body":{"mid": 123, "key" : "\u00e9\"" }})"),
            "7/1={\"mid\":123,\"key\":\"\xC3\xA9\\\"\"}");
  EXPECT_EQ(Decoded(R"({"op":12,"body":"live://1000"})"), "12/0=live://1000");
  EXPECT_EQ(Decoded(R"({"op":12,"body":""})"), "12/0=");
  EXPECT_EQ(Decoded(R"({"op":14,"body":[1000, 1001,-1]})"), "14/0=1000,1001,-1");
  EXPECT_EQ(Decoded(R"({"op":16,"body":[]})"), "16/0=");
  EXPECT_EQ(Decoded(R"({"op":14,"body":"1000,1001"})"), "14/0=1000,1001");
  EXPECT_EQ(Decoded(R"({"op":1000,"seq":-2147483648,"body":[1, "a"]})"), "1000/-2147483648=[1,\"a\"]");
  EXPECT_EQ(Decoded(R"({"op":1000,"body":true})"), "1000/0=true");
  EXPECT_EQ(Decoded(R"({"op":1000,"body":"a\u0000\n\ud83d\ude80"})"),
            std::string("1000/0=a\0\n\xF0\x9F\x9A\x80", 14));
}

TEST(JsonFrame, RefusesWhatIsNoFrame) {
  for (const char* message :
       {"", "{", "[]", "7", "null", R"("op")", "{}", R"({"op":"7"})", R"({"op":7.5})",
        R"({"op":2147483648})", R"({"op":-2147483649})", R"({"op":null})", R"({"op":7,"seq":"1"})",
        R"({"op":7,"seq":4294967296})", R"({"op":7} {"op":7})", R"({"op":7,})", R"({'op':7})",
        R"({"op":14,"body":["1000"]})", R"({"op":14,"body":[1.5]})", "{\"op\":7,\"body\":\"\xff\"}",
        "{\"op\":7,\"body\":\"\n\"}"}) {
    EXPECT_EQ(Decoded(message), "bad") << message;
  }
  const std::string deep(100, '[');
  EXPECT_EQ(Decoded("{\"op\":7,\"body\":" + deep + std::string(100, ']') + "}"), "bad");
}

TEST(JsonFrame, TheBodyHasALimit) {
  const auto of = [](size_t bytes) { return "{\"op\":7,\"body\":\"" + std::string(bytes, 'b') + "\"}"; };
  EXPECT_EQ(Decoded(of(10), 10), "7/0=bbbbbbbbbb");
  EXPECT_EQ(Decoded(of(11), 10), "too big");
}

std::string Reply(const GoimFrame& frame) {
  std::string out;
  AppendJsonReply(frame, &out);
  return out;
}

std::string Push(int32_t op, std::string_view body, bool batch = false) {
  std::string out;
  AppendJsonPush(op, body, batch, &out);
  return out;
}

TEST(JsonFrame, WritesReplies) {
  EXPECT_EQ(Reply({8, 1, 1, ""}), R"({"op":8,"seq":1})");
  EXPECT_EQ(Reply({3, 2, 1, std::string_view("\0\0\1\2", 4)}), R"({"op":3,"seq":2,"body":258})");
  EXPECT_EQ(Reply({13, -1, 1, "live://1"}), R"({"op":13,"seq":-1,"body":"live://1"})");
}

TEST(JsonFrame, WritesPushesAsTextWhereTheyAreText) {
  EXPECT_EQ(Push(1000, "hi"), R"({"op":1000,"body":"hi"})");
  EXPECT_EQ(Push(1000, ""), R"({"op":1000})");
  EXPECT_EQ(Push(-5, "gr\xC3\xBC\xC3\x9F \"\\/\n\x1f\x7f"),
            "{\"op\":-5,\"body\":\"gr\xC3\xBC\xC3\x9F \\\"\\\\/\\u000a\\u001f\x7f\"}");
  EXPECT_EQ(Push(1000, "\xff\xfe"), R"({"op":1000,"body64":"//4="})");
  EXPECT_EQ(Push(1000, "\xC3"), R"({"op":1000,"body64":"ww=="})");
}

TEST(JsonFrame, WritesABatchAsAnArray) {
  char header[kGoimHeaderBytes];
  std::string batch;
  for (const std::string_view body : {"one", "", "\xff"}) {
    WriteGoimHeader(header, 1, 1001, 0, body.size());
    batch.append(header, sizeof header).append(body);
  }
  EXPECT_EQ(Push(9, batch, true),
            R"([{"op":1001,"body":"one"},{"op":1001},{"op":1001,"body64":"/w=="}])");
  EXPECT_EQ(Push(1000, "no batch", true), R"({"op":9,"body":"no batch"})");
}

}  // namespace
}  // namespace halley::wire
