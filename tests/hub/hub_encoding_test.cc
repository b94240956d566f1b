// What lanes of each encoding get of the same push.
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hub/hub.h"
#include "wire/permessage_deflate.h"

namespace halley::hub {
namespace {

using wire::Encoding;

constexpr int32_t kOp = 1000;
constexpr uint64_t kDeflateBytes = 200;  // goim's headers are 32 of them

class HubEncodingTest : public ::testing::Test {
 protected:
  HubEncodingTest() : hub_(Limits()) {}

  static HubLimits Limits() {
    HubLimits limits;
    limits.deflate_bytes = kDeflateBytes;
    return limits;
  }

  void Add(uint32_t slot, Encoding encoding) {
    const std::vector<int32_t> ops{kOp};
    hub_.AddChannel({slot, 1, static_cast<int32_t>(slot) + 100, encoding, 0,
                     "key" + std::to_string(slot), ops});
    hub_.JoinRoom(slot, "room");
  }

  // What each slot is sent, all sockets taking everything.
  std::map<uint32_t, std::string> Flush() {
    std::map<uint32_t, std::string> sent;
    std::vector<SendPlan> plans(8);
    for (size_t count = 1; count > 0;) {
      count = hub_.PlanOwn(absl::MakeSpan(plans));
      for (size_t i = 0; i < count; ++i) {
        for (uint32_t part = 0; part < plans[i].parts_count; ++part) {
          sent[plans[i].slot].append(static_cast<const char*>(plans[i].parts[part].iov_base),
                                     plans[i].parts[part].iov_len);
        }
        hub_.SettleOwn(plans[i], static_cast<int64_t>(Hub::PlanBytes(plans[i])));
      }
    }
    Slice slice;
    while (hub_.NextLaneSlice(64, 1, &slice)) {
      for (const base::FanoutTarget& target : slice.targets) {
        for (const iovec& part : slice.span) {
          sent[target.slot].append(static_cast<const char*>(part.iov_base), part.iov_len);
        }
      }
      hub_.CompleteLaneSlice({});
    }
    return sent;
  }

