// How the push client opens, loses and reopens its connection.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "client/client_harness.h"
#include "client/fake_node.h"
#include "halley/push_client.h"

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

TEST(PushClientConnection, FailsWhatIsInFlightWhenTheNodeClosesMidReplyAndNeverRepeatsIt) {
  std::atomic<int> received{0};
  FakeNode node([&](FakeConnection& connection, int number) {
    connection.Hello();
    if (number == 0) {
      for (int call = 0; call < 2; ++call) {
        const auto request = connection.Receive();
        ++received;
        const std::string reply = FrameOf(TakenReply(request ? request->id() : 0, 1));
        connection.SendBytes(call == 0 ? reply : reply.substr(0, reply.size() - 1));
      }
      return;
    }
    while (const auto request = connection.Receive()) {
      ++received;
      connection.Send(TakenReply(request->id(), 5));
    }
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  EXPECT_EQ(client->PushAll(kMessage)->taken, 1u);
  const absl::Status lost = client->PushAll(kMessage).status();
  EXPECT_EQ(lost.code(), absl::StatusCode::kUnavailable) << lost;
  EXPECT_NE(std::string(lost.message()).find("may have been carried out"), std::string::npos);
  EXPECT_EQ(client->PushAll(kMessage)->taken, 5u) << "the connection was opened again";
  EXPECT_EQ(received.load(), 3);
}

TEST(PushClientConnection, LetsCallsWaitForTheConnectionThatComesBack) {
  Gate reopen;
  FakeNode node([&](FakeConnection& connection, int number) {
    if (number > 0) reopen.Wait();
    connection.Hello();
    if (number > 0) connection.AnswerAll(7);
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  // The first connection is closed by now or soon; a call that leaves before is lost with it.
  Answers answers;
  for (int call = 0; call < 3; ++call) client->PushAll(kMessage, 0, answers.Next());
  reopen.Open();
  absl::StatusOr<PushReport> report = client->PushAll(kMessage);
  while (absl::IsUnavailable(report.status())) report = client->PushAll(kMessage);
  EXPECT_EQ(report->taken, 7u);
  client->Drain();
  for (const auto& answer : answers.all()) {
    EXPECT_TRUE(answer.ok() || absl::IsUnavailable(answer.status())) << answer.status();
  }
}

TEST(PushClientConnection, SaysThatAnExpiredCallWasNeverSent) {
  FakeNode node([](FakeConnection& connection, int number) {
    if (number == 0) {
      connection.Hello();
    } else {
      connection.Receive();  // the hello, which is never answered
      connection.Receive();
    }
  });
  PushClientOptions options = OptionsFor(node);
  options.call_timeout = absl::Milliseconds(30);
  const std::unique_ptr<PushClient> client = Open(options);
  absl::Status status;
  do {
    status = client->PushAll(kMessage).status();
  } while (absl::IsUnavailable(status));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(std::string(status.message()).find("never sent"), std::string::npos) << status;
}

TEST(PushClientConnection, RefusesAnOversizedReplyAndConnectsAgain) {
  FakeNode node([](FakeConnection& connection, int number) {
    connection.Hello();
    if (number > 0) return connection.AnswerAll(4);
    connection.Receive();
    connection.SendBytes(std::string("\x00\x00\x04\x01", 4));  // 1025 bytes are to follow
    connection.Receive();
  });
  PushClientOptions options = OptionsFor(node);
  options.reply_bytes_max = 1024;
  const std::unique_ptr<PushClient> client = Open(options);
  const absl::Status status = client->PushAll(kMessage).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(status.message()).find("1025 bytes"), std::string::npos) << status;
  EXPECT_EQ(client->PushAll(kMessage)->taken, 4u);
}

TEST(PushClientConnection, EndsAConnectionThatSendsRubbish) {
  for (const std::string& rubbish :
       {std::string(4, '\0'), std::string("\x00\x00\x00\x03\xff\xff\xff", 7)}) {
    FakeNode node([&](FakeConnection& connection, int number) {
      connection.Hello();
      if (number > 0) return connection.AnswerAll(4);
      connection.Receive();
      connection.SendBytes(rubbish);
      connection.Receive();
    });
    const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
    EXPECT_EQ(client->PushAll(kMessage).status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(client->PushAll(kMessage)->taken, 4u);
  }
}

TEST(PushClientConnection, PassesOnWhyTheNodeCouldNotReadIt) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Hello();
    connection.Receive();
    v1::Reply reply;
    reply.set_code(v1::CODE_INVALID_ARGUMENT);
    reply.set_error("the frame holds no request");
    connection.Send(reply);
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  const absl::Status status = client->PushAll(kMessage).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(status.message()).find("the frame holds no request"), std::string::npos);
}

TEST(PushClientConnection, DoesNotConnectWithAWrongSecret) {
  FakeNode node([](FakeConnection& connection, int) {
    const auto request = connection.Receive();
    v1::Reply reply;
    reply.set_id(request ? request->id() : 0);
    reply.set_code(v1::CODE_UNAUTHENTICATED);
    reply.set_error("the secret is wrong");
    connection.Send(reply);
  });
  EXPECT_EQ(PushClient::Connect(OptionsFor(node)).status(),
            absl::UnauthenticatedError("the secret is wrong"));
}

TEST(PushClientConnection, TellsWaitingCallsThatTheSecretIsNoLongerRight) {
  FakeNode node([](FakeConnection& connection, int number) {
    if (number == 0) {
      connection.Hello();
      return;
    }
    const auto request = connection.Receive();
    v1::Reply reply;
    reply.set_id(request ? request->id() : 0);
    reply.set_code(v1::CODE_UNAUTHENTICATED);
    connection.Send(reply);
  });
  const std::unique_ptr<PushClient> client = Open(OptionsFor(node));
  absl::Status status;
  do {
    status = client->PushAll(kMessage).status();
  } while (absl::IsUnavailable(status));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
}

TEST(PushClientConnection, SaysWhyItCannotConnect) {
  PushClientOptions options;
  {
    FakeNode node([](FakeConnection&, int) {});
    options = OptionsFor(node);
    // It accepts and closes.
    EXPECT_EQ(PushClient::Connect(options).status().code(), absl::StatusCode::kUnavailable);
  }
  const absl::Status refused = PushClient::Connect(options).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(refused.message()).find("Connection refused"), std::string::npos);

  options.address = "no port";
  EXPECT_EQ(PushClient::Connect(options).status().code(), absl::StatusCode::kInvalidArgument);
  options.address = "127.0.0.1:1";
  options.in_flight_max = 0;
  EXPECT_EQ(PushClient::Connect(options).status().code(), absl::StatusCode::kInvalidArgument);
  options.in_flight_max = 1;
  options.backoff_min = absl::ZeroDuration();
  EXPECT_EQ(PushClient::Connect(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PushClientConnection, GivesUpConnectingInTime) {
  FakeNode node([](FakeConnection& connection, int) {
    connection.Receive();  // the hello, which is never answered
    connection.Receive();
  });
  PushClientOptions options = OptionsFor(node);
  options.connect_timeout = absl::Milliseconds(30);
  EXPECT_EQ(PushClient::Connect(options).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(PushClientConnection, AnswersAtOnceWhenItMayNotReconnect) {
  FakeNode node([](FakeConnection& connection, int number) {
    EXPECT_EQ(number, 0);
    connection.Hello();
    connection.Receive();
  });
  PushClientOptions options = OptionsFor(node);
  options.reconnect = false;
  const std::unique_ptr<PushClient> client = Open(options);
  for (int call = 0; call < 3; ++call) {
    EXPECT_EQ(client->PushAll(kMessage).status().code(), absl::StatusCode::kUnavailable);
  }
}

}  // namespace
}  // namespace halley::client
