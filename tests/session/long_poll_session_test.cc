// goim v1's long poll: the request that is the login, and what may follow it.
#include <gtest/gtest.h>

#include <string>

#include "session/client_session.h"
#include "session/session_feed.h"
#include "wire/decoder_test.h"
#include "wire/vectors.h"

namespace halley::session {
namespace {

using testing::SessionDecoder;
using wire::CloseReason;
using wire::testing::CheckDecoder;
using wire::testing::LoadVector;

std::string Request(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}
constexpr char kPoll[] = "/sub?ver=1&op=7&seq=1&t=123";

std::string Told(const std::string& stream) {
  return CheckDecoder(SessionDecoder(Transport::kGoimV1WebSocket), stream);
}

// The session after its request, and what it asked.
struct Asking {
  ClientSession session{Transport::kGoimV1WebSocket};
  std::string out;
  Event event;
  std::string cookie, token;  // before the request's bytes go
  wire::LongPoll poll;

  explicit Asking(std::string request) {
    wire::Inbox inbox{request.data(), request.data() + request.size()};
    event = session.Next(&inbox, {}, &out);
    if (event.opening == nullptr) return;
    cookie = event.opening->cookie;
    token = event.frame.body;
    poll = event.opening->poll.value();
    EXPECT_EQ(event.opening->answer, "") << "what it is answered is not known yet";
  }
  std::string Farewell(CloseReason reason) {
    std::string bytes;
    session.AppendFarewell(reason, &bytes);
    return bytes;
  }
};

TEST(LongPollSession, TheRequestIsTheLogin) {
  EXPECT_EQ(Told(Request(kPoll)), "auth 0/7/0 \"123\"\n");
  EXPECT_EQ(Told(LoadVector("session_v1_poll").substr(1)), "auth 0/7/0 \"123\"\n");
  EXPECT_EQ(Told(Request("/sub?op=7&t=%7B%22mid%22%3A1%7D", "Connection: keep-alive\r\n")),
            "auth 0/7/0 \"{\"mid\":1}\"\n");
}

TEST(LongPollSession, WhatIsAroundTheMessageComesWithTheLogin) {
  Asking asking(Request(kPoll, "Origin: http://a\r\nCookie: sid=1\r\n"));
  ASSERT_EQ(asking.event.kind, EventKind::kAuthenticate);
  EXPECT_EQ(asking.token, "123");
  EXPECT_EQ(asking.cookie, "sid=1");
  EXPECT_EQ(asking.poll.origin, "http://a");
  EXPECT_EQ(asking.poll.callback, "");
  EXPECT_EQ(asking.out, "");
  EXPECT_EQ(asking.session.encoding(), wire::Encoding::kGoimV1LongPoll);
}

// Any page can ask for a script with its visitor's cookies, and nothing in the request says which.
TEST(LongPollSession, WithACallbackACookieOpensNothing) {
  Asking asking(Request("/sub?op=7&t=123&cb=a.b", "Cookie: sid=1\r\n"));
  ASSERT_EQ(asking.event.kind, EventKind::kAuthenticate);
  EXPECT_EQ(asking.cookie, "");
  EXPECT_EQ(asking.poll.callback, "a.b");
}

TEST(LongPollSession, RefusalsHaveAStatus) {
  const struct {
    std::string request;
    std::string status;
  } kRows[] = {
      {Request("/sub"), "400"},
      {Request("/sub?t=123"), "400"},
      {Request("/sub?op=7&cb=alert(1)"), "400"},
      {Request(kPoll, "Upgrade: websocket\r\n"), "400"},  // half of an upgrade
      {Request("/poll?op=7"), "404"},
      {Request("/"), "404"},
      {Request(kPoll, "Origin: https://b.example\r\nCookie: sid=1\r\n"), "403"},
      {Request(kPoll, "Content-Length: 3\r\n"), "413"},
      {"HEAD /sub?op=7 HTTP/1.1\r\nHost: a\r\n\r\n", "405"},
      {"POST /sub?op=7 HTTP/1.1\r\nHost: a\r\n\r\n", "405"},
      {"GET /sub?op=7 HTTP/1.0\r\nHost: a\r\n\r\n", "505"},
  };
  for (const auto& row : kRows) {
    EXPECT_TRUE(Told(row.request).starts_with("close bad_handshake > HTTP/1.1 " + row.status))
        << row.request;
  }
}

TEST(LongPollSession, OtherListenersKnowNone) {
  EXPECT_TRUE(CheckDecoder(SessionDecoder(Transport::kWebSocket), Request(kPoll))
                  .starts_with("close bad_handshake > HTTP/1.1 400 "));
}

// Before the login and after it: until there is a response, there is none.
TEST(LongPollSession, AFarewellIsAStatus) {
  const struct {
    CloseReason reason;
    std::string status;
  } kRows[] = {
      {CloseReason::kAuthRefused, "403"},      {CloseReason::kReplaced, "409"},
      {CloseReason::kDuplicateRefused, "409"}, {CloseReason::kAuthUnavailable, "503"},
      {CloseReason::kKicked, "503"},           {CloseReason::kServerClosing, "503"},
  };
  for (const auto& row : kRows) {
    for (const bool live : {false, true}) {
      Asking asking(Request(kPoll));
      if (live) asking.session.OnAuthenticated();
      EXPECT_TRUE(asking.Farewell(row.reason).starts_with("HTTP/1.1 " + row.status)) << row.status;
      EXPECT_EQ(asking.Farewell(row.reason), "") << "once";
    }
  }
  Asking answered(Request(kPoll));
  answered.session.OnAuthenticated();
  EXPECT_EQ(answered.Farewell(CloseReason::kPollAnswered), "");
}

TEST(LongPollSession, ItIsSilentForTooLongTheSecondTime) {
  Asking asking(Request(kPoll));
  asking.session.OnAuthenticated();
  SessionLimits limits;
  limits.v1_idle_timeout_ms = 7;
  std::string out;
  const Silence first = asking.session.OnSilence(limits, &out);
  EXPECT_EQ(first.next_ms, 7u);
  EXPECT_FALSE(first.asks);
  EXPECT_EQ(asking.session.OnSilence(limits, &out).next_ms, 0u);
  EXPECT_EQ(out, "") << "what it is told is the hub's to say";
}

// What comes behind the request means nothing, up to a limit.
TEST(LongPollSession, TheLimitOfWhatIsIgnoredIsExact) {
  const std::string asked = "auth 0/7/0 \"123\"\n";
  EXPECT_EQ(Told(Request(kPoll) + Request(kPoll)), asked) << "a second request";
  EXPECT_EQ(Told(Request(kPoll) + std::string(1024, 'x')), asked);
  EXPECT_TRUE(Told(Request(kPoll) + std::string(1025, 'x'))
                  .starts_with(asked + "close frame_too_big > HTTP/1.1 503 "));
}

}  // namespace
}  // namespace halley::session