  Hub hub_;
};

// The payload of the one frame that `bytes` are, which is below 64 KiB.
std::string PayloadOf(const std::string& bytes, uint8_t first) {
  EXPECT_EQ(static_cast<uint8_t>(bytes[0]), first);
  const size_t header = bytes[1] == 126 ? 4 : 2;
  return bytes.substr(header);
}

TEST_F(HubEncodingTest, ARoomsMessageIsCompressedForThoseWhoAskedForIt) {
  Add(0, Encoding::kGoimWebSocket);
  for (const uint32_t slot : {1, 2, 3}) Add(slot, Encoding::kGoimWebSocketDeflate);
  const std::string body(1000, 'b');
  for (const bool everyone : {false, true}) {
    const Push push{kOp, false, body};
    EXPECT_EQ(everyone ? hub_.PushAll(push, 0, 1) : hub_.PushRoom("room", push, 1), 4u);
    const auto sent = Flush();
    const std::string plain = PayloadOf(sent.at(0), 0x82);
    EXPECT_EQ(plain.size(), 1032u);
    const std::string compressed = PayloadOf(sent.at(1), 0xc2);
    EXPECT_LT(sent.at(1).size(), 100u);
    std::string_view message;
    ASSERT_EQ(wire::InflateMessage(compressed, 2000, &message), wire::InflateStatus::kDone);
    EXPECT_EQ(message, plain);
    EXPECT_EQ(sent.at(2), sent.at(1));
    EXPECT_EQ(sent.at(3), sent.at(1));
  }
  EXPECT_EQ(hub_.Books().delivered, 8u);
}

TEST_F(HubEncodingTest, ABatchIsCompressedAsItIs) {
  Add(0, Encoding::kGoimWebSocketDeflate);
  const std::string batch(400, 'f');  // whatever it is: the hub does not look
  hub_.PushRoom("room", {kOp, true, batch}, 1);
  std::string_view message;
  const std::string payload = PayloadOf(Flush().at(0), 0xc2);
  ASSERT_EQ(wire::InflateMessage(payload, 2000, &message), wire::InflateStatus::kDone);
  EXPECT_EQ(message.substr(16), batch);
}

TEST_F(HubEncodingTest, FromTheLimitOnAndWhereItShrinks) {
  Add(0, Encoding::kGoimWebSocketDeflate);
  hub_.PushRoom("room", {kOp, false, std::string(kDeflateBytes - 33, 'b')}, 1);
  EXPECT_EQ(static_cast<uint8_t>(Flush().at(0)[0]), 0x82);
  hub_.PushRoom("room", {kOp, false, std::string(kDeflateBytes - 32, 'b')}, 1);
  EXPECT_EQ(static_cast<uint8_t>(Flush().at(0)[0]), 0xc2);
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 1000; ++i) noise += static_cast<char>((x = x * 1664525 + 1) >> 24);
  hub_.PushRoom("room", {kOp, false, noise}, 1);
  EXPECT_EQ(PayloadOf(Flush().at(0), 0x82).substr(32), noise);
}

// Beside clients of every other kind, from one push.
TEST_F(HubEncodingTest, AClientThatSpeaksJsonGetsText) {
  Add(0, Encoding::kJsonWebSocket);
  Add(1, Encoding::kGoimWebSocket);
  Add(2, Encoding::kGoimTcp);
  const Push push{kOp, false, "say \"hi\""};
  const std::string text = R"({"op":1000,"body":"say \"hi\""})";
  hub_.PushRoom("room", push, 1);
  EXPECT_EQ(PayloadOf(Flush().at(0), 0x81), text);
  hub_.PushAll(push, 0, 1);
  const auto sent = Flush();
  EXPECT_EQ(PayloadOf(sent.at(0), 0x81), text);
  EXPECT_EQ(PayloadOf(sent.at(1), 0x82).substr(32), push.body);
  EXPECT_EQ(sent.at(2).substr(16), push.body);
  EXPECT_EQ(hub_.PushKey("key0", push).taken, 1u);
  EXPECT_EQ(PayloadOf(Flush().at(0), 0x81), text);
  EXPECT_EQ(hub_.Books().delivered, 7u);
}

// Both kinds from one push: each is compressed for itself, and once.
TEST_F(HubEncodingTest, JsonIsCompressedForThoseWhoAskedForIt) {
  Add(0, Encoding::kGoimWebSocketDeflate);
  Add(1, Encoding::kJsonWebSocket);
  Add(2, Encoding::kJsonWebSocketDeflate);
  Add(3, Encoding::kJsonWebSocketDeflate);
  const std::string body(1000, 'b');
  const std::string json = R"({"op":1000,"body":")" + body + "\"}";
  hub_.PushRoom("room", {kOp, false, body}, 1);
  const auto sent = Flush();
  EXPECT_EQ(PayloadOf(sent.at(1), 0x81), json);
  std::string_view message;
  const std::string compressed = PayloadOf(sent.at(2), 0xc1);
  ASSERT_EQ(wire::InflateMessage(compressed, 2000, &message), wire::InflateStatus::kDone);
  EXPECT_EQ(message, json);
  EXPECT_EQ(sent.at(3), sent.at(2));
  const std::string frames = PayloadOf(sent.at(0), 0xc2);
  ASSERT_EQ(wire::InflateMessage(frames, 2000, &message), wire::InflateStatus::kDone);
  EXPECT_EQ(message.substr(32), body);

  const std::string around = R"({"op":1000,"body":""})";
  hub_.PushRoom("room", {kOp, false, std::string(kDeflateBytes - around.size() - 1, 'b')}, 1);
  EXPECT_EQ(static_cast<uint8_t>(Flush().at(2)[0]), 0x81) << "the limit is the text's";
  hub_.PushRoom("room", {kOp, false, std::string(kDeflateBytes - around.size(), 'b')}, 1);
  EXPECT_EQ(static_cast<uint8_t>(Flush().at(2)[0]), 0xc1);
  hub_.PushKey("key2", {kOp, false, body});
  EXPECT_EQ(PayloadOf(Flush().at(2), 0x81), json) << "for one client it goes as it is";
  EXPECT_EQ(hub_.Books().delivered, hub_.Books().expected);
}

