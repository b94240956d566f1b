// Gopusher's protocol: the request that is the login, pings and pongs, and messages for nobody.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "session/client_session.h"
#include "session/hostile.h"
#include "session/session_feed.h"
#include "wire/decoder_test.h"
#include "wire/vectors.h"

namespace halley::session::testing {
namespace {

using wire::CloseReason;
using wire::testing::CheckDecoder;
using wire::testing::LoadVector;

SessionLimits Limits() {
  SessionLimits limits;
  limits.gopusher.app.key = "app-key";
  limits.gopusher.app.secret = "correct horse";
  limits.gopusher.app.node = "node-1";
  limits.gopusher.ping_ms = 9000;
  limits.gopusher.pong_timeout_ms = 10'000;
  return limits;
}

std::string Request(std::string_view target) {
  std::string request(kUpgradeRequest);
  return request.replace(request.find("/sub"), 4, target);
}

SessionDecoder New() { return SessionDecoder(Transport::kGopusher, Limits()); }
SessionDecoder In() { return New().After(Request("/ws?c=5&t=x")); }

std::string Told(const std::string& stream) { return CheckDecoder(New(), stream); }

// The session after its request, with what it asked.
struct Asking {
  std::string request;  // `opening` looks at it
  ClientSession session{Transport::kGopusher};
  SessionLimits limits = Limits();
  std::string out;
  Event event;
  Opening opening;

