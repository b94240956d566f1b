#include "session/client_session.h"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "session/session_feed.h"
#include "wire/decoder_test.h"
#include "wire/vectors.h"

namespace halley::session {
namespace {

using testing::ClientFrame;
using testing::Goim;
using testing::kUpgradeRequest;
using testing::SessionDecoder;
using testing::Upgraded;
using wire::CloseReason;
using wire::Inbox;
using wire::testing::CheckDecoder;
using wire::testing::LoadVector;
using wire::testing::ParseVector;

// Sessions travel between shards by value, unread bytes beside them.
static_assert(std::is_trivially_copyable_v<ClientSession>);

Inbox InboxOf(std::string* bytes) { return {bytes->data(), bytes->data() + bytes->size()}; }

TEST(ClientSession, TellsAWholeGoimSessionOnTcp) {
  EXPECT_EQ(CheckDecoder(SessionDecoder(Transport::kTcp), LoadVector("goim_tcp_session")),
            "auth 1/7/7 \"{\"mid\":123,\"room_id\":\"live://1000\","
            "\"accepts\":[1000,1001,1002],\"key\":\"\"}\"\n"
            "heartbeat 0/2/8\n"
            "heartbeat 1/3/9\n"
            "room 1/12/10 \"live://1001\"\n"
            "sub 1/14/11 \"1003,1004\"\n"
            "unsub 1/16/12 \"1003\"\n"
            "room 1/12/13\n"
            "message 1/1000/14 \"hello\"\n"
            "message 1/7/15 \"{}\"\n"
            "message 1/9/16\n");
}

TEST(ClientSession, EveryOpThatIsNoCommandIsAMessage) {
  for (const int32_t op : {-1, 0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 18, 1000, 2147483647}) {
    EXPECT_EQ(CheckDecoder(SessionDecoder(Transport::kTcp), Goim(7, 1) + Goim(op, 2, "b")),
              "auth 1/7/1\nmessage 1/" + std::to_string(op) + "/2 \"b\"\n");
  }
}

TEST(ClientSession, ANewTokenIsOneWhereTheyAreTaken) {
  const SessionLimits limits{.refreshes = true};
  EXPECT_EQ(CheckDecoder(SessionDecoder(Transport::kTcp, limits),
                         Goim(18, 1, "early") + Goim(7, 2) + Goim(18, 3, "t") + Goim(19, 4, "t")),
            "auth 1/7/2\nrefresh 1/18/3 \"t\"\nmessage 1/19/4 \"t\"\n");
  EXPECT_EQ(CheckDecoder(testing::LoggedIn(limits), ClientFrame(0x82, Goim(18, 3, "t"))),
            "refresh 1/18/3 \"t\"\n");
  EXPECT_EQ(CheckDecoder(testing::UpgradedJson(limits).After(ClientFrame(0x81, R"({"op":7})")),
                         ClientFrame(0x81, R"({"op":18,"seq":3,"body":"t"})")),
            "refresh 0/18/3 \"t\"\n");
  // goim v1's clients know nothing of it.
  EXPECT_EQ(CheckDecoder(SessionDecoder(Transport::kGoimV1Tcp, limits), Goim(7, 1) + Goim(18, 2)),
            "auth 1/7/1\nclose bad_frame\n");
}

// goim skips them too: heartbeats and commands before login reach nobody.
TEST(ClientSession, BeforeLoginOnlyTheLoginCounts) {
  std::string frames;
  for (int32_t op = -2; op < 30; ++op) {
    if (op != wire::op::kAuth) frames += Goim(op, 1, "body");
  }
  EXPECT_EQ(CheckDecoder(SessionDecoder(Transport::kTcp), frames + Goim(7, 3, "t") + Goim(2, 4)),
            "auth 1/7/3 \"t\"\nheartbeat 1/2/4\n");
}

TEST(ClientSession, TakesTheLargestFrameAndNoLarger) {
  const SessionLimits limits{.frame_body_bytes = 100};
  const SessionDecoder decoder(Transport::kTcp, limits);
  const std::string body(100, 'b');
  EXPECT_EQ(CheckDecoder(decoder, Goim(7, 1, body)), "auth 1/7/1 \"" + body + "\"\n");
  EXPECT_EQ(CheckDecoder(decoder, Goim(7, 1, body + "b")), "close frame_too_big\n");
}

TEST(ClientSession, IsAuthenticatedOnceTheLoginWasAccepted) {
  ClientSession session(Transport::kTcp);
  std::string bytes = Goim(7, 1, "token");
  std::string out;
  Inbox inbox = InboxOf(&bytes);
  EXPECT_EQ(session.Next(&inbox, {}, &out).kind, EventKind::kAuthenticate);
  EXPECT_EQ(inbox.size(), 0u);
  EXPECT_FALSE(session.authenticated());
  session.OnAuthenticated();
  EXPECT_TRUE(session.authenticated());
}

// An inbox that is full must always have an answer in it. Each stream is shown in full and one byte
// short: the limit is neither too small nor larger than it need be.
void ExpectExactInboxLimit(const SessionDecoder& decoder, const std::string& stream) {
  ASSERT_EQ(stream.size(), decoder.inbox_bytes_max());
  for (const size_t missing : {size_t{0}, size_t{1}}) {
    ClientSession session = decoder.session;
    std::string bytes = stream.substr(0, stream.size() - missing);
    std::string out;
    Inbox inbox = InboxOf(&bytes);
    const EventKind kind = session.Next(&inbox, decoder.limits, &out).kind;
    EXPECT_EQ(kind == EventKind::kNeedMore, missing == 1);
  }
}

TEST(ClientSession, TheInboxLimitIsExactForAFrame) {
  const SessionLimits limits{.frame_body_bytes = 9000, .message_bytes = 1, .upgrade = {.header_bytes_max = 1}};
  const SessionDecoder decoder(Transport::kTcp, limits);
  ExpectExactInboxLimit(decoder, Goim(7, 1, std::string(9000, 'b')));
}

TEST(ClientSession, TheInboxLimitIsExactForASubscription) {
  const SessionLimits limits{.frame_body_bytes = 9000, .message_bytes = 1, .upgrade = {.header_bytes_max = 1}};
  const SessionDecoder decoder(Transport::kGopush, limits);
  ExpectExactInboxLimit(decoder, "*1\r\n$9003\r\n" + std::string(9003, 'b') + "\r\n");
}

TEST(ClientSession, TheInboxLimitIsExactForARequest) {
  const SessionLimits limits{.upgrade = {.header_bytes_max = 12000}};
  const SessionDecoder decoder(Transport::kWebSocket, limits);
  std::string request(kUpgradeRequest);
  const std::string value(12000 - request.size() - 5, 'x');
  request.insert(request.find("Host"), "X: " + value + "\r\n");
  ExpectExactInboxLimit(decoder, request);
}

const CloseReason kTold[] = {CloseReason::kIdleTimeout,   CloseReason::kAuthRefused,
                             CloseReason::kReplaced,      CloseReason::kKicked,
                             CloseReason::kSlowConsumer,  CloseReason::kStalled,
                             CloseReason::kServerFull,
                             CloseReason::kServerClosing, CloseReason::kInternal};
const CloseReason kNotTold[] = {CloseReason::kNone, CloseReason::kPeerClosed,
                                CloseReason::kPeerReset};

std::string Farewell(ClientSession session, CloseReason reason) {
  std::string out;
  session.AppendFarewell(reason, &out);
  const std::string once = out;
  session.AppendFarewell(CloseReason::kServerClosing, &out);
  EXPECT_EQ(out, once) << "goodbye is said once";
  return out;
}

TEST(ClientSession, SaysNothingOnTcp) {
  for (const CloseReason reason : kTold) {
    EXPECT_EQ(Farewell(ClientSession(Transport::kTcp), reason), "");
  }
}

TEST(ClientSession, SaysGoodbyeWithTheReasonsCode) {
  std::string expected = ParseVector("88 02 0000");
  for (const CloseReason reason : kTold) {
    const uint16_t code = wire::WebSocketCloseCode(reason);
    expected[2] = static_cast<char>(code >> 8);
    expected[3] = static_cast<char>(code);
    EXPECT_EQ(Farewell(Upgraded().session, reason), expected) << CloseReasonName(reason);
  }
  for (const CloseReason reason : kNotTold) EXPECT_EQ(Farewell(Upgraded().session, reason), "");
}

TEST(ClientSession, SaysGoodbyeWhileTheLoginIsPending) {
  SessionDecoder decoder = Upgraded();
  std::string bytes = ClientFrame(0x82, Goim(7, 1));
  std::string out;
  Inbox inbox = InboxOf(&bytes);
  ASSERT_EQ(decoder.session.Next(&inbox, {}, &out).kind, EventKind::kAuthenticate);
  EXPECT_EQ(Farewell(decoder.session, CloseReason::kAuthRefused), ParseVector("88 02 0bb8"));
}

TEST(ClientSession, SaysGoodbyeInHttpWhileTheUpgradeIsUnfinished) {
  for (const CloseReason reason : kTold) {
    const std::string farewell = Farewell(ClientSession(Transport::kWebSocket), reason);
    EXPECT_TRUE(farewell.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << farewell;
  }
  for (const CloseReason reason : kNotTold) {
    EXPECT_EQ(Farewell(ClientSession(Transport::kWebSocket), reason), "");
  }
}

TEST(ClientSession, SaysNothingMoreAfterItClosed) {
  for (std::string bytes : {ClientFrame(0x88, "\x03\xE8"), ClientFrame(0x83, "")}) {
    SessionDecoder decoder = Upgraded();
    std::string out;
    Inbox inbox = InboxOf(&bytes);
    ASSERT_EQ(decoder.session.Next(&inbox, {}, &out).kind, EventKind::kClose);
    EXPECT_EQ(out.size(), 4u);
    EXPECT_EQ(Farewell(decoder.session, CloseReason::kServerClosing), "");
  }
}

TEST(ClientSessionDeathTest, FeedingItOutOfTurnIsAProgrammersError) {
  ClientSession session(Transport::kTcp);
  std::string bytes = Goim(7, 1) + Goim(2, 2);
  std::string out;
  Inbox inbox = InboxOf(&bytes);
  EXPECT_DEATH(session.OnAuthenticated(), "assertion failed");
  ASSERT_EQ(session.Next(&inbox, {}, &out).kind, EventKind::kAuthenticate);
  EXPECT_DEATH(session.Next(&inbox, {}, &out), "assertion failed");
  session.AppendFarewell(CloseReason::kAuthRefused, &out);
  EXPECT_DEATH(session.Next(&inbox, {}, &out), "assertion failed");
}

}  // namespace
}  // namespace halley::session