TEST_F(HubEncodingTest, WhatIsForOneClientGoesAsItIs) {
  Add(0, Encoding::kGoimWebSocketDeflate);
  EXPECT_EQ(hub_.PushKey("key0", {kOp, false, std::string(1000, 'b')}).taken, 1u);
  EXPECT_EQ(PayloadOf(Flush().at(0), 0x82).size(), 1032u);
}

// One text, and what each client has around it.
TEST_F(HubEncodingTest, EventStreamsGetTheSameJson) {
  Add(0, Encoding::kJsonWebSocket);
  Add(1, Encoding::kEventStream);
  hub_.PushRoom("room", {kOp, false, "a\nb"}, 1);
  const std::string json = "{\"op\":1000,\"body\":\"a\\u000ab\"}";
  auto sent = Flush();
  EXPECT_EQ(PayloadOf(sent.at(0), 0x81), json);
  EXPECT_EQ(sent.at(1), "event: push\ndata: " + json + "\n\n");

  hub_.PushKey("key1", {kOp, false, ""});
  EXPECT_EQ(Flush().at(1), "event: push\ndata: {\"op\":1000}\n\n");
}

// Whose protocol knows no ops gets them all, each message with a number of its own.
TEST_F(HubEncodingTest, GopushClientsGetEveryOpWithAscendingIds) {
  hub_.SetTime(5);  // of a hub whose clock began in 1970
  for (const uint32_t slot : {0, 1}) {
    const Encoding encoding = slot == 0 ? Encoding::kGopushTcp : Encoding::kGopushTcpText;
    hub_.AddChannel({slot, 1, static_cast<int32_t>(slot) + 100, encoding, 0, "key", {},
                     /*every_op=*/true});
  }
  EXPECT_EQ(hub_.PushKey("key", {-7, false, "1"}).taken, 2u);
  EXPECT_EQ(hub_.PushAll({kOp, false, "2"}, 0, 5), 2u);
  auto sent = Flush();
  EXPECT_EQ(sent.at(0), "$28\r\n{\"msg\":1,\"mid\":5000,\"gid\":0}\r\n"
                        "$28\r\n{\"msg\":2,\"mid\":5001,\"gid\":0}\r\n");
  EXPECT_EQ(sent.at(1), "$30\r\n{\"msg\":\"1\",\"mid\":5000,\"gid\":0}\r\n"
                        "$30\r\n{\"msg\":\"2\",\"mid\":5001,\"gid\":0}\r\n");
  for (const uint32_t slot : {0, 1}) hub_.RemoveChannel(slot);
  EXPECT_EQ(hub_.PushAll({kOp, false, "3"}, 0, 5), 0u);
}

