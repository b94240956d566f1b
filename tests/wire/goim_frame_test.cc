#include "wire/goim_frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/decoder_test.h"
#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::CheckDecoder;
using testing::LoadVector;
using testing::ParseVector;
using testing::Step;

constexpr size_t kBodyBytesMax = 4096;

struct GoimDecoder {
  Step Next(Inbox* inbox, std::string* transcript) {
    GoimFrame frame;
    size_t frame_bytes = 0;
    switch (DecodeGoimFrame(inbox->view(), kBodyBytesMax, &frame, &frame_bytes)) {
      case DecodeStatus::kDone:
        EXPECT_EQ(frame_bytes, kGoimHeaderBytes + frame.body.size());
        inbox->begin += frame_bytes;
        transcript->append(std::to_string(frame.ver) + ' ' + std::to_string(frame.op) + ' ' +
                           std::to_string(frame.seq) + ' ');
        transcript->append(frame.body).append(";");
        return Step::kAgain;
      case DecodeStatus::kMore:
        return Step::kMore;
      case DecodeStatus::kBad:
        transcript->append("bad");
        return Step::kOver;
      case DecodeStatus::kTooBig:
        transcript->append("too big");
        return Step::kOver;
    }
    return Step::kOver;
  }
  size_t inbox_bytes_max() const { return kGoimHeaderBytes + kBodyBytesMax; }
};

std::string Decoded(std::string_view hex) { return CheckDecoder(GoimDecoder{}, ParseVector(hex)); }

TEST(GoimFrame, DecodesEveryFieldAndTheirSigns) {
  EXPECT_EQ(Decoded("00000012 0010 0001 000003e8 00000007 \"hi\""), "1 1000 7 hi;");
  EXPECT_EQ(Decoded("00000010 0010 fffe fffffffd ffffffff"), "-2 -3 -1 ;");
  EXPECT_EQ(Decoded("00000010 0010 7fff 7fffffff 80000000"), "32767 2147483647 -2147483648 ;");
}

TEST(GoimFrame, DecodesTheSessionOfAClient) {
  EXPECT_EQ(CheckDecoder(GoimDecoder{}, LoadVector("goim_tcp_session")),
            "1 1000 1 hi;"
            "1 7 7 {\"mid\":123,\"room_id\":\"live://1000\",\"accepts\":[1000,1001,1002],"
            "\"key\":\"\"};"
            "0 2 8 ;1 3 9 ;1 12 10 live://1001;1 14 11 1003,1004;1 16 12 1003;1 12 13 ;"
            "1 1000 14 hello;1 7 15 {};1 9 16 ;");
}

// goim took these for empty frames and lost its place in the stream.
TEST(GoimFrame, RefusesALengthBelowTheHeaderOnceTheLengthIsThere) {
  for (const char* hex : {"00000000", "00000001", "0000000f", "80000000", "80000010", "ffffffff"}) {
    EXPECT_EQ(Decoded(hex), "bad") << hex;
  }
}

TEST(GoimFrame, RefusesAnotherHeaderLengthOnceItIsThere) {
  for (const char* hex : {"00000010 0000", "00000010 000f", "00000010 0011", "00000010 1000",
                          "00000010 ffff", "00000010 8010"}) {
    EXPECT_EQ(Decoded(hex), "bad") << hex;
  }
}

TEST(GoimFrame, TakesTheLargestBodyAndRefusesOneByteMore) {
  const std::string body(kBodyBytesMax, 'b');
  EXPECT_EQ(CheckDecoder(GoimDecoder{}, ParseVector("00001010 0010 0001 00000009 00000000") + body),
            "1 9 0 " + body + ";");
  EXPECT_EQ(Decoded("00001011"), "too big");
  EXPECT_EQ(Decoded("7fffffff"), "too big");
  EXPECT_EQ(Decoded("\"GET \""), "too big");  // HTTP on the wrong port
}

std::string Reply(Encoding encoding, const GoimFrame& frame) {
  std::string out = "before ";
  AppendReply(encoding, frame, &out);
  EXPECT_TRUE(out.starts_with("before "));
  return out.substr(7);
}

TEST(GoimFrame, RepliesAreGoimsByteForByte) {
  const std::string online = ParseVector("00000102");
  const GoimFrame heartbeat{.op = op::kHeartbeatReply, .seq = 7, .ver = 1, .body = online};
  EXPECT_EQ(Reply(Encoding::kGoimTcp, heartbeat), LoadVector("goim_heartbeat_reply_tcp"));
  EXPECT_EQ(Reply(Encoding::kGoimWebSocket, heartbeat), LoadVector("goim_heartbeat_reply_ws"));
  const GoimFrame login{.op = op::kAuthReply, .seq = 7, .ver = 1, .body = {}};
  EXPECT_EQ(Reply(Encoding::kGoimTcp, login), LoadVector("goim_auth_reply"));
}

