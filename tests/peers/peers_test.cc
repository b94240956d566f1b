// What fan-client's subscribers and pushers say to other servers, and make of what they hear.
#include "peers/peers.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "halley-load/dialect.h"
#include "peers/web.h"
#include "wire/decoder_test.h"

namespace halley::peers {
namespace {

using wire::DecodeStatus;
using wire::Inbox;
using wire::testing::CheckDecoder;
using wire::testing::Step;

constexpr char kUpgraded[] =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

class Transcript final : public load::Ears {
 public:
  explicit Transcript(std::string* text) : text_(text) {}
  void OnLoggedIn() override { text_->append("logged in; "); }
  void OnPush(std::string_view body) override { absl::StrAppend(text_, "push ", View(body), "; "); }
  void OnHeartbeatReply() override { text_->append("heartbeat; "); }
  void OnRoomChanged() override { text_->append("room; "); }
  void OnForeign() override { text_->append("foreign; "); }
  void OnClosing(uint16_t) override { text_->append("closing; "); }
  void Say(std::string_view bytes) override { absl::StrAppend(text_, "say ", View(bytes), "; "); }

 private:
  std::string* const text_;
};

// A subscriber of one peer, from the server's first byte.
struct Subscriber {
  std::string_view peer;
  uint8_t stage = 0;

  Step Next(Inbox* inbox, std::string* transcript) {
    const std::unique_ptr<load::Protocol> protocol =
        peer == "redis"   ? OpenRedis()
        : peer == "nats"  ? OpenNats()
        : peer == "nchan" ? OpenNchan("h:1")
                          : OpenCentrifugo("h:1");
    Transcript ears(transcript);
    size_t used = 0;
    switch (protocol->Hear(0, &stage, inbox->view(), &ears, &used)) {
      case DecodeStatus::kMore: return Step::kMore;
      case DecodeStatus::kDone: inbox->begin += used; return Step::kAgain;
      default: transcript->append("bad"); return Step::kOver;
    }
  }
  size_t inbox_bytes_max() const { return (1 << 20) + 8192; }
};

std::string Heard(std::string_view peer, const std::string& stream) {
  return CheckDecoder(Subscriber{peer}, stream);
}

// A server's message.
std::string Message(uint8_t opcode, const std::string& payload) {
  return std::string{static_cast<char>(0x80 | opcode), static_cast<char>(payload.size())} + payload;
}

// A client's.
std::string Masked(uint8_t opcode, std::string_view payload) {
  std::string out;
  AppendWebMessage(opcode, payload, &out);
  return out;
}

TEST(Subscriber, Redis) {
  EXPECT_EQ(Heard("redis",
                  "*3\r\n$9\r\nsubscribe\r\n$3\r\nfan\r\n:1\r\n"
                  "*3\r\n$7\r\nmessage\r\n$3\r\nfan\r\n$5\r\na\r\nbc\r\n"
                  "*3\r\n$11\r\nunsubscribe\r\n$3\r\nfan\r\n:0\r\n+OK\r\n"),
            "logged in; push a\r\nbc; foreign; bad");
}

TEST(Subscriber, Nats) {
  EXPECT_EQ(Heard("nats",
                  "INFO {\"server_id\":\"x\"}\r\nPONG\r\nMSG fan 1 5\r\na\r\nbc\r\nPING\r\n"
                  "MSG fan 1 x\r\n"),
            "logged in; push a\r\nbc; say PONG\r\n; bad");
  EXPECT_EQ(Heard("nats", "-ERR 'maximum connections exceeded'\r\n"), "bad");
}

TEST(Subscriber, Nchan) {
  EXPECT_EQ(Heard("nchan", kUpgraded + Message(1, "text") + Message(2, "bytes") + Message(9, "p") +
                               Message(8, "")),
            absl::StrCat("logged in; push text; push bytes; say ", Masked(10, "p"),
                         "; closing; "));
}

TEST(Subscriber, Centrifugo) {
  const std::string push =
      "{\"push\":{\"channel\":\"fan\",\"pub\":{\"data\":\"" + absl::Base64Escape("body") + "\"}}}";
  EXPECT_EQ(Heard("centrifugo",
                  kUpgraded + Message(1, "{\"id\":1,\"connect\":{\"client\":\"c\"}}") +
                      Message(1, "{\"id\":2,\"subscribe\":{}}") + Message(1, push) +
                      Message(1, "{}\n{}") + Message(1, "{\"id\":3,\"error\":{}}")),
            absl::StrCat("say ", Masked(1, "{\"id\":1,\"connect\":{}}"), "; say ",
                         Masked(1, "{\"id\":2,\"subscribe\":{\"channel\":\"fan\"}}"),
                         "; logged in; push body; say ", Masked(1, "{}"), "; say ",
                         Masked(1, "{}"), "; bad"));
}

// Pushes a body and takes all answers of `stream`.
struct Pushed {
  std::string asked;
  std::string answers;
};
Pushed PushTo(std::unique_ptr<Dialogue> dialogue, std::string_view stream) {
  Pushed result;
  dialogue->Greet(&result.asked);
  dialogue->AppendPush("body", &result.asked);
  while (!stream.empty()) {
    Answer answer;
    std::string said;
    size_t used = 0;
    if (dialogue->TakeAnswer(stream, &answer, &said, &used) != DecodeStatus::kDone) {
      result.answers += "stopped";
      break;
    }
    stream.remove_prefix(used);
    constexpr const char* kKinds[] = {"nothing", "pushed", "failed"};
    absl::StrAppend(&result.answers, kKinds[answer.kind], " ", answer.taken, said, "; ");
  }
  return result;
}

TEST(Pusher, Redis) {
  const Pushed pushed = PushTo(RedisPushes(), ":7\r\n-ERR no\r\n");
  EXPECT_EQ(pushed.asked, "*3\r\n$7\r\nPUBLISH\r\n$3\r\nfan\r\n$4\r\nbody\r\n");
  EXPECT_EQ(pushed.answers, "pushed 7; stopped");
}

TEST(Pusher, Nats) {
  const Pushed pushed = PushTo(NatsPushes(), "INFO {}\r\n+OK\r\n+OK\r\nPING\r\n-ERR 'x'\r\n");
  EXPECT_EQ(pushed.asked,
            "CONNECT {\"verbose\":true,\"pedantic\":false}\r\nPUB fan 4\r\nbody\r\n");
  EXPECT_EQ(pushed.answers, "nothing 0; nothing 0; pushed 0; nothing 0PONG\r\n; failed 0; ");
}

TEST(Pusher, Nchan) {
  const Pushed pushed = PushTo(
      NchanPushes("h:1"),
      "HTTP/1.1 201 Created\r\ncontent-length: 19\r\n\r\n{\"subscribers\": 12}"
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
      "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(pushed.asked.substr(0, 20), "POST /pub HTTP/1.1\r\n");
  EXPECT_TRUE(pushed.asked.ends_with("Content-Length: 4\r\n\r\nbody"));
  EXPECT_EQ(pushed.answers, "pushed 12; failed 0; stopped");
}

TEST(Pusher, Centrifugo) {
  const Pushed pushed =
      PushTo(CentrifugoPushes("h:1"),
             "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\":{}}"
             "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"error\":{}}");
  EXPECT_TRUE(pushed.asked.ends_with("{\"channel\":\"fan\",\"data\":\"Ym9keQ==\"}"));
  EXPECT_EQ(pushed.answers, "pushed 0; failed 0; ");
}

}  // namespace
}  // namespace halley::peers
