// Server-sent events: the request that is the login, and what may follow it.
#include <gtest/gtest.h>

#include <string>

#include "session/client_session.h"
#include "session/session_feed.h"
#include "wire/decoder_test.h"

namespace halley::session {
namespace {

using testing::SessionDecoder;
using wire::CloseReason;
using wire::testing::CheckDecoder;

std::string Request(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}

std::string Told(const std::string& stream) {
  return CheckDecoder(SessionDecoder(Transport::kWebSocket), stream);
}

// The session after its request, and what it asked.
struct Asking {
  ClientSession session{Transport::kWebSocket};
  SessionLimits limits;
  std::string out;
  Event event;

  explicit Asking(std::string request) {
    limits.event_heartbeat_ms = 1234;
    wire::Inbox inbox{request.data(), request.data() + request.size()};
    event = session.Next(&inbox, limits, &out);
    cookie = event.opening == nullptr ? "" : event.opening->cookie;
    token = event.frame.body;
  }
  std::string Farewell(CloseReason reason) {
    std::string bytes;
    session.AppendFarewell(reason, &bytes);
    return bytes;
  }
  std::string cookie;  // before the request's bytes go
  std::string token;
};

TEST(EventStreamSession, TheRequestIsTheLogin) {
  EXPECT_EQ(Told(Request("/sse?x=1&token=%7B%22mid%22%3A1%7D")), "auth 0/7/0 \"{\"mid\":1}\"\n");
  EXPECT_EQ(Told(Request("/sse")), "auth 0/7/0\n");
  EXPECT_EQ(Told(Request("/sse?", "Last-Event-ID: 12\r\nAccept: text/event-stream\r\n")),
            "auth 0/7/0\n");
}

TEST(EventStreamSession, TheLoginTellsWhomProxiesForwardedFor) {
  SessionLimits limits;
  limits.upgrade.forwarded_for = true;
  EXPECT_EQ(CheckDecoder(SessionDecoder(Transport::kWebSocket, limits),
                         Request("/sse", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: ::1\r\n")),
            "auth 0/7/0 for \"1.2.3.4, ::1\"\n");
}

TEST(EventStreamSession, WhatIsAnsweredComesWithTheLogin) {
  Asking asking(Request("/sse?token=a+b", "Origin: http://a\r\nCookie: sid=1\r\n"));
  ASSERT_EQ(asking.event.kind, EventKind::kAuthenticate);
  EXPECT_EQ(asking.token, "a b");
  EXPECT_EQ(asking.cookie, "sid=1");
  EXPECT_EQ(asking.event.opening->idle_ms, 1234u);
  EXPECT_TRUE(asking.event.opening->answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(asking.event.opening->answer.find("Access-Control-Allow-Origin: http://a\r\n"),
            std::string::npos);
  EXPECT_EQ(asking.out, "");
  EXPECT_EQ(asking.session.encoding(), wire::Encoding::kEventStream);
}

TEST(EventStreamSession, RefusalsHaveAStatus) {
  const struct {
    std::string request;
    std::string status;
  } kRows[] = {
      {Request("/sse?token=%7"), "400"},
      {Request("/sse", "Upgrade: websocket\r\n"), "404"},
      {Request("/sse/"), "404"},
      {Request("/sse", "Origin: https://b.example\r\nCookie: sid=1\r\n"), "403"},
      {Request("/sse", "Content-Length: 3\r\n"), "413"},
      {"HEAD /sse HTTP/1.1\r\nHost: a\r\n\r\n", "405"},
      {"POST /sse HTTP/1.1\r\nHost: a\r\n\r\n", "405"},
      {"GET /sse HTTP/1.0\r\nHost: a\r\n\r\n", "505"},
  };
  for (const auto& row : kRows) {
    EXPECT_TRUE(Told(row.request).starts_with("close bad_handshake > HTTP/1.1 " + row.status))
        << row.request;
  }
}

TEST(EventStreamSession, BeforeTheAnswerAFarewellIsAStatus) {
  const struct {
    CloseReason reason;
    std::string status;
  } kRows[] = {
      {CloseReason::kAuthRefused, "403"},     {CloseReason::kDuplicateRefused, "409"},
      {CloseReason::kAuthUnavailable, "503"}, {CloseReason::kHandshakeTimeout, "503"},
      {CloseReason::kServerClosing, "503"},
  };
  for (const auto& row : kRows) {
    Asking asking(Request("/sse?token=x"));
    EXPECT_TRUE(asking.Farewell(row.reason).starts_with("HTTP/1.1 " + row.status)) << row.status;
    EXPECT_EQ(asking.Farewell(row.reason), "") << "once";
  }
}

TEST(EventStreamSession, AfterItAnEvent) {
  Asking asking(Request("/sse?token=x"));
  asking.session.OnAuthenticated();
  std::string beat;
  const Silence silence = asking.session.OnSilence(asking.limits, &beat);
  EXPECT_EQ(silence.next_ms, 1234u);
  EXPECT_FALSE(silence.asks);
  EXPECT_EQ(beat, ":\n\n");
  EXPECT_EQ(asking.Farewell(CloseReason::kReplaced),
            "event: close\ndata: {\"code\":3001,\"reason\":\"replaced\"}\n\n");

  Asking gone(Request("/sse?token=x"));
  gone.session.OnAuthenticated();
  EXPECT_EQ(gone.Farewell(CloseReason::kPeerClosed), "");
}

TEST(EventStreamSession, OthersAreSilentForTooLong) {
  std::string beat;
  EXPECT_EQ(ClientSession(Transport::kTcp).OnSilence({}, &beat).next_ms, 0u);
  EXPECT_EQ(testing::LoggedIn().session.OnSilence({}, &beat).next_ms, 0u);
  EXPECT_EQ(beat, "");
}

// What comes behind the request means nothing, up to a limit.
TEST(EventStreamSession, TheLimitOfWhatIsIgnoredIsExact) {
  const std::string login = Request("/sse?token=x");
  const std::string asked = "auth 0/7/0 \"x\"\n";
  EXPECT_EQ(Told(login + std::string(1024, 'x')), asked);
  EXPECT_TRUE(Told(login + std::string(1025, 'x')).starts_with(asked + "close frame_too_big > "));
}

}  // namespace
}  // namespace halley::session