std::string Prefix(Encoding encoding, int32_t op, size_t body_bytes, bool batch) {
  char prefix[kPushPrefixBytesMax];
  const size_t bytes = WritePushPrefix(encoding, op, body_bytes, batch, prefix);
  EXPECT_LE(bytes, kPushPrefixBytesMax);
  return {prefix, bytes};
}

TEST(GoimFrame, PushesAreGoimsByteForByte) {
  EXPECT_EQ(Prefix(Encoding::kGoimTcp, 1000, 2, false) + "hi", LoadVector("goim_push_tcp"));
  EXPECT_EQ(Prefix(Encoding::kGoimWebSocket, 1000, 2, false) + "hi", LoadVector("goim_push_ws"));
}

TEST(GoimFrame, ABatchIsPushedAsTheFramesThatItIs) {
  const std::string frame = LoadVector("goim_push_tcp");
  EXPECT_EQ(Prefix(Encoding::kGoimTcp, 9, frame.size(), true), "");
  EXPECT_EQ(Prefix(Encoding::kGoimWebSocket, 9, frame.size(), true) + frame,
            LoadVector("goim_push_ws"));
}

TEST(GoimFrame, WebSocketPushesChangeTheirLengthFormAtItsLimits) {
  const auto header = [](size_t body_bytes) {
    const std::string prefix = Prefix(Encoding::kGoimWebSocket, 1, body_bytes, false);
    return prefix.substr(0, prefix.size() - 2 * kGoimHeaderBytes);
  };
  EXPECT_EQ(header(125 - 32), ParseVector("82 7d"));
  EXPECT_EQ(header(126 - 32), ParseVector("82 7e 007e"));
  EXPECT_EQ(header(65535 - 32), ParseVector("82 7e ffff"));
  EXPECT_EQ(header(65536 - 32), ParseVector("82 7f 0000000000010000"));
  EXPECT_EQ(header(kGoimBodyBytesMax), ParseVector("82 7f 0000000040000020"));
}

TEST(GoimFrameDeathTest, ABodyAboveTheLimitIsAProgrammersError) {
  char prefix[kPushPrefixBytesMax];
  EXPECT_DEATH(WritePushPrefix(Encoding::kGoimTcp, 1, kGoimBodyBytesMax + 1, false, prefix),
               "assertion failed");
}

TEST(GoimFrame, KnowsABatchFromAnythingElse) {
  const std::string frame = LoadVector("goim_push_tcp");
  EXPECT_TRUE(IsGoimBatch(frame));
  EXPECT_TRUE(IsGoimBatch(frame + LoadVector("goim_auth_reply") + frame));
  EXPECT_FALSE(IsGoimBatch(""));
  EXPECT_FALSE(IsGoimBatch(frame + "x"));
  for (size_t bytes = 1; bytes < frame.size(); ++bytes) {
    EXPECT_FALSE(IsGoimBatch(frame.substr(0, bytes)));
    EXPECT_FALSE(IsGoimBatch(frame + frame.substr(0, bytes)));
  }
  EXPECT_FALSE(IsGoimBatch(frame + ParseVector("0000000f 0010 0001 00000001 00000000")));
  EXPECT_FALSE(IsGoimBatch(ParseVector("00000010 0011 0001 00000001 00000000")));
}

struct OpList {
  bool good = false;
  std::vector<int32_t> ops;
};

OpList Ops(std::string_view text) {
  static int32_t ops[kOpListMax];
  size_t count = 0;
  OpList list;
  list.good = ParseOpList(text, ops, &count);
  if (list.good) list.ops.assign(ops, ops + count);
  return list;
}

TEST(GoimFrame, ParsesListsOfOpsAsGoDoes) {
  const struct {
    std::string_view text;
    std::vector<int32_t> ops;
  } kGood[] = {
      {"", {}},
      {"0", {0}},
      {"1000,1001", {1000, 1001}},
      {"-1,+2,-0", {-1, 2, 0}},
      {"007,7", {7, 7}},
      {"2147483647,-2147483648", {2147483647, -2147483647 - 1}},
  };
  for (const auto& row : kGood) {
    EXPECT_TRUE(Ops(row.text).good) << row.text;
    EXPECT_EQ(Ops(row.text).ops, row.ops) << row.text;
  }
  for (const char* text : {",", "1,", ",1", "1,,2", " 1", "1 ", "1, 2", "+", "-", "+-1", "-+1",
                           "--1", "++1", "0x10", "1_0", "1.0", "1e3", "a", "2147483648",
                           "-2147483649", "99999999999999999999", "1;2", "1,2\n"}) {
    EXPECT_FALSE(Ops(text).good) << text;
  }
  EXPECT_FALSE(Ops(std::string_view("1\0", 2)).good);
}

TEST(GoimFrame, TakesAsManyOpsAsTheLimitAndNotOneMore) {
  std::string text = "5";
  for (size_t i = 1; i < kOpListMax; ++i) text += ",5";
  EXPECT_EQ(Ops(text).ops.size(), kOpListMax);
  EXPECT_FALSE(Ops(text + ",5").good);
}

}  // namespace
}  // namespace halley::wire
