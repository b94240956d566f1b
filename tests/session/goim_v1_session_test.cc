// goim v1's clients: frames on TCP, and what the first message on WebSocket says is spoken there.
#include <gtest/gtest.h>

#include <string>

#include "session/client_session.h"
#include "session/session_feed.h"
#include "wire/decoder_test.h"
#include "wire/goim_v1.h"
#include "wire/vectors.h"

namespace halley::session {
namespace {

using testing::ClientFrame;
using testing::Goim;
using testing::Hex;
using testing::kUpgradeRequest;
using testing::SessionDecoder;
using wire::CloseReason;
using wire::Encoding;
using wire::testing::CheckDecoder;
using wire::testing::LoadVector;

const std::string kAsked = "auth 1/7/1 \"123\"\n";
const std::string kAuth = Goim(7, 1, "123");

std::string Told(const std::string& stream, const SessionLimits& limits = {}) {
  return CheckDecoder(SessionDecoder(Transport::kGoimV1Tcp, limits), stream);
}

SessionDecoder OnWebSocket(const SessionLimits& limits = {}) {
  return SessionDecoder(Transport::kGoimV1WebSocket, limits).After(std::string(kUpgradeRequest));
}
std::string ToldOnWebSocket(const std::string& stream, const SessionLimits& limits = {}) {
  return CheckDecoder(OnWebSocket(limits), stream);
}

std::string Text(std::string_view json) { return ClientFrame(0x81, json); }
const std::string kJsonAuth = Text(R"({"ver":1,"op":7,"seq":1,"body":"123"})");

TEST(GoimV1Session, LogsInAndBeats) {
  EXPECT_EQ(Told(kAuth), kAsked);
  EXPECT_EQ(Told(kAuth + Goim(2, 2) + Goim(2, 3, "x")),
            kAsked + "heartbeat 1/2/2\nheartbeat 1/2/3 \"x\"\n");
  EXPECT_EQ(Told(Goim(7, 0)), "auth 1/7/0\n") << "what is a token, the backend says";
}

TEST(GoimV1Session, TheFirstFrameIsTheLogin) {
  for (const int32_t op : {0, 1, 2, 4, 8, 9, 254}) {
    EXPECT_EQ(Told(Goim(op, 1) + kAuth), "close bad_frame\n") << op;
  }
}

TEST(GoimV1Session, KnowsFewOps) {
  EXPECT_EQ(Told(kAuth + Goim(4, 2, "sms")), kAsked + "message 1/4/2 \"sms\"\n");
  EXPECT_EQ(Told(kAuth + Goim(254, 3) + Goim(2, 4)),
            kAsked + "output > " + Hex(Goim(255, 3, "{\"test\":\"come on\"}")) +
                "\nheartbeat 1/2/4\n");
  for (const int32_t op : {-1, 0, 3, 5, 6, 7, 9, 11, 12, 14, 16, 255, 1000}) {
    EXPECT_EQ(Told(kAuth + Goim(op, 1)), kAsked + "close bad_frame\n") << op;
  }
}

TEST(GoimV1Session, TheLimitOfABodyIsExact) {
  const std::string largest(wire::kGoimV1BodyBytesMax, 'b');
  EXPECT_EQ(Told(kAuth + Goim(4, 1, largest)), kAsked + "message 1/4/1 \"" + largest + "\"\n");
  EXPECT_EQ(Told(kAuth + Goim(4, 1, largest + 'b')), kAsked + "close frame_too_big\n");
  const SessionLimits limits{.frame_body_bytes = 200};
  EXPECT_EQ(Told(Goim(7, 1, largest.substr(0, 201)), limits), "close frame_too_big\n");
  const std::string json = "{\"op\":4,\"body\":\"" + largest + "\"}";
  EXPECT_EQ(ToldOnWebSocket(kJsonAuth + Text(json)),
            kAsked + "message 0/4/0 \"" + largest + "\"\n");
  EXPECT_EQ(ToldOnWebSocket(kJsonAuth + Text(std::string(json).insert(20, "b"))),
            kAsked + "close frame_too_big > 880203f1\n");
}

TEST(GoimV1Session, TheFirstMessageSaysWhatIsSpoken) {
  const std::string test = R"({"ver":1,"op":254,"seq":3})";
  const std::string object = R"({"ver":1,"op":255,"seq":3,"body":{"test":"come on"}})";
  EXPECT_EQ(ToldOnWebSocket(ClientFrame(0x82, kAuth) + ClientFrame(0x82, Goim(254, 3))),
            kAsked + "output > " + Hex("\x82\x22" + Goim(255, 3, "{\"test\":\"come on\"}")) + "\n");
  EXPECT_EQ(ToldOnWebSocket(kJsonAuth + Text(test)),
            kAsked + "output > " + Hex("\x81\x36[" + object + "]") + "\n");
  EXPECT_EQ(ToldOnWebSocket(kJsonAuth + Text(test), {.v1_json_arrays = false}),
            kAsked + "output > " + Hex("\x81\x34" + object) + "\n");
  // Later ones are read as what is spoken, whatever their opcode.
  EXPECT_EQ(ToldOnWebSocket(kJsonAuth + ClientFrame(0x82, R"({"ver":1,"op":2,"seq":2})")),
            kAsked + "heartbeat 1/2/2\n");
  EXPECT_EQ(ToldOnWebSocket(kJsonAuth + ClientFrame(0x82, Goim(2, 2))),
            kAsked + "close bad_frame > 880203f0\n");
}

TEST(GoimV1Session, OnWebSocketTheFirstFrameIsTheLoginToo) {
  EXPECT_EQ(ToldOnWebSocket(ClientFrame(0x82, Goim(2, 1))), "close bad_frame > 880203f0\n");
  EXPECT_EQ(ToldOnWebSocket(Text(R"({"ver":1,"op":2,"seq":1})")), "close bad_frame > 880203f0\n");
  EXPECT_EQ(ToldOnWebSocket(Text(std::string(kAuth))), "close bad_frame > 880203f0\n");
  EXPECT_EQ(ToldOnWebSocket(ClientFrame(0x89, "p") + kJsonAuth), "output > 8a0170\n" + kAsked);
}

TEST(GoimV1Session, ItsListenerHasNothingElse) {
  const auto status = [](std::string target) {
    std::string request(kUpgradeRequest);
    request.replace(request.find("/sub"), 4, target);
    const std::string told = CheckDecoder(SessionDecoder(Transport::kGoimV1WebSocket), request);
    return told.substr(0, told.find("\r\n"));
  };
  EXPECT_EQ(status("/sub"), "upgraded > HTTP/1.1 101 Switching Protocols");
  EXPECT_EQ(status("/sub?key=a&heartbeat=30"), "upgraded > HTTP/1.1 101 Switching Protocols");
  for (const char* target : {"/json", "/sse", "/", "/halley.js"}) {
    EXPECT_EQ(status(target), "close bad_handshake > HTTP/1.1 404 Not Found") << target;
  }
}

TEST(GoimV1Session, FarewellsAreOfTheTransport) {
  const auto farewell = [](ClientSession session) {
    std::string out;
    session.AppendFarewell(CloseReason::kKicked, &out);
    return out;
  };
  EXPECT_EQ(farewell(ClientSession(Transport::kGoimV1Tcp)), "");
  EXPECT_EQ(Hex(farewell(OnWebSocket().session)), "88020bbb");
  EXPECT_TRUE(farewell(ClientSession(Transport::kGoimV1WebSocket)).starts_with("HTTP/1.1 503 "));
}

TEST(GoimV1Session, TheVectorsAreSessions) {
  EXPECT_EQ(Told(LoadVector("session_v1_tcp").substr(1)),
            kAsked + "heartbeat 1/2/2\nmessage 1/4/3 \"hello\"\noutput > " +
                Hex(Goim(255, 4, "{\"test\":\"come on\"}")) + "\n");
  const std::string told =
      CheckDecoder(SessionDecoder(Transport::kGoimV1WebSocket), LoadVector("session_v1_json").substr(1));
  EXPECT_EQ(told.substr(told.find("auth")),
            kAsked + "heartbeat 1/2/2 \"{}\"\nmessage 1/4/3 \"hello\"\n");
}

}  // namespace
}  // namespace halley::session
