#include "wire/goim_v1.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/json_frame.h"
#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::ParseVector;

// What precedes the body, and the body where it is made.
std::string Push(Encoding encoding, std::string_view body, bool batch = false) {
  std::string out;
  if (encoding == Encoding::kGoimV1JsonArray || encoding == Encoding::kGoimV1Json) {
    AppendGoimV1JsonPush(encoding, body, batch, &out);
    return out;
  }
  std::string frames;
  if (batch) AppendGoimV1Frames(body, &frames);
  char prefix[kPushPrefixBytesMax];
  const std::string_view framed = batch ? std::string_view(frames) : body;
  out.assign(prefix, WriteGoimV1Prefix(encoding, framed.size(), batch, prefix));
  return out.append(framed);
}

// The payload of a short text message.
std::string Text(const std::string& message) {
  EXPECT_EQ(message[0], '\x81');
  EXPECT_EQ(message[1], static_cast<char>(message.size() - 2));
  return message.substr(2);
}

const std::string kBatch = ParseVector(
    "00000012 0010 0001 000003e8 00000000 \"hi\""
    "00000010 0010 0002 000003e9 00000007"
    "00000011 0010 0001 000003ea 00000000 \"7\"");

TEST(GoimV1Push, AFrameOfOp5WhateverTheOp) {
  EXPECT_EQ(Push(Encoding::kGoimV1Tcp, "hi"),
            ParseVector("00000012 0010 0001 00000005 00000000 \"hi\""));
  EXPECT_EQ(Push(Encoding::kGoimV1WebSocket, "hi"),
            ParseVector("82 12 00000012 0010 0001 00000005 00000000 \"hi\""));
  EXPECT_EQ(Push(Encoding::kGoimV1Tcp, ""), ParseVector("00000010 0010 0001 00000005 00000000"));
  const std::string large(300, 'x');
  EXPECT_EQ(Push(Encoding::kGoimV1WebSocket, large),
            ParseVector("82 7e 013c 0000013c 0010 0001 00000005 00000000") + large);
}

TEST(GoimV1Push, ABatchIsFramesWithoutAnythingAround) {
  const std::string frames = ParseVector(
      "00000012 0010 0001 00000005 00000000 \"hi\""
      "00000010 0010 0001 00000005 00000000"
      "00000011 0010 0001 00000005 00000000 \"7\"");
  EXPECT_EQ(Push(Encoding::kGoimV1Tcp, kBatch, true), frames);
  EXPECT_EQ(Push(Encoding::kGoimV1WebSocket, kBatch, true), ParseVector("82 33") + frames);
}

TEST(GoimV1Push, JsonIsAnArrayOrAnObject) {
  EXPECT_EQ(Push(Encoding::kGoimV1JsonArray, "hi"),
            "\x81\x26[{\"ver\":1,\"op\":5,\"seq\":0,\"body\":\"hi\"}]");
  EXPECT_EQ(Push(Encoding::kGoimV1Json, "hi"),
            "\x81\x24{\"ver\":1,\"op\":5,\"seq\":0,\"body\":\"hi\"}");
}

TEST(GoimV1Push, ABodyIsTheJsonThatItIs) {
  const auto body = [](std::string_view text) {
    std::string object = Text(Push(Encoding::kGoimV1Json, text));
    constexpr std::string_view kBefore = "{\"ver\":1,\"op\":5,\"seq\":0,";
    EXPECT_TRUE(object.starts_with(kBefore) && object.ends_with('}')) << object;
    return object.substr(kBefore.size(), object.size() - kBefore.size() - 1);
  };
  EXPECT_EQ(body("{ \"a\" : [1, \"b c\"] }\n"), "\"body\":{\"a\":[1,\"b c\"]}");
  EXPECT_EQ(body("7"), "\"body\":7");
  EXPECT_EQ(body("null"), "\"body\":null");
  EXPECT_EQ(body(""), "\"body\":{}");
  EXPECT_EQ(body("{"), "\"body\":\"{\"");
  EXPECT_EQ(body("say \"hi\"\n"), "\"body\":\"say \\\"hi\\\"\\u000a\"");
  EXPECT_EQ(body(std::string("\xff\0", 2)), "\"body64\":\"/wA=\"");
}

TEST(GoimV1Push, ABatchIsInOneArrayOrAMessageEach) {
  const std::string hi = "{\"ver\":1,\"op\":5,\"seq\":0,\"body\":\"hi\"}";
  const std::string none = "{\"ver\":1,\"op\":5,\"seq\":0,\"body\":{}}";
  const std::string seven = "{\"ver\":1,\"op\":5,\"seq\":0,\"body\":7}";
  EXPECT_EQ(Text(Push(Encoding::kGoimV1JsonArray, kBatch, true)),
            "[" + hi + "," + none + "," + seven + "]");
  EXPECT_EQ(Push(Encoding::kGoimV1Json, kBatch, true),
            "\x81\x24" + hi + "\x81\x22" + none + "\x81\x21" + seven);
  EXPECT_EQ(Push(Encoding::kGoimV1Json, "no batch", true), Push(Encoding::kGoimV1Json, "no batch"));
}

