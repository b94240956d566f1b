#include "wire/long_poll.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace halley::wire {
namespace {

// "token|callback", or "400".
std::string Read(std::string_view query) {
  std::string token = "old", callback = "old";
  return ReadLongPoll(query, &token, &callback) ? token + "|" + callback : "400";
}

TEST(LongPoll, TakesWhatV1sClientsAsk) {
  EXPECT_EQ(Read("ver=1&op=7&seq=1&t=123&cb=got"), "123|got");
  EXPECT_EQ(Read("t=%7B%22mid%22%3A1%7D&cb=&seq=-1&ver=-32768&op=7&_=1700000000000"),
            "{\"mid\":1}|");
  EXPECT_EQ(Read("ver=&op=7&seq=&t="), "|");
  EXPECT_EQ(Read("op=7"), "|");
  EXPECT_EQ(Read("op=%37&t=a+b"), "a b|");
}

TEST(LongPoll, RefusesWhatIsNone) {
  for (const char* query :
       {"", "t=123", "op=&t=123", "op=8", "op=2", "op=7x", "op=+7", "op=%207", "op=4294967303",
        "op=7&ver=x", "op=7&ver=32768", "op=7&seq=1.5", "op=7&seq=2147483648", "op=7&t=%7",
        "op=7&cb=%", "op=%"}) {
    EXPECT_EQ(Read(query), "400") << query;
  }
}

TEST(LongPoll, ACallbackIsNamesAndNothingElse) {
  const std::string longest(64, 'a');
  const std::vector<std::string> good = {"a", "$", "_", "jQuery1102_17", "window.app.on$push",
                                         "A.b.c1", "callbacks.$0", longest};
  for (const std::string& callback : good) {
    EXPECT_EQ(Read("op=7&cb=" + callback), "|" + callback);
  }
  EXPECT_EQ(Read("op=7&cb=" + longest + "a"), "400");
  for (const std::string callback :
       {"1a", ".a", "a.", "a..b", "a.1", ".", "a-b", "a%20b", "a+b", "a=b", "a(b", "a()", "a[0]", "a;b",
        "alert(1)%2F%2F", "%3Cscript%3E", "a%0d%0aSet-Cookie:%20b", "a%00", "a%2C", "a'b", "a%22b",
        "a%5Cu0061", "a%E2%80%A8", "a*b", "a/b", "a:b", "a%2525", "\xc3\xa9", "%c3%a9"}) {
    EXPECT_EQ(Read("op=7&cb=" + callback), "400") << callback;
  }
}

TEST(LongPoll, TheHeadIsAResponses) {
  std::string out;
  AppendLongPollHead({}, 34, &out);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: application/json\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n"
            "Content-Length: 34\r\n\r\n");
  out.clear();
  AppendLongPollHead({.origin = "https://a.example", .callback = "a.b"}, 34, &out);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: text/javascript; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n"
            "Access-Control-Allow-Origin: https://a.example\r\n"
            "Access-Control-Allow-Credentials: true\r\n"
            "Vary: Origin\r\n"
            "Content-Length: 38\r\n\r\n"
            "a.b=");
}

TEST(LongPoll, NoMessageIsNoContent) {
  std::string out;
  AppendLongPollEmpty({.origin = "", .callback = "a"}, &out);
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  out.clear();
  AppendLongPollEmpty({.origin = "https://a.example", .callback = ""}, &out);
  EXPECT_EQ(out,
            "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\nConnection: close\r\n"
            "Access-Control-Allow-Origin: https://a.example\r\n"
            "Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n\r\n");
}

}  // namespace
}  // namespace halley::wire