TEST_F(HubEncodingTest, GopushersClientsGetBodiesAsTheyAre) {
  hub_.AddChannel({0, 1, 100, Encoding::kGopusher, 0, "key", {}, /*every_op=*/true});
  EXPECT_EQ(hub_.PushKey("key", {-7, false, "one"}).taken, 1u);
  EXPECT_EQ(hub_.PushAll({kOp, false, "\xFF\x01"}, 0, 5), 1u);
  EXPECT_EQ(hub_.PushAll({kOp, false, ""}, 0, 5), 1u);
  EXPECT_EQ(Flush().at(0), std::string("\x81\x03one\x82\x02\xFF\x01\x81\x00", 11));
  std::string batch;
  for (const std::string body : {"two", "three"}) {
    char header[wire::kGoimHeaderBytes];
    wire::WriteGoimHeader(header, 1, kOp, 0, body.size());
    batch.append(header, sizeof header).append(body);
  }
  EXPECT_EQ(hub_.PushKey("key", {kOp, true, batch}).taken, 1u);
  EXPECT_EQ(Flush().at(0), "\x81\x03two\x81\x05three");
  const std::string large(70'000, 'x');
  EXPECT_EQ(hub_.PushAll({kOp, false, large}, 0, 5), 1u);
  EXPECT_EQ(Flush().at(0), std::string("\x81\x7F\0\0\0\0\0\x01\x11\x70", 10) + large);
}

// Each as one message, in the layout of its kind, whatever the op.
TEST_F(HubEncodingTest, GoimV1sClientsGetOp5) {
  const Encoding kEncodings[] = {Encoding::kGoimV1Tcp, Encoding::kGoimV1WebSocket,
                                 Encoding::kGoimV1JsonArray, Encoding::kGoimV1Json};
  for (uint32_t slot = 0; slot < 4; ++slot) {
    hub_.AddChannel({slot, 1, static_cast<int32_t>(slot) + 100, kEncodings[slot], 9, "key", {},
                     /*every_op=*/true});
    hub_.JoinRoom(slot, "room");
  }
  Add(4, Encoding::kGoimTcp);
  const std::string head("\0\0\0\x11\0\x10\0\1\0\0\0\5\0\0\0\0", 16);
  const std::string json = R"({"ver":1,"op":5,"seq":0,"body":7})";
  const Push push{kOp, false, "7"};
  const auto expect = [&](uint64_t taken, uint64_t wanted) {
    EXPECT_EQ(taken, wanted);
    auto sent = Flush();
    EXPECT_EQ(sent.at(0), head + "7");
    EXPECT_EQ(PayloadOf(sent.at(1), 0x82), head + "7");
    EXPECT_EQ(PayloadOf(sent.at(2), 0x81), "[" + json + "]");
    EXPECT_EQ(PayloadOf(sent.at(3), 0x81), json);
  };
  expect(hub_.PushRoom("room", push, 1), 5);
  expect(hub_.PushAll({-1, false, "7"}, 0, 1), 4);
  expect(hub_.PushKey("key", push).taken, 4);
  expect(hub_.PushMid(9, {1, false, "7"}).taken, 4);

  std::string frame(head + "7");
  frame[11] = 9;
  expect(hub_.PushRoom("room", {kOp, true, frame}, 1), 5);
  hub_.PushRoom("room", {kOp, true, frame + frame}, 1);
  auto sent = Flush();
  EXPECT_EQ(sent.at(0), head + "7" + head + "7");
  EXPECT_EQ(PayloadOf(sent.at(1), 0x82), head + "7" + head + "7");
  EXPECT_EQ(PayloadOf(sent.at(2), 0x81), "[" + json + "," + json + "]");
  EXPECT_EQ(sent.at(3), "\x81\x21" + json + "\x81\x21" + json);
  EXPECT_EQ(hub_.Books().expected, hub_.Books().delivered);
}

TEST(MessageIds, AscendWhateverTheClockDoes) {
  MessageIds ids;
  EXPECT_EQ(ids.Take(1), 1u);
  ids.SetTime(2);
  EXPECT_EQ(ids.Take(3), 2000u);
  EXPECT_EQ(ids.Take(1), 2003u);
  ids.SetTime(1);
  EXPECT_EQ(ids.Take(1), 2004u);
  ids.SetTime(3);
  EXPECT_EQ(ids.Take(1), 3000u);
}

// A body may be several times as long as text. What cannot be sent at once is refused.
TEST_F(HubEncodingTest, TheLimitOfATextIsExact) {
  Add(0, Encoding::kJsonWebSocket);
  Add(1, Encoding::kGoimTcp);
  const size_t around = std::string("{\"op\":1000,\"body\":\"\"}").size() + 10;  // of a frame
  const std::string fits(kMessageBytesMax - around, 'x');
  EXPECT_EQ(hub_.PushRoom("room", {kOp, false, fits}, 1), 2u);
  EXPECT_EQ(Flush().at(0).size(), kMessageBytesMax);
  EXPECT_EQ(hub_.PushRoom("room", {kOp, false, fits + 'x'}, 1), 1u);
  EXPECT_EQ(hub_.PushRoom("room", {kOp, false, std::string(262'144, '\x01')}, 1), 1u);
  EXPECT_EQ(hub_.Books().refused, 2u);
  EXPECT_EQ(Flush().count(0), 0u);
  EXPECT_EQ(hub_.Books().expected, hub_.Books().delivered);
}

}  // namespace
}  // namespace halley::hub
