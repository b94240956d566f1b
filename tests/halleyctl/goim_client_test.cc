#include "halleyctl/goim_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "halleyctl/raw_server.h"

namespace halley::ctl {
namespace {

using testing::GoimFrameOf;
using testing::RawConnection;
using testing::RawServer;
using testing::WsFrameOf;

const absl::Duration kLong = absl::Seconds(60);
const absl::Duration kShort = absl::Milliseconds(30);

constexpr int kText = 1;
constexpr int kBinary = 2;
constexpr int kClose = 8;
constexpr int kPing = 9;
constexpr int kPong = 10;

std::unique_ptr<GoimClient> Tcp(const RawServer& server) {
  auto client = GoimClient::DialTcp(server.address(), kLong);
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

std::unique_ptr<GoimClient> Ws(const RawServer& server) {
  auto client = GoimClient::DialWebSocket("ws://" + server.address() + "/sub", kLong);
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

TEST(GoimClient, LogsInOverTcp) {
  std::string login;
  {
    RawServer server([&](RawConnection& connection) {
      login = connection.ReadFrame();
      connection.Write(GoimFrameOf(8, 1, ""));
      connection.Read(1);
    });
    const auto client = Tcp(server);
    EXPECT_TRUE(client->Login(R"({"mid":1})", kLong).ok());
  }
  EXPECT_EQ(login, GoimFrameOf(7, 1, R"({"mid":1})"));
}

TEST(GoimClient, SaysThatALoginWasRefused) {
  RawServer server([](RawConnection& connection) { connection.ReadFrame(); });
  EXPECT_EQ(Tcp(server)->Login("x", kLong).code(), absl::StatusCode::kPermissionDenied);
}

TEST(GoimClient, WaitsForALoginNoLongerThanTold) {
  RawServer server([](RawConnection& connection) {
    connection.ReadFrame();
    connection.Read(1);
  });
  EXPECT_EQ(Tcp(server)->Login("x", kShort).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(GoimClient, WantsOp8AsTheAnswer) {
  RawServer server([](RawConnection& connection) {
    connection.ReadFrame();
    connection.Write(GoimFrameOf(3, 1, "1234"));
    connection.Read(1);
  });
  EXPECT_EQ(Tcp(server)->Login("x", kLong).code(), absl::StatusCode::kDataLoss);
}

TEST(GoimClient, ReadsTcpFramesInAnyPieces) {
  RawServer server([](RawConnection& connection) {
    const std::string frames = GoimFrameOf(1000, 0, "one") + GoimFrameOf(1001, 5, "");
    for (char byte : frames) {
      connection.Write({&byte, 1});
      std::this_thread::yield();
    }
    connection.Write(GoimFrameOf(1, 1, "a") + GoimFrameOf(2, 2, std::string(300'000, 'b')));
    connection.Read(1);
  });
  const auto client = Tcp(server);
  EXPECT_EQ(client->Receive(kLong)->body, "one");
  const auto second = client->Receive(kLong);
  EXPECT_EQ(second->op, 1001);
  EXPECT_EQ(second->seq, 5);
  EXPECT_EQ(second->ver, 1);
  EXPECT_EQ(second->body, "");
  EXPECT_EQ(client->Receive(kLong)->body, "a");
  EXPECT_EQ(client->Receive(kLong)->body.size(), 300'000u);
}

TEST(GoimClient, LosesNothingAtATimeout) {
  RawServer server([](RawConnection& connection) {
    const std::string frame = GoimFrameOf(1000, 0, "whole");
    connection.Write(frame.substr(0, 17));
    connection.Read(1);
    connection.Write(frame.substr(17));
    connection.Read(1);
  });
  const auto client = Tcp(server);
  EXPECT_EQ(client->Receive(kShort).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(client->SendRaw("x", kLong).ok());
  EXPECT_EQ(client->Receive(kLong)->body, "whole");
}

TEST(GoimClient, SaysThatTheConnectionIsOver) {
  RawServer server([](RawConnection& connection) {
    connection.Write(GoimFrameOf(1000, 0, "last"));
  });
  const auto client = Tcp(server);
  EXPECT_EQ(client->Receive(kLong)->body, "last");
  EXPECT_EQ(client->Receive(kLong).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->close_code(), 0);
}

TEST(GoimClient, RefusesFramesThatAreNone) {
  for (const std::string& bytes :
       {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string(16, '\0'),
        std::string("\x7f\xff\xff\xff\x00\x10", 6)}) {
    RawServer server([&](RawConnection& connection) {
      connection.Write(bytes);
      connection.Read(1);
    });
    EXPECT_EQ(Tcp(server)->Receive(kLong).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(GoimClient, CannotConnectWhereNobodyIs) {
  std::string address;
  {
    RawServer server([](RawConnection&) {});
    address = server.address();
  }
  EXPECT_EQ(GoimClient::DialTcp(address, kLong).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(GoimClient::DialWebSocket("ws://" + address, kLong).status().code(),
            absl::StatusCode::kUnavailable);
  for (const char* wrong : {"", "host", ":1", "host:"}) {
    EXPECT_EQ(GoimClient::DialTcp(wrong, kLong).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(ParseWsUrl, SplitsAndFillsIn) {
  EXPECT_EQ(ParseWsUrl("ws://h:3102/sub?x=1")->address, "h:3102");
  EXPECT_EQ(ParseWsUrl("ws://h:3102/sub?x=1")->path, "/sub?x=1");
  EXPECT_EQ(ParseWsUrl("ws://h:3102")->path, "/sub");
  EXPECT_EQ(ParseWsUrl("ws://h/")->address, "h:80");
  EXPECT_EQ(ParseWsUrl("ws://[::1]")->address, "[::1]:80");
  EXPECT_EQ(ParseWsUrl("ws://[::1]:5")->address, "[::1]:5");
  EXPECT_FALSE(ParseWsUrl("ws://h:1")->secure);
  EXPECT_TRUE(ParseWsUrl("wss://h:1")->secure);
  EXPECT_EQ(ParseWsUrl("wss://h")->address, "h:443");
  EXPECT_EQ(ParseWsUrl("http://h:1").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(GoimWsClient, UpgradesAndLogsInWithMaskedFrames) {
  std::string request;
  std::string login;
  int opcode = 0;
  {
    RawServer server([&](RawConnection& connection) {
      request = connection.Upgrade();
      login = connection.ReadWsFrame(&opcode);
      connection.Write(WsFrameOf(kBinary, true, GoimFrameOf(8, 1, "")));
      connection.Read(1);
    });
    EXPECT_TRUE(Ws(server)->Login("token", kLong).ok());
  }
  EXPECT_EQ(request.rfind("GET /sub HTTP/1.1\r\n", 0), 0u);
  EXPECT_EQ(login, GoimFrameOf(7, 1, "token"));
  EXPECT_EQ(opcode, kBinary);
}

TEST(GoimWsClient, SendsMessagesOfEveryLengthForm) {
  for (size_t body : {size_t{0}, size_t{109}, size_t{110}, size_t{65519}, size_t{65520},
                      size_t{70000}}) {
    std::string sent;
    {
      RawServer server([&](RawConnection& connection) {
        connection.Upgrade();
        int opcode;
        sent = connection.ReadWsFrame(&opcode);
      });
      EXPECT_TRUE(Ws(server)->Send({1000, 1, 1, std::string(body, 'b')}, kLong).ok());
    }
    EXPECT_EQ(sent, GoimFrameOf(1000, 1, std::string(body, 'b'))) << body;
  }
}

TEST(GoimWsClient, UnwrapsBatches) {
  RawServer server([](RawConnection& connection) {
    connection.Upgrade();
    connection.Write(WsFrameOf(
        kBinary, true, GoimFrameOf(9, 0, GoimFrameOf(1000, 0, "hi") + GoimFrameOf(1001, 0, ""))));
    connection.Write(WsFrameOf(kBinary, true, GoimFrameOf(3, 2, "\x01\x02\x03\x04")));
    connection.Read(1);
  });
  const auto client = Ws(server);
  EXPECT_EQ(client->Receive(kLong)->body, "hi");
  EXPECT_EQ(client->Receive(kLong)->op, 1001);
  EXPECT_EQ(client->Receive(kLong)->op, 3);
}

TEST(GoimWsClient, JoinsFragmentsAndAnswersPingsBetweenThem) {
  std::string pong;
  int opcode = 0;
  {
    RawServer server([&](RawConnection& connection) {
      connection.Upgrade();
      const std::string frame = GoimFrameOf(1000, 0, std::string(70'000, 'x'));
      connection.Write(WsFrameOf(kText, false, frame.substr(0, 10)));
      connection.Write(WsFrameOf(kPing, true, "are you there"));
      pong = connection.ReadWsFrame(&opcode);
      connection.Write(WsFrameOf(kPong, true, ""));
      connection.Write(WsFrameOf(0, true, frame.substr(10)));
      connection.Read(1);
    });
    EXPECT_EQ(Ws(server)->Receive(kLong)->body.size(), 70'000u);
  }
  EXPECT_EQ(pong, "are you there");
  EXPECT_EQ(opcode, kPong);
}

TEST(GoimWsClient, AnswersACloseAndKeepsItsCode) {
  std::string answer;
  int opcode = 0;
  {
    RawServer server([&](RawConnection& connection) {
      connection.Upgrade();
      connection.Write(WsFrameOf(kClose, true, "\x0b\xbbkicked"));  // 3003
      answer = connection.ReadWsFrame(&opcode);
    });
    const auto client = Ws(server);
    EXPECT_EQ(client->Receive(kLong).status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(client->close_code(), 3003);
  }
  EXPECT_EQ(opcode, kClose);
  EXPECT_EQ(answer, "\x0b\xbb");
}

TEST(GoimWsClient, RefusesServersThatBreakTheProtocol) {
  const std::string frame = GoimFrameOf(1000, 0, "x");
  for (const std::string& bytes :
       {WsFrameOf(kBinary, true, frame.substr(1)),                 // not a frame
        WsFrameOf(kBinary, true, frame + frame),                   // two
        WsFrameOf(kBinary, true, GoimFrameOf(9, 0, frame + "x")),  // a torn batch
        WsFrameOf(0, true, frame),                                 // a continuation of nothing
        WsFrameOf(kBinary, false, frame) + WsFrameOf(kBinary, true, frame),
        WsFrameOf(kPing, false, ""), WsFrameOf(3, true, ""),
        std::string("\xc2\x00", 2),                                  // a reserved bit
        std::string("\x82\x80\x00\x00\x00\x00", 6),                  // masked
        std::string("\x82\x7e\x00\x05", 4),                          // a length that is not minimal
        std::string("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10)}) {
    RawServer server([&](RawConnection& connection) {
      connection.Upgrade();
      connection.Write(bytes);
      connection.Read(1);
    });
    EXPECT_EQ(Ws(server)->Receive(kLong).status().code(), absl::StatusCode::kDataLoss)
        << ::testing::PrintToString(bytes);
  }
}

TEST(GoimWsClient, SaysWhyAnUpgradeFailed) {
  const auto dial = [](std::string answer) {
    RawServer server([&](RawConnection& connection) {
      connection.ReadUntil("\r\n\r\n");
      connection.Write(answer);
    });
    return GoimClient::DialWebSocket("ws://" + server.address(), kLong).status();
  };
  const absl::Status missing = dial("HTTP/1.1 404 Not Found\r\n\r\n");
  EXPECT_EQ(missing.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(std::string(missing.message()).find("404 Not Found"), std::string::npos);
  EXPECT_EQ(dial("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n").code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(dial(std::string(200'000, 'x')).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(dial("HTTP/1.1 101").code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace halley::ctl
