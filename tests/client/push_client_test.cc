#include "halley/push_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/client_harness.h"
#include "client/fake_node.h"

namespace halley::client {
namespace {

namespace v1 = push::v1;
using testing::Answers;
using testing::FakeConnection;
using testing::FakeNode;
using testing::FrameOf;
using testing::Gate;
using testing::kMessage;
using testing::Open;
using testing::OptionsFor;
using testing::TakenReply;

int ConnectTo(const std::string& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  return fd;
}

TEST(PushClient, SpeaksOverAConnectionItIsGiven) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello();
    while (auto request = connection.Receive()) {
      if (request->has_status()) return;  // and with that the connection ends
      connection.Send(TakenReply(request->id(), 3));
    }
  });
  PushClientOptions options = OptionsFor(node);
  options.address = "the other end";
  auto client = PushClient::Over(ConnectTo(node.address()), options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->PushKeys({"ann"}, kMessage)->taken, 3u);
  const absl::Status lost = (*client)->Status().status();
  EXPECT_TRUE(absl::IsUnavailable(lost)) << lost;
  EXPECT_NE(lost.message().find("the other end"), std::string::npos) << lost;
  // There is no second one.
  EXPECT_TRUE(absl::IsUnavailable((*client)->KickMids({5}).status()));
}

TEST(PushClient, ShowsTheSecretAndSpeaksEveryCall) {
  std::string secret;
  std::vector<std::string> calls;
  {
    FakeNode node([&](FakeConnection& connection, int) {
      secret = connection.Hello().value_or("none came");
      while (auto request = connection.Receive()) {
        v1::Reply reply = TakenReply(request->id(), 3);
        if (request->has_rooms()) reply.mutable_rooms()->set_total(4);
        if (request->has_online()) reply.mutable_online()->add_online(1);
        if (request->has_status()) reply.mutable_status()->add_shards()->set_shard(6);
        connection.Send(reply);
        request->clear_id();
        calls.push_back(request->ShortDebugString());
      }
    });
    PushClientOptions options = OptionsFor(node);
    options.secret = "s3cret";
    const std::unique_ptr<PushClient> client = Open(options);
    EXPECT_EQ(client->PushKeys({"ann", "bob"}, kMessage)->taken, 3u);
    EXPECT_EQ(client->PushMids({1, -2}, kMessage)->taken, 3u);
    EXPECT_EQ(client->PushRooms({"live://1"}, {.op = 7, .body = "b", .batch = true})->taken, 3u);
    EXPECT_EQ(client->PushAll(kMessage, 50)->taken, 3u);
    EXPECT_EQ(client->KickKeys({"ann"})->taken, 3u);
    EXPECT_EQ(client->KickMids({5})->taken, 3u);
    EXPECT_EQ(client->Rooms("live", 9)->total, 4u);
    EXPECT_EQ(client->Rooms("", 1, RoomOrder::kMembers)->total, 4u);
    EXPECT_EQ(client->Rooms("", 1, RoomOrder::kNone)->total, 4u);
    EXPECT_EQ(*client->Online({"ann", "bob"}), std::vector<uint32_t>({1}));
    EXPECT_EQ(client->Status()->shards.at(0).shard, 6u);
  }
  EXPECT_EQ(secret, "s3cret");
  const std::string message = R"(message { op: 1000 body: "hi" } })";
  EXPECT_EQ(calls, std::vector<std::string>({
                       R"(push_keys { keys: "ann" keys: "bob" )" + message,
                       R"(push_mids { mids: 1 mids: -2 )" + message,
                       R"(push_rooms { rooms: "live://1" )"
                       R"(message { op: 7 body: "b" batch: true } })",
                       R"(push_all { message { op: 1000 body: "hi" } pace: 50 })",
                       R"(kick_keys { keys: "ann" })",
                       R"(kick_mids { mids: 5 })",
                       R"(rooms { prefix: "live" limit: 9 })",
                       R"(rooms { limit: 1 order: ROOM_ORDER_MEMBERS })",
                       R"(rooms { limit: 1 order: ROOM_ORDER_NONE })",
                       R"(online { keys: "ann" keys: "bob" })",
                       R"(status { })",
                   }));
}

