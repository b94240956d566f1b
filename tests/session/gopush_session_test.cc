// gopush-cluster's protocol, on TCP and on WebSocket.
#include <gtest/gtest.h>

#include <string>

#include "session/client_session.h"
#include "session/session_feed.h"
#include "wire/decoder_test.h"

namespace halley::session {
namespace {

using testing::ClientFrame;
using testing::Hex;
using testing::kUpgradeRequest;
using testing::SessionDecoder;
using wire::CloseReason;
using wire::Encoding;
using wire::testing::CheckDecoder;

const std::string kSub = "*3\r\n$3\r\nsub\r\n$4\r\nJohn\r\n$2\r\n30\r\n";
const std::string kAsked = "auth 0/7/0 \"{\"key\":\"John\",\"mid\":0}\"\n";
const std::string kBeat = "heartbeat 0/0/0\n";

std::string Told(const std::string& stream) {
  return CheckDecoder(SessionDecoder(Transport::kGopush), stream);
}

std::string Upgrade(std::string_view query) {
  std::string request(kUpgradeRequest);
  return request.insert(request.find("/sub") + 4, query);
}

// The encoding after the subscription, when it is given up, and its last words for `reason`.
struct Subscribed {
  ClientSession session;
  Event event;
  uint32_t idle_ms = 0;
  std::string out;

  Subscribed(Transport transport, std::string bytes) : session(transport) {
    wire::Inbox inbox{bytes.data(), bytes.data() + bytes.size()};
    event = session.Next(&inbox, {}, &out);
    if (event.opening != nullptr) {
      idle_ms = event.opening->idle_ms;
      EXPECT_EQ(event.opening->answer, "");
    }
  }
  std::string Farewell(CloseReason reason) {
    std::string bytes;
    session.AppendFarewell(reason, &bytes);
    return bytes;
  }
};

TEST(GopushSession, SubscribesAndBeats) {
  EXPECT_EQ(Told(kSub), kAsked);
  EXPECT_EQ(Told(kSub + "h"), kAsked + kBeat) << "what comes along with it is not lost";
  EXPECT_EQ(Told(kSub + "hhh"), kAsked + kBeat + kBeat + kBeat);
  EXPECT_EQ(Told(kSub + "hx"), kAsked + kBeat + "close bad_frame\n");
  EXPECT_EQ(Told(kSub + "\n"), kAsked + "close bad_frame\n");
}

TEST(GopushSession, BadParametersAreAnsweredAndMalformedCommandsAreNot) {
  const std::string refused = "close bad_frame > " + Hex("-p\r\n") + "\n";
  EXPECT_EQ(Told("*1\r\n$3\r\nsub\r\n"), refused);
  EXPECT_EQ(Told("*3\r\n$3\r\nSUB\r\n$4\r\nJohn\r\n$2\r\n30\r\n"), refused);
  EXPECT_EQ(Told("*3\r\n$3\r\nsub\r\n$0\r\n\r\n$2\r\n30\r\n"), refused);
  EXPECT_EQ(Told("*3\r\n$3\r\nsub\r\n$4\r\nJohn\r\n$2\r\n29\r\n"), refused);
  EXPECT_EQ(Told("hello"), "close bad_frame\n");
  EXPECT_EQ(Told("*3\r\n$3\r\nsub\r\n$9999\r\n"), "close frame_too_big\n");
}

TEST(GopushSession, AVersionChoosesValues) {
  const std::string token = "$1\r\nt\r\n";
  const Subscribed text(Transport::kGopush, kSub);
  EXPECT_EQ(text.session.encoding(), Encoding::kGopushTcpText);
  EXPECT_EQ(text.idle_ms, 35'000u);
  std::string versioned = kSub + token + "$1\r\n1\r\n";
  versioned[1] = '5';
  EXPECT_EQ(Subscribed(Transport::kGopush, versioned).session.encoding(), Encoding::kGopushTcp);
  std::string none = kSub + token + "$0\r\n\r\n";
  none[1] = '5';
  EXPECT_EQ(Subscribed(Transport::kGopush, none).session.encoding(), Encoding::kGopushTcpText);

  EXPECT_EQ(Subscribed(Transport::kWebSocket, Upgrade("?key=a&heartbeat=60")).session.encoding(),
            Encoding::kGopushWebSocketText);
  EXPECT_EQ(
      Subscribed(Transport::kWebSocket, Upgrade("?heartbeat=60&ver=1&key=a")).session.encoding(),
      Encoding::kGopushWebSocket);
}

TEST(GopushSession, OnlyAWrongTokenIsTold) {
  Subscribed refused(Transport::kGopush, kSub);
  EXPECT_EQ(refused.Farewell(CloseReason::kAuthRefused), "-a\r\n");
  EXPECT_EQ(refused.Farewell(CloseReason::kAuthRefused), "");
  Subscribed full(Transport::kGopush, kSub);
  EXPECT_EQ(full.Farewell(CloseReason::kDuplicateRefused), "");
  Subscribed kicked(Transport::kGopush, kSub);
  kicked.session.OnAuthenticated();
  EXPECT_EQ(kicked.Farewell(CloseReason::kKicked), "");
  EXPECT_EQ(Subscribed(Transport::kGopush, "*").Farewell(CloseReason::kHandshakeTimeout), "");

  Subscribed websocket(Transport::kWebSocket, Upgrade("?key=a&heartbeat=60"));
  EXPECT_EQ(websocket.Farewell(CloseReason::kAuthRefused),
            std::string("\x81\x04-a\r\n\x88\x02\x0b\xb8", 10));
}

TEST(GopushSession, OnWebSocketTheQuerySubscribes) {
  const std::string beat = ClientFrame(0x81, "h");
  const auto told = [](const std::string& stream) {
    std::string text = CheckDecoder(SessionDecoder(Transport::kWebSocket), stream);
    const size_t answer = text.find(" > HTTP/1.1 101 ");
    EXPECT_NE(answer, std::string::npos) << text;
    const size_t end = text.find("\r\n\r\n") + 4;
    return text.substr(0, answer) + "|" + text.substr(end);
  };
  const std::string asked = "auth 0/7/0 \"{\"key\":\"John\",\"mid\":0,\"token\":\"t t\"}\"|\n";
  const std::string upgrade = Upgrade("?key=J%6fhn&heartbeat=30&token=t+t");
  EXPECT_EQ(told(upgrade + beat + ClientFrame(0x82, "h")),
            asked + "heartbeat 0/2/0\nheartbeat 0/2/0\n");
  EXPECT_EQ(told(upgrade + ClientFrame(0x81, "hh")), asked + "close bad_frame > 880203f0\n");
  EXPECT_EQ(told(upgrade + ClientFrame(0x89, "")), asked + "output > 8a00\n");
  const std::string refused = "close bad_frame|\x81\x04-p\r\n\x88\x02\x03\xf0\n";
  for (const char* query :
       {"?key=&heartbeat=30", "?key=a", "?key=a&heartbeat=29", "?key=%&heartbeat=30"}) {
    EXPECT_EQ(told(Upgrade(query)), refused) << query;
  }
}

}  // namespace
}  // namespace halley::session
