// What halley-load's clients say and hear.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "halley-load/dialect.h"
#include "halley-load/signed_token.h"
#include "wire/decoder_test.h"
#include "wire/permessage_deflate.h"
#include "wire/vectors.h"
#include "wire/websocket.h"

namespace halley::load {
namespace {

using wire::DecodeStatus;
using wire::GoimFrame;
using wire::Inbox;
using wire::testing::CheckDecoder;
using wire::testing::LoadVector;
using wire::testing::ParseVector;
using wire::testing::Step;

std::string Text(std::string_view view) { return std::string(view); }

struct DownlinkDecoder {
  Transport transport;

  Step Next(Inbox* inbox, std::string* transcript) {
    Downlink downlink;
    size_t used = 0;
    switch (NextDownlink(transport, inbox->view(), &downlink, &used)) {
      case DecodeStatus::kMore: return Step::kMore;
      case DecodeStatus::kBad: transcript->append("bad"); return Step::kOver;
      case DecodeStatus::kTooBig: transcript->append("too big"); return Step::kOver;
      case DecodeStatus::kDone: break;
    }
    inbox->begin += used;
    switch (downlink.kind) {
      case DownlinkKind::kPing: absl::StrAppend(transcript, "ping ", Text(downlink.payload)); break;
      case DownlinkKind::kPong: absl::StrAppend(transcript, "pong ", Text(downlink.payload)); break;
      case DownlinkKind::kClose: absl::StrAppend(transcript, "close ", downlink.close_code); break;
      case DownlinkKind::kFrames: {
        std::string frames;
        const bool good = ForEachFrame(downlink.payload, [&](const GoimFrame& frame) {
          absl::StrAppend(&frames, " ", frame.op, "/", frame.seq, "=", Text(frame.body));
        });
        absl::StrAppend(transcript, good ? "frames" : "misframed", frames);
        break;
      }
    }
    transcript->append("; ");
    return Step::kAgain;
  }
  size_t inbox_bytes_max() const { return kMessageBytesMax + wire::kGoimHeaderBytes + 10; }
};

std::string Heard(Transport transport, std::string_view stream) {
  return CheckDecoder(DownlinkDecoder{transport}, stream);
}

std::string Binary(std::string_view payload) {
  std::string message = ParseVector("82");
  if (payload.size() < 126) {
    message.push_back(static_cast<char>(payload.size()));
  } else {
    message += ParseVector("7e");
    message.push_back(static_cast<char>(payload.size() >> 8));
    message.push_back(static_cast<char>(payload.size()));
  }
  return message.append(payload);
}

TEST(Downlink, TcpFramesOneAfterTheOther) {
  EXPECT_EQ(Heard(Transport::kTcp, LoadVector("goim_auth_reply") +
                                       LoadVector("goim_heartbeat_reply_tcp") +
                                       LoadVector("goim_push_tcp")),
            ParseVector("\"frames 8/7=; frames 3/7=\" 00000102 \"; frames 1000/0=hi; \""));
}

TEST(Downlink, WebSocketPushesAreUnwrapped) {
  EXPECT_EQ(Heard(Transport::kWebSocket,
                  LoadVector("goim_heartbeat_reply_ws") + LoadVector("goim_push_ws")),
            ParseVector("\"frames 3/7=\" 00000102 \"; frames 1000/0=hi; \""));
}

TEST(Downlink, ABatchOfSeveral) {
  const std::string one = LoadVector("goim_push_tcp");
  const std::string outer = ParseVector("00000034 0010 0001 00000009 00000000");
  EXPECT_EQ(Heard(Transport::kWebSocket, Binary(outer + one + one)),
            "frames 1000/0=hi 1000/0=hi; ");
}

TEST(Downlink, ABatchWhoseLastFrameIsCutIsMisframed) {
  const std::string one = LoadVector("goim_push_tcp");
  const std::string outer = ParseVector("00000033 0010 0001 00000009 00000000");
  EXPECT_EQ(Heard(Transport::kWebSocket, Binary(outer + one + one.substr(0, 17))),
            "misframed 1000/0=hi; ");
}

TEST(Downlink, AMessageIsOneFrameAndNothingElse) {
  const std::string one = LoadVector("goim_push_tcp");
  EXPECT_EQ(Heard(Transport::kWebSocket, Binary(one + "x")), "misframed; ");
  EXPECT_EQ(Heard(Transport::kWebSocket, Binary(one.substr(0, 17))), "misframed; ");
  EXPECT_EQ(Heard(Transport::kWebSocket, Binary("")), "misframed; ");
}

TEST(Downlink, ControlFrames) {
  EXPECT_EQ(Heard(Transport::kWebSocket, ParseVector("89 02 \"ab\" 8a 00 88 02 03e9")),
            "ping ab; pong ; close 1001; ");
  EXPECT_EQ(Heard(Transport::kWebSocket, ParseVector("88 00")), "close 0; ");
}

TEST(Downlink, LengthsOfAllThreeKinds) {
  for (const size_t body_bytes : {size_t{109}, size_t{110}, size_t{65519}, size_t{65520}}) {
    GoimFrame frame;
    frame.op = 1000;
    const std::string body(body_bytes, 'b');
    frame.body = body;
    std::string message;
    wire::AppendReply(wire::Encoding::kGoimWebSocket, frame, &message);
    Downlink downlink;
    size_t used = 0;
    ASSERT_EQ(NextDownlink(Transport::kWebSocket, message, &downlink, &used), DecodeStatus::kDone);
    EXPECT_EQ(used, message.size());
    EXPECT_EQ(downlink.payload.size(), 16 + body_bytes);
  }
}

TEST(Downlink, InflatesWhereThatWasOffered) {
  const std::string frame = ParseVector("00000012 0010 0001 000003e8 00000007") + "hi";
  std::string deflated;
  wire::DeflateMessage({frame}, &deflated);
  char header[wire::kWsServerHeaderBytesMax];
  const std::string message(
      header, wire::WriteWsDeflatedHeader(wire::WsOpcode::kBinary, deflated.size(), header));
  EXPECT_EQ(Heard(Transport::kWebSocketDeflate, message + deflated), "frames 1000/7=hi; ");
  EXPECT_EQ(Heard(Transport::kWebSocketDeflate, Binary(frame)), "frames 1000/7=hi; ");
  EXPECT_EQ(Heard(Transport::kWebSocket, message + deflated), "bad");
  EXPECT_EQ(Heard(Transport::kWebSocketDeflate, ParseVector("c2 01 ff")), "bad");
  EXPECT_EQ(Heard(Transport::kWebSocketDeflate, ParseVector("c9 00")), "bad") << "a ping";
}

TEST(Downlink, RefusesWhatAServerMustNotSend) {
  const auto heard = [](const char* hex) { return Heard(Transport::kWebSocket, ParseVector(hex)); };
  EXPECT_EQ(heard("82 80 00000000"), "bad") << "masked";
  EXPECT_EQ(heard("02 00"), "bad") << "fragmented";
  EXPECT_EQ(heard("80 00"), "bad") << "continuation";
  EXPECT_EQ(heard("81 00"), "bad") << "text";
  EXPECT_EQ(heard("c2 00"), "bad") << "compressed";
  EXPECT_EQ(heard("82 7e 007d"), "bad") << "two bytes of length for 125";
  EXPECT_EQ(heard("82 7f 000000000000ffff"), "bad") << "eight bytes of length for 65535";
  EXPECT_EQ(heard("82 7f 0000000001000001"), "too big");
  EXPECT_EQ(heard("89 7e 007e"), "bad") << "a ping of 126 bytes";
  EXPECT_EQ(Heard(Transport::kTcp, ParseVector("00000010 0011")), "bad") << "header length 17";
}

struct UpgradeDecoder {
  Step Next(Inbox* inbox, std::string* transcript) {
    size_t used = 0;
    switch (TakeUpgradeAnswer(inbox->view(), &used)) {
      case DecodeStatus::kMore: return Step::kMore;
      case DecodeStatus::kDone: break;
      case DecodeStatus::kBad: transcript->append("bad"); return Step::kOver;
      case DecodeStatus::kTooBig: transcript->append("too big"); return Step::kOver;
    }
    absl::StrAppend(transcript, "upgraded after ", used);
    return Step::kOver;
  }
  size_t inbox_bytes_max() const { return kUpgradeBytesMax; }
};

TEST(UpgradeAnswer, TakenWithWhatFollowsLeftAlone) {
  const std::string answer = LoadVector("ws_upgrade_response");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, answer + "\x82"),
            absl::StrCat("upgraded after ", answer.size()));
}