TEST(PushClient, MatchesRepliesThatComeInAnyOrder) {
  constexpr uint64_t kCalls = 50;
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello();
    std::string replies;
    for (uint64_t call = 0; call < kCalls; ++call) {
      const auto request = connection.Receive();
      if (!request) return;
      // The last first.
      replies = FrameOf(TakenReply(request->id(), std::stoull(request->push_keys().keys(0)))) +
                replies;
    }
    connection.SendBytes(replies);
    connection.AnswerAll(0);
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  Answers answers;
  for (uint64_t call = 0; call < kCalls; ++call) {
    client->PushKeys({std::to_string(call)}, kMessage, answers.Next());
  }
  client->Drain();
  const auto all = answers.all();
  for (uint64_t call = 0; call < kCalls; ++call) EXPECT_EQ(all[call]->taken, call);
}

// Goal: a call that asks for its deliveries has the time it asks for, and its own besides. Method: a
// node that answers only after the call's own time-out.
TEST(PushClient, AConfirmedPushHasTimeForIt) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello();
    const auto request = connection.Receive();
    if (!request) return;
    EXPECT_EQ(request->push_keys().message().confirm_ms(), 20'000u);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    v1::Reply reply = TakenReply(request->id(), 2);
    reply.mutable_push()->mutable_deliveries()->set_delivered(2);
    connection.Send(reply);
    connection.AnswerAll(0);
  });
  PushClientOptions options = OptionsFor(node);
  options.call_timeout = absl::Milliseconds(200);
  const std::unique_ptr<PushClient> client = Open(options);
  PushMessage message = kMessage;
  message.confirm = absl::Microseconds(19'999'001);
  const auto report = client->PushKeys({"ann"}, message);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(report->deliveries.has_value());
  EXPECT_EQ(report->deliveries->delivered, 2u);
}

TEST(PushClient, ReadsRepliesInAnyPieces) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello();
    while (const auto request = connection.Receive()) {
      for (char byte : FrameOf(TakenReply(request->id(), 8))) {
        connection.SendBytes({&byte, 1});
        std::this_thread::yield();
      }
    }
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  for (int call = 0; call < 20; ++call) EXPECT_EQ(client->PushAll(kMessage)->taken, 8u);
}

TEST(PushClient, CarriesRequestsAndRepliesOfManyBuffers) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello(uint32_t{8} << 20);
    while (const auto request = connection.Receive()) {
      v1::Reply reply = TakenReply(request->id(), request->push_all().message().body().size());
      for (uint32_t i = 0; i < 500'000; ++i) reply.mutable_push()->add_refused()->set_index(i);
      connection.Send(reply);
    }
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  for (int call = 0; call < 2; ++call) {
    const auto report = client->PushAll({.op = 1, .body = std::string(5 << 20, 'b')});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->taken, size_t{5} << 20);
    ASSERT_EQ(report->refused.size(), 500'000u);
    EXPECT_EQ(report->refused.back().index, 499'999u);
  }
}

TEST(PushClient, PassesTheNodesRefusalOn) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello();
    while (const auto request = connection.Receive()) {
      v1::Reply reply;
      reply.set_id(request->id());
      reply.set_code(v1::CODE_INVALID_ARGUMENT);
      reply.set_error("no such thing");
      connection.Send(reply);
    }
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  EXPECT_EQ(client->PushAll(kMessage).status(), absl::InvalidArgumentError("no such thing"));
}

TEST(PushClient, GivesUpACallAtItsDeadlineAndGoesOn) {
  Gate expired;
  FakeNode node([&](FakeConnection& connection, int) {
    connection.Hello();
    const auto late = connection.Receive();
    expired.Wait();
    if (late) connection.Send(TakenReply(late->id(), 1));  // to nobody
    connection.AnswerAll(2);
  });
  PushClientOptions options = OptionsFor(node);
  options.call_timeout = absl::Milliseconds(50);
  const std::unique_ptr<PushClient> client = Open(options);
  EXPECT_EQ(client->PushAll(kMessage).status().code(), absl::StatusCode::kDeadlineExceeded);
  expired.Open();
  absl::StatusOr<PushReport> report = client->PushAll(kMessage);
  while (absl::IsDeadlineExceeded(report.status())) report = client->PushAll(kMessage);
  EXPECT_EQ(report->taken, 2u);
}