  explicit Asking(std::string asked = Request("/ws?c=5&t=x")) : request(std::move(asked)) {
    wire::Inbox inbox{request.data(), request.data() + request.size()};
    event = session.Next(&inbox, limits, &out);
    if (event.opening != nullptr) opening = *event.opening;
  }
  std::string Farewell(CloseReason reason) {
    std::string bytes;
    session.AppendFarewell(reason, &bytes);
    return bytes;
  }
  EventKind Feed(std::string bytes) {
    wire::Inbox inbox{bytes.data(), bytes.data() + bytes.size()};
    return session.Next(&inbox, limits, &out).kind;
  }
};

TEST(GopusherSession, TheRequestIsTheLoginAndMessagesMeanNothing) {
  EXPECT_EQ(Told(LoadVector("gopusher_request")),
            "auth 0/7/0 \"{\"key\":\"5\",\"mid\":0,\"token\":"
            "\"2FrfQ+Tf2i+aXGR/Jug8M5/rX3ghgysGYtmAp2TMYJ8=\"}\"\nheartbeat 0/0/0\noutput\n");
  EXPECT_EQ(Told(LoadVector("gopusher_request_0")),
            "auth 0/7/0 \"{\"key\":\"5\",\"mid\":0,\"token\":\"t 1\"}\"\nheartbeat 0/0/0\noutput\n");
}

TEST(GopusherSession, EveryPathIsTheirs) {
  for (const char* path : {"/", "/sub", "/json", "/sse", "/ws", "/halley.js", "/a/b", "*"}) {
    EXPECT_EQ(Told(Request(std::string(path) + "?c=5&t=x")),
              "auth 0/7/0 \"{\"key\":\"5\",\"mid\":0,\"token\":\"x\"}\"\n")
        << path;
  }
}

TEST(GopusherSession, TheAnswerWaitsForTheLogin) {
  std::string request = LoadVector("gopusher_request");
  request.insert(request.find("Connection:"), "Cookie: sid=1\r\n"
                                              "Sec-WebSocket-Protocol: goim\r\n"
                                              "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  Asking asking(request);
  ASSERT_EQ(asking.event.kind, EventKind::kAuthenticate);
  EXPECT_EQ(asking.out, "");
  EXPECT_EQ(asking.opening.cookie, "sid=1");
  EXPECT_EQ(asking.opening.idle_ms, 9000u);
  EXPECT_EQ(asking.opening.signed_at_s, 1'700'000'000u);
  EXPECT_EQ(asking.opening.answer, LoadVector("ws_upgrade_response")) << "nothing is agreed on";
  EXPECT_EQ(asking.session.encoding(), wire::Encoding::kGopusher);
  EXPECT_EQ(Asking().opening.signed_at_s, std::nullopt);
}

TEST(GopusherSession, RefusalsHaveGopushersStatus) {
  const std::string unauthorized = "close auth_refused > HTTP/1.1 401 Unauthorized\r\n";
  for (const char* query : {"", "?", "?c=5", "?client_id=5&time=1700000000&token=x", "?c=%&t=x"}) {
    const std::string told = Told(Request(std::string("/ws") + query));
    EXPECT_TRUE(told.starts_with(unauthorized)) << told;
    EXPECT_NE(told.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
  }
  const struct {
    CloseReason reason;
    const char* status;
  } kRows[] = {{CloseReason::kAuthRefused, "401"},     {CloseReason::kDuplicateRefused, "400"},
               {CloseReason::kAuthUnavailable, "503"}, {CloseReason::kHandshakeTimeout, "503"},
               {CloseReason::kServerClosing, "503"},   {CloseReason::kMoveFailed, "503"}};
  for (const auto& row : kRows) {
    Asking asking;
    const std::string answer = asking.Farewell(row.reason);
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + row.status)) << answer;
    EXPECT_EQ(answer.find("Retry-After") != std::string::npos, std::string(row.status) == "503");
    EXPECT_EQ(asking.Farewell(row.reason), "") << "once";
  }
  ClientSession full(Transport::kGopusher);
  std::string answer;
  full.AppendFarewell(CloseReason::kServerFull, &answer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 "));
}

TEST(GopusherSession, AfterTheAnswerAFarewellIsAFrame) {
  Asking asking;
  asking.session.OnAuthenticated();
  EXPECT_EQ(Hex(asking.Farewell(CloseReason::kKicked)), "88020bbb");
}

// A ping nine seconds after the login or a pong, and one second to answer it.
TEST(GopusherSession, OnlyAPongKeepsIt) {
  Asking asking;
  asking.session.OnAuthenticated();
  const auto silence = [&] {
    std::string ping;
    const Silence result = asking.session.OnSilence(asking.limits, &ping);
    EXPECT_EQ(Hex(ping), result.next_ms == 0 ? "" : "8900");
    EXPECT_EQ(result.asks, result.next_ms != 0);
    return result.next_ms;
  };
  EXPECT_EQ(silence(), 1000u);
  EXPECT_EQ(asking.Feed(ClientFrame(0x8A, "")), EventKind::kHeartbeat);
  EXPECT_EQ(silence(), 1000u);
  EXPECT_EQ(asking.Feed(ClientFrame(0x8A, "whatever")), EventKind::kHeartbeat);
  EXPECT_EQ(silence(), 1000u);
  EXPECT_EQ(asking.Feed(ClientFrame(0x81, "data")), EventKind::kOutput);
  EXPECT_EQ(asking.out, "");
  EXPECT_EQ(asking.Feed(ClientFrame(0x89, "x")), EventKind::kOutput);
  EXPECT_EQ(Hex(asking.out), "8a0178");
  EXPECT_EQ(silence(), 0u) << "neither a message nor a ping is a pong";
}

TEST(GopusherSession, TheLimitOfAMessageIsExact) {
  const std::string largest(512, 'x');
  EXPECT_EQ(CheckDecoder(In(), ClientFrame(0x81, largest)), "output\n");
  EXPECT_EQ(CheckDecoder(In(), ClientFrame(0x01, largest) + ClientFrame(0x80, "")), "output\n");
  CheckHostile(In(), {
      {"a byte more", "6455 10.4", ClientFrame(0x82, largest + "x"), kTooBig},
      {"a byte more in a fragment", "6455 10.4",
       ClientFrame(0x02, largest) + ClientFrame(0x80, "x"), kTooBig},
      {"a byte more than is there", "6455 10.4", ClientFrame(0x82, largest + "x").substr(0, 8),
       kTooBig},
  });
  SessionLimits limits = Limits();
  limits.message_bytes = 300;
  const SessionDecoder narrow =
      SessionDecoder(Transport::kGopusher, limits).After(Request("/ws?c=5&t=x"));
  EXPECT_EQ(CheckDecoder(narrow, ClientFrame(0x82, largest.substr(0, 300))), "output\n");
  EXPECT_EQ(CheckDecoder(narrow, ClientFrame(0x82, largest.substr(0, 301))), kTooBig);
}

TEST(GopusherSession, HostileFrames) {
  const std::string pong = ClientFrame(0x8A, "");
  CheckHostile(In(), {
      {"pongs without a ping", "6455 5.5.3", pong + pong, "heartbeat 0/0/0\nheartbeat 0/0/0\n"},
      {"pong of 126 bytes", "6455 5.5", ClientFrame(0x8A, std::string(126, 'p')), kProtocol},
      {"pong without a mask", "6455 5.1", std::string("\x8A\x00", 2), kProtocol},
      {"fragmented pong", "6455 5.5", ClientFrame(0x0A, ""), kProtocol},
      {"pong within a message", "6455 5.4",
       ClientFrame(0x01, "a") + pong + ClientFrame(0x80, "b"), "heartbeat 0/0/0\noutput\n"},
      {"RSV1, which was not agreed on", "7692 6", ClientFrame(0xC1, "a"), kProtocol},
      {"text that is not UTF-8", "6455 8.1", ClientFrame(0x81, "\xFF"), kUtf8},
      {"goim's login", "-", ClientFrame(0x82, Goim(7, 1, "{}")), "output\n"},
      {"a close", "6455 5.5.1", ClientFrame(0x88, "\x03\xE8"), kClosed},
      {"a second request", "6455 5.1", Request("/ws?c=6&t=x"), kProtocol},
  });
}

TEST(GopusherSession, HostileRequests) {
  const auto changed = [](std::string_view from, std::string_view to) {
    std::string request = Request("/ws?c=5&t=x");
    return request.replace(request.find(from), from.size(), to);
  };
  const auto refused = [](const char* status) {
    return std::string("close bad_handshake > HTTP/1.1 ") + status + ' ';
  };
  CheckHostile(New(), {
      {"POST", "9110 9.3.3", changed("GET", "POST"), refused("405")},
      {"HEAD", "9110 9.3.2", changed("GET", "HEAD"), refused("405")},
      {"no WebSocket", "6455 4.2.1", changed("Upgrade: websocket\r\n", ""), refused("400")},
      {"version 8", "6455 4.4", changed("Version: 13", "Version: 8"), refused("426")},
      {"a page with a cookie", "6454 7", changed("Host: a\r\n", "Host: a\r\nCookie: a=b\r\n"
                                                 "Origin: https://b.example\r\n"), refused("403")},
      {"a query above the limit", "9112 3", Request("/ws?c=" + std::string(9000, '5') + "&t=x"),
       refused("431")},
      {"goim on TCP", "-", Goim(7, 1, "{}"), refused("400")},
  });
}

}  // namespace
}  // namespace halley::session::testing
