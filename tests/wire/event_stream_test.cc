#include "wire/event_stream.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::wire {
namespace {

TEST(EventStream, TheHeadByteForByte) {
  std::string out;
  AppendEventStreamHead("", &out);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: text/event-stream\r\n"
            "Cache-Control: no-store\r\n"
            "X-Accel-Buffering: no\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Connection: close\r\n"
            "\r\n");
}

TEST(EventStream, AnotherPageMayReadItIfItMayConnect) {
  std::string plain, cross;
  AppendEventStreamHead("", &plain);
  AppendEventStreamHead("https://a.example", &cross);
  plain.resize(plain.size() - 2);
  EXPECT_EQ(cross, plain +
                       "Access-Control-Allow-Origin: https://a.example\r\n"
                       "Access-Control-Allow-Credentials: true\r\n"
                       "Vary: Origin\r\n"
                       "\r\n");
}

std::string Close(CloseReason reason) {
  std::string out;
  AppendEventClose(reason, 0, &out);
  return out;
}

TEST(EventStream, TheLastEventSaysWhyAndWhenToComeBack) {
  EXPECT_EQ(Close(CloseReason::kKicked),
            "event: close\ndata: {\"code\":3003,\"reason\":\"kicked\"}\n\n");
  EXPECT_EQ(Close(CloseReason::kServerClosing),
            "retry: 5000\nevent: close\ndata: {\"code\":1001,\"reason\":\"server_closing\"}\n\n");
  for (const CloseReason reason : {CloseReason::kServerFull, CloseReason::kAuthUnavailable,
                                   CloseReason::kMoveFailed}) {
    EXPECT_TRUE(Close(reason).starts_with("retry: 5000\n")) << CloseReasonName(reason);
  }
}

}  // namespace
}  // namespace halley::wire