TEST(PushClient, KeepsWithinTheNodesLimit) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello(/*message_bytes=*/60);
    while (const auto request = connection.Receive()) {
      connection.Send(TakenReply(request->id(), request->ByteSizeLong()));
    }
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  // Find how much of a request is not body, then fill it to the byte.
  const uint64_t around = client->PushAll({.op = 1, .body = "x"})->taken - 1;
  EXPECT_EQ(client->PushAll({.op = 1, .body = std::string(60 - around, 'x')})->taken, 60u);
  const absl::Status status =
      client->PushAll({.op = 1, .body = std::string(61 - around, 'x')}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(PushClient, BoundsCallsInFlight) {
  Gate answer;
  FakeNode node([&](FakeConnection& connection, int) {
    connection.Hello();
    answer.Wait();
    connection.AnswerAll(1);
  });
  PushClientOptions options = OptionsFor(node);
  options.in_flight_max = 3;
  options.wait_when_full = false;
  const std::unique_ptr<PushClient> client = Open(options);
  Answers answers;
  for (int call = 0; call < 4; ++call) client->PushAll(kMessage, 0, answers.Next());
  answer.Open();
  client->Drain();
  const auto all = answers.all();
  for (size_t call = 0; call < 3; ++call) EXPECT_TRUE(all[call].ok()) << all[call].status();
  EXPECT_EQ(all[3].status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(PushClient, CancelsWhatIsInFlightWhenDestroyed) {
  Gate received;
  FakeNode node([&](FakeConnection& connection, int) {
    connection.Hello();
    connection.Receive();
    received.Open();
    connection.Receive();
  });
  std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  Answers answers;
  client->PushAll(kMessage, 0, answers.Next());
  received.Wait();
  client.reset();
  EXPECT_TRUE(absl::IsCancelled(answers.all().at(0).status()) ||
              absl::IsUnavailable(answers.all().at(0).status()));
}

// Goal: a window of calls kept open from callbacks, as a load generator does. Method: each answer
// starts the next call until enough have been made.
TEST(PushClient, KeepsAWindowOpenFromCallbacks) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello();
    connection.AnswerAll(1);
  });
  PushClientOptions options = OptionsFor(node);
  options.in_flight_max = 16;
  const std::unique_ptr<PushClient> client = Open(options);
  std::atomic<int> left{2000};
  std::atomic<uint64_t> taken{0};
  std::function<void()> start = [&] {
    if (left.fetch_sub(1) <= 0) return;
    client->PushAll(kMessage, 0, [&](absl::StatusOr<PushReport> report) {
      EXPECT_TRUE(report.ok()) << report.status();
      if (report.ok()) taken += report->taken;
      start();
    });
  };
  for (int window = 0; window < 16; ++window) start();
  client->Drain();
  EXPECT_EQ(taken.load(), 2000u);
}

TEST(PushClient, ServesManyThreadsAndKeepsEachOnesOrder) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 300;
  std::vector<std::string> orders(kThreads);
  {
    FakeNode node([&](FakeConnection& connection, int) {
      connection.Hello();
      while (const auto request = connection.Receive()) {
        orders[static_cast<size_t>(request->push_all().message().op())] +=
            request->push_all().message().body() + " ";
        connection.Send(TakenReply(request->id(), request->push_all().pace()));
      }
    });
    const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&client, thread] {
        for (int call = 0; call < kCalls; ++call) {
          const auto pace = static_cast<uint32_t>(thread * kCalls + call);
          client->PushAll({.op = thread, .body = std::to_string(call)}, pace,
                          [pace](absl::StatusOr<PushReport> report) {
                            EXPECT_EQ(report->taken, pace);
                          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    client->Drain();
  }
  std::string expected;
  for (int call = 0; call < kCalls; ++call) expected += std::to_string(call) + " ";
  for (const std::string& order : orders) EXPECT_EQ(order, expected);
}

}  // namespace
}  // namespace halley::client