TEST(GoimV1Push, WhoPollsGetsTheTextAlone) {
  const auto text = [](std::string_view body, bool batch) {
    std::string out;
    AppendGoimV1JsonPush(Encoding::kGoimV1LongPoll, body, batch, &out);
    return out;
  };
  EXPECT_EQ(text("7", false), "{\"ver\":1,\"op\":5,\"seq\":0,\"body\":7}");
  EXPECT_EQ("\x81\x6b" + text(kBatch, true), Push(Encoding::kGoimV1JsonArray, kBatch, true));
}

std::string Reply(Encoding encoding, const GoimFrame& frame) {
  std::string out;
  AppendReply(encoding, frame, &out);
  return out;
}

TEST(GoimV1Reply, IsAFrameOrAnObject) {
  const GoimFrame login{op::kAuthReply, 7, 1, {}};
  const std::string frame = ParseVector("00000010 0010 0001 00000008 00000007");
  EXPECT_EQ(Reply(Encoding::kGoimV1Tcp, login), frame);
  EXPECT_EQ(Reply(Encoding::kGoimV1WebSocket, login), ParseVector("82 10") + frame);
  EXPECT_EQ(Text(Reply(Encoding::kGoimV1JsonArray, login)),
            "[{\"ver\":1,\"op\":8,\"seq\":7,\"body\":{}}]");
  EXPECT_EQ(Text(Reply(Encoding::kGoimV1Json, {op::kAuthReply, -7, 2, {}})),
            "{\"ver\":2,\"op\":8,\"seq\":-7,\"body\":{}}");
  EXPECT_EQ(Reply(Encoding::kGoimV1LongPoll, login), "");
}

TEST(GoimV1Reply, AHeartbeatsHasNoBody) {
  const GoimFrame beat{op::kHeartbeatReply, 7, 1, std::string_view("\0\0\1\2", 4)};
  EXPECT_EQ(Reply(Encoding::kGoimV1Tcp, beat), ParseVector("00000010 0010 0001 00000003 00000007"));
  EXPECT_EQ(Text(Reply(Encoding::kGoimV1Json, beat)),
            "{\"ver\":1,\"op\":3,\"seq\":7,\"body\":{}}");
}

TEST(GoimV1Answer, EchoesAndTests) {
  const GoimFrame echo = GoimV1Answer({op::kSendSms, 3, 2, "x"});
  EXPECT_EQ(Reply(Encoding::kGoimV1Tcp, echo),
            ParseVector("00000011 0010 0002 00000005 00000003 \"x\""));
  const GoimFrame test = GoimV1Answer({op::kTest, 4, 1, "x"});
  EXPECT_EQ(Reply(Encoding::kGoimV1Tcp, test),
            ParseVector("00000022 0010 0001 000000ff 00000004 \"{\\\"test\\\":\\\"come on\\\"}\""));
  EXPECT_EQ(Text(Reply(Encoding::kGoimV1Json, test)),
            "{\"ver\":1,\"op\":255,\"seq\":4,\"body\":{\"test\":\"come on\"}}");
}

// "ver/op/seq=body", "bad" or "too big".
std::string Decoded(std::string_view message, size_t body_bytes_max = kGoimV1BodyBytesMax) {
  GoimFrame frame;
  switch (DecodeGoimV1JsonFrame(message, body_bytes_max, &frame)) {
    case DecodeStatus::kDone: break;
    case DecodeStatus::kTooBig: return "too big";
    case DecodeStatus::kBad:
    case DecodeStatus::kMore: return "bad";
  }
  return std::to_string(frame.ver) + "/" + std::to_string(frame.op) + "/" +
         std::to_string(frame.seq) + "=" + std::string(frame.body);
}

TEST(GoimV1Json, TakesWhatClientsSend) {
  EXPECT_EQ(Decoded(R"({"ver":1,"op":7,"seq":1,"body":"123"})"), "1/7/1=123");
  EXPECT_EQ(Decoded(R"({"ver":102,"op":7,"seq":10,"body":123})"), "102/7/10=123");
  EXPECT_EQ(Decoded(R"({"ver":1,"op":7,"seq":1,"body":{ "mid" : 1 }})"), "1/7/1={\"mid\":1}");
  EXPECT_EQ(Decoded(R"({"ver":-32768,"op":2,"seq":2,"body":{}})"), "-32768/2/2={}");
  EXPECT_EQ(Decoded(R"({"op":2,"body":null})"), "0/2/0=");
}

TEST(GoimV1Json, RefusesWhatIsNoFrame) {
  for (const char* message :
       {"", "[]", R"([{"ver":1,"op":7,"seq":1,"body":{}}])", R"({"ver":1,"seq":1})",
        R"({"ver":"1","op":7})", R"({"ver":32768,"op":7})", R"({"ver":1.5,"op":7})",
        R"({"ver":null,"op":7})", R"({"ver":1,"op":"7"})"}) {
    EXPECT_EQ(Decoded(message), "bad") << message;
  }
}

TEST(GoimV1Json, TheLimitOfABodyIsExact) {
  const auto of = [](size_t bytes) {
    return "{\"ver\":1,\"op\":4,\"body\":\"" + std::string(bytes, 'b') + "\"}";
  };
  EXPECT_EQ(Decoded(of(1024)), "1/4/0=" + std::string(1024, 'b'));
  EXPECT_EQ(Decoded(of(1025)), "too big");
}

}  // namespace
}  // namespace halley::wire
