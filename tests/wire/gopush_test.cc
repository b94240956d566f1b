#include "wire/gopush.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/decoder_test.h"

namespace halley::wire {
namespace {

using testing::CheckDecoder;
using testing::Step;

// Commands one after the other, each as a line "count|argument|argument...".
struct CommandDecoder {
  size_t bytes_max = 60;

  Step Next(Inbox* inbox, std::string* transcript) {
    GopushCommand command;
    size_t bytes = 0;
    switch (DecodeGopushCommand(inbox->view(), bytes_max, &command, &bytes)) {
      case DecodeStatus::kMore: return Step::kMore;
      case DecodeStatus::kBad: transcript->append("bad"); return Step::kOver;
      case DecodeStatus::kTooBig: transcript->append("too big"); return Step::kOver;
      case DecodeStatus::kDone: break;
    }
    transcript->append(std::to_string(command.count));
    for (size_t i = 0; i < command.count; ++i) {
      transcript->append("|").append(command.arguments[i]);
    }
    transcript->append("\n");
    inbox->begin += bytes;
    return Step::kAgain;
  }
  size_t inbox_bytes_max() const { return bytes_max; }
};

std::string Decoded(const std::string& bytes) { return CheckDecoder(CommandDecoder{}, bytes); }

TEST(GopushCommand, TakesWhatClientsSend) {
  EXPECT_EQ(Decoded("*3\r\n$3\r\nsub\r\n$9\r\nTerry-Mao\r\n$2\r\n30\r\n"), "3|sub|Terry-Mao|30\n");
  EXPECT_EQ(Decoded("*5\r\n$3\r\nsub\r\n$1\r\nk\r\n$2\r\n30\r\n$1\r\nt\r\n$3\r\n1.0\r\n"),
            "5|sub|k|30|t|1.0\n");
  EXPECT_EQ(Decoded("*1\r\n$0\r\n\r\n*2\r\n$1\r\na\r\n$2\r\n\r$\r\n"), "1|\n2|a|\r$\n");
}

TEST(GopushCommand, RefusesWhatIsMalformed) {
  for (const char* bytes :
       {"+", "3\r\n", "*\r\n", "*0\r\n", "*6\r\n", "*-1\r\n", "*+1\r\n", "* 1\r\n", "*01\r\n",
        "*1\n", "*1\r\r", "*11\r\n", "*1\r\n*", "*1\r\n$\r\n", "*1\r\n$00\r\n", "*1\r\n$1\r\nab",
        "*1\r\n$1\r\na\n", "*1\r\n$1\r\na\r\r", "*1\r\n$3\r\na\nb\r\n", "*1\r\n$1x"}) {
    EXPECT_EQ(Decoded(bytes), "bad") << bytes;
  }
}

TEST(GopushCommand, TheLimitIsExact) {
  const std::string begin = "*2\r\n$1\r\na\r\n";
  const std::string largest(49, 'x');
  EXPECT_EQ(Decoded("*1\r\n$49\r\n" + largest + "\r\n"), "1|" + largest + "\n");
  EXPECT_EQ(Decoded("*1\r\n$50\r\n" + largest + "x\r\n"), "too big");
  EXPECT_EQ(Decoded(begin + "$42\r\n" + largest.substr(7) + "\r\n"),
            "2|a|" + largest.substr(7) + "\n");
  EXPECT_EQ(Decoded(begin + "$43\r\n" + largest.substr(6) + "\r\n"), "too big");
  // As soon as it is told.
  EXPECT_EQ(Decoded("*1\r\n$61"), "too big");
  EXPECT_EQ(Decoded("*1\r\n$999999999\r\n"), "too big");
  EXPECT_EQ(Decoded("*1\r\n$10000000000000000000000\r\n"), "too big");
}

std::string Read(const GopushSubscription& subscription) {
  std::string token;
  uint32_t idle_ms = 0;
  if (!ReadGopushSubscription(subscription, &token, &idle_ms)) return "-p";
  return token + " " + std::to_string(idle_ms);
}

TEST(GopushSubscription, BecomesGoimsToken) {
  EXPECT_EQ(Read({.key = "John", .heartbeat = "30"}), "{\"key\":\"John\",\"mid\":0} 35000");
  EXPECT_EQ(Read({.key = "\"\\\x01", .heartbeat = "1000000", .token = "t\""}),
            "{\"key\":\"\\\"\\\\\\u0001\",\"mid\":0,\"token\":\"t\\\"\"} 1000005000");
}

TEST(GopushSubscription, BadParametersAreRefused) {
  for (const char* heartbeat : {"", "29", "1000001", "-30", "+30", "30s", " 30", "99999999999"}) {
    EXPECT_EQ(Read({.key = "k", .heartbeat = heartbeat}), "-p") << heartbeat;
  }
  EXPECT_EQ(Read({.key = "", .heartbeat = "30"}), "-p");
  EXPECT_EQ(Read({.key = "\xff", .heartbeat = "30"}), "-p");
  EXPECT_EQ(Read({.key = "k", .heartbeat = "30", .token = "\xc3"}), "-p");
}

TEST(GopushReplies, AreTheSameTextOnBoth) {
  const struct {
    GopushReply reply;
    std::string text;
  } kRows[] = {{GopushReply::kHeartbeat, "+h\r\n"},
               {GopushReply::kBadParameter, "-p\r\n"},
               {GopushReply::kBadToken, "-a\r\n"}};
  for (const auto& row : kRows) {
    for (const bool version : {false, true}) {
      std::string tcp, websocket;
      AppendGopushReply(GopushEncoding(false, version), row.reply, &tcp);
      AppendGopushReply(GopushEncoding(true, version), row.reply, &websocket);
      EXPECT_EQ(tcp, row.text);
      EXPECT_EQ(websocket, "\x81\x04" + row.text);
    }
  }
}

std::string Push(Encoding encoding, std::string_view body, bool batch = false) {
  std::string out;
  AppendGopushPush(encoding, body, batch, 17, &out);
  return out;
}

TEST(GopushPush, AJsonValueOrAString) {
  const std::string body = "{ \"test\" : [1, \"a b\"] }\n";
  EXPECT_EQ(Push(Encoding::kGopushTcp, body),
            "$43\r\n{\"msg\":{\"test\":[1,\"a b\"]},\"mid\":17,\"gid\":0}\r\n");
  EXPECT_EQ(Push(Encoding::kGopushTcpText, "{\"test\":1}"),
            "$39\r\n{\"msg\":\"{\\\"test\\\":1}\",\"mid\":17,\"gid\":0}\r\n");
  EXPECT_EQ(Push(Encoding::kGopushWebSocket, "1"), "\x81\x1a{\"msg\":1,\"mid\":17,\"gid\":0}");
  EXPECT_EQ(Push(Encoding::kGopushWebSocketText, "1"),
            "\x81\x1c{\"msg\":\"1\",\"mid\":17,\"gid\":0}");
}

TEST(GopushPush, WhatIsNoJsonIsAString) {
  for (const char* body : {"hello", "", "{", "1 2", "1e999"}) {
    EXPECT_EQ(Push(Encoding::kGopushTcp, body), Push(Encoding::kGopushTcpText, body)) << body;
  }
  EXPECT_EQ(Push(Encoding::kGopushTcp, "\xff"),
            "$33\r\n{\"msg64\":\"/w==\",\"mid\":17,\"gid\":0}\r\n");
}

TEST(GopushPush, ABatchIsAMessageEach) {
  std::string batch;
  for (const std::string body : {"1", "x"}) {
    char header[kGoimHeaderBytes];
    WriteGoimHeader(header, 1, 1000, 0, body.size());
    batch.append(header, sizeof header).append(body);
  }
  EXPECT_EQ(Push(Encoding::kGopushTcp, batch, true),
            "$26\r\n{\"msg\":1,\"mid\":17,\"gid\":0}\r\n"
            "$28\r\n{\"msg\":\"x\",\"mid\":18,\"gid\":0}\r\n");
}

}  // namespace
}  // namespace halley::wire