TEST(UpgradeAnswer, RefusesOtherStatusesAndOtherAccepts) {
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, "HTTP/1.1 404 Not Found\r\n\r\n"), "bad");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, "HTTP/1.1 101 Switching Protocols\r\n\r\n"), "bad");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{},
                         "HTTP/1.1 101 x\r\n"
                         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xO0=\r\n\r\n"),
            "bad");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{},
                         "HTTP/1.1 101 x\r\n" + std::string(kUpgradeBytesMax, 'h')),
            "too big");
}

TEST(Uplink, FramesAreMaskedOnWebSocketAndPlainOnTcp) {
  GoimFrame frame;
  frame.ver = 1;
  frame.op = wire::op::kAuth;
  frame.seq = 1;
  frame.body = "{}";
  std::string tcp, ws;
  AppendUplink(Transport::kTcp, frame, 0, &tcp);
  EXPECT_EQ(tcp, ParseVector("00000012 0010 0001 00000007 00000001 \"{}\""));
  AppendUplink(Transport::kWebSocket, frame, 0x01020304, &ws);
  ASSERT_EQ(ws.substr(0, 6), ParseVector("82 92 01020304"));
  for (size_t i = 0; i < tcp.size(); ++i) {
    EXPECT_EQ(ws[6 + i], static_cast<char>(tcp[i] ^ "\x01\x02\x03\x04"[i % 4]));
  }
}

