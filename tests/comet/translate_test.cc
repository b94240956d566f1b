#include "comet/translate.h"

#include <string>

#include "gtest/gtest.h"

namespace halley::comet {
namespace {

using std::string_literals::operator""s;

goim::protocol::Proto ProtoOf(int32_t op, const std::string& body, int32_t ver = 1, int32_t seq = 0) {
  goim::protocol::Proto proto;
  proto.set_ver(ver);
  proto.set_op(op);
  proto.set_seq(seq);
  proto.set_body(body);
  return proto;
}

void ExpectRefused(const goim::protocol::Proto& proto, const std::string& sentence) {
  const auto message = MessageOf(proto, 1000);
  EXPECT_EQ(message.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(message.status().message()), sentence);
}

TEST(Translate, RawIsABatchThatGoesAsItIs) {
  const auto message = MessageOf(ProtoOf(9, "frames"), 1000);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(message->batch);
  EXPECT_EQ(message->op, 1000);
  EXPECT_EQ(message->body, "frames");
}

TEST(Translate, AnOrdinaryMessageIsAPush) {
  const auto message = MessageOf(ProtoOf(1000, "hi"), 1000);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_FALSE(message->batch);
  EXPECT_EQ(message->op, 1000);
  EXPECT_EQ(message->body, "hi");
}

TEST(Translate, OneThatIsNotAsTheNodeWouldWriteItComesFramed) {
  const auto message = MessageOf(ProtoOf(1001, "hi", 2, 7), 1000);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(message->batch);
  EXPECT_EQ(message->op, 1000);
  EXPECT_EQ(message->body, "\0\0\0\x12\0\x10\0\x02\0\0\x03\xe9\0\0\0\x07hi"s);
  // Each of the three alone.
  EXPECT_TRUE(MessageOf(ProtoOf(1001, ""), 1000)->batch);
  EXPECT_TRUE(MessageOf(ProtoOf(1000, "", 0), 1000)->batch);
  EXPECT_TRUE(MessageOf(ProtoOf(1000, "", 1, 1), 1000)->batch);
}

TEST(Translate, AVersionFitsIntoItsBits) {
  EXPECT_TRUE(MessageOf(ProtoOf(1000, "", -32768), 1000).ok());
  EXPECT_TRUE(MessageOf(ProtoOf(1000, "", 32767), 1000).ok());
  ExpectRefused(ProtoOf(1000, "", 32768), "ver 32768 does not fit into a frame's 16 bits: use 1");
  ExpectRefused(ProtoOf(1000, "", -32769), "ver -32769 does not fit into a frame's 16 bits: use 1");
}

TEST(Translate, OpsOfTheProtocolAreNobodysToPush) {
  for (const int32_t op : {2, 3, 7, 8, 12, 13, 14, 15, 16, 17}) {
    ExpectRefused(ProtoOf(op, "x"), "op " + std::to_string(op) +
                                        " belongs to goim's own protocol: use another, such as 1000");
  }
  for (const int32_t op : {0, 1, 4, 6, 10, 11, 18, -1}) {
    EXPECT_TRUE(MessageOf(ProtoOf(op, "x"), op).ok()) << op;
  }
}

}  // namespace
}  // namespace halley::comet