TEST(Uplink, LongFramesHaveTwoBytesOfLength) {
  GoimFrame frame;
  const std::string body(110, 'b');
  frame.body = body;
  std::string ws;
  AppendUplink(Transport::kWebSocket, frame, 0, &ws);
  EXPECT_EQ(ws.substr(0, 8), ParseVector("82 fe 007e 00000000"));
}

TEST(Uplink, PongsCarryThePing) {
  std::string pong;
  AppendPong("ab", 0, &pong);
  EXPECT_EQ(pong, ParseVector("8a 82 00000000 \"ab\""));
}

TEST(Token, IsWhatGoimsClientsSend) {
  EXPECT_EQ(Token(7, "k", "live://1", {1000, 1001}),
            "{\"mid\":7,\"key\":\"k\",\"room_id\":\"live://1\",\"platform\":\"load\","
            "\"accepts\":[1000,1001]}");
  EXPECT_EQ(Token(0, "k", "", {}),
            "{\"mid\":0,\"key\":\"k\",\"platform\":\"load\",\"accepts\":[]}");
}

// Signed by Python's hmac.
TEST(Token, CanBeSigned) {
  EXPECT_EQ(SignedToken(7, "k", "live://1", {1000, 1001}, 1900000000, "0123456789abcdef0123456789abcdef"),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrIiwibWlkIjo3LCJleHAiOjE5MDAwMDAwMDAsInJvb21faWQ"
            "iOiJsaXZlOi8vMSIsImFjY2VwdHMiOlsxMDAwLDEwMDFdfQ.BnUVBNnbWnidgSszQ4aFLWHO7jZybxXw"
            "DXc4mYewJKM");
  EXPECT_EQ(SignedToken(0, "k", "", {}, 1900000000, "0123456789abcdef0123456789abcdef"),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrIiwibWlkIjowLCJleHAiOjE5MDAwMDAwMDAsImFjY2VwdHM"
            "iOltdfQ.OJ13AdbYbNEoK7MnOu8UIvZ4JSh26bUlRbHG_viUbzk");
}

}  // namespace
}  // namespace halley::load
