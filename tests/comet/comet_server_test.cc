// The server against a node that a test plays, called by gRPC's own client.
#include "comet/comet_server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/client_harness.h"
#include "client/fake_node.h"
#include "goim/comet.grpc.pb.h"
#include "gtest/gtest.h"

namespace halley::comet {
namespace {

using client::testing::FakeConnection;
using client::testing::FakeNode;
using client::testing::Gate;
using client::testing::Open;
using client::testing::OptionsFor;
using client::testing::TakenReply;
using goim::comet::PushMsgReply;
using goim::comet::PushMsgReq;

using Answer = std::function<void(FakeConnection& connection, const push::v1::Request& request)>;

// The server's pusher gets `answer`'s, and it has no other.
FakeNode::Script Says(Answer answer) {
  return [answer = std::move(answer)](FakeConnection& connection, int) {
    connection.Hello();
    while (const auto request = connection.Receive()) answer(connection, *request);
  };
}

class Served {
 public:
  explicit Served(Answer answer, const config::Options& given = {},
                  absl::Duration timeout = absl::Seconds(60))
      : node_(Says(answer)), asked_(Says(std::move(answer))) {
    config::Options options = given;
    options.listen.comet_grpc = "127.0.0.1:0";
    auto setup = OptionsFor(node_);
    setup.wait_when_full = false;
    setup.call_timeout = timeout;
    auto server = CometServer::Create(options, Open(setup), Open(OptionsFor(asked_)));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = goim::comet::Comet::NewStub(
        grpc::CreateChannel(server_->addresses().front(), grpc::InsecureChannelCredentials()));
  }

  goim::comet::Comet::Stub& stub() { return *stub_; }
  const std::string& address() const { return server_->addresses().front(); }

  grpc::Status Push(const PushMsgReq& request) {
    grpc::ClientContext context;
    PushMsgReply reply;
    return stub_->PushMsg(&context, request, &reply);
  }

 private:
  FakeNode node_;
  FakeNode asked_;
  std::unique_ptr<CometServer> server_;
  std::unique_ptr<goim::comet::Comet::Stub> stub_;
};

PushMsgReq RequestFor(const std::vector<std::string>& keys, const std::string& body = "hi") {
  PushMsgReq request;
  for (const std::string& key : keys) request.add_keys(key);
  request.set_protoop(1000);
  request.mutable_proto()->set_ver(1);
  request.mutable_proto()->set_op(1000);
  request.mutable_proto()->set_body(body);
  return request;
}

void ExpectStatus(const grpc::Status& status, grpc::StatusCode code, const std::string& sentence) {
  EXPECT_EQ(status.error_code(), code);
  EXPECT_EQ(status.error_message(), sentence);
}

TEST(CometServer, PushesToTheKeysThatSomebodyMayHave) {
  Served served([](FakeConnection& connection, const push::v1::Request& request) {
    ASSERT_TRUE(request.has_push_keys());
    ASSERT_EQ(request.push_keys().keys_size(), 2);
    EXPECT_EQ(request.push_keys().keys(0), "a");
    EXPECT_EQ(request.push_keys().keys(1), "\xff");  // no UTF-8
    EXPECT_EQ(request.push_keys().message().op(), 1000);
    EXPECT_EQ(request.push_keys().message().body(), "hi");
    connection.Send(TakenReply(request.id(), 2));
  });
  EXPECT_TRUE(served.Push(RequestFor({"a", "", "\xff"})).ok());
  // Of these nobody is asked.
  EXPECT_TRUE(served.Push(RequestFor({"", ""})).ok());
}

TEST(CometServer, FullQueuesAreToldAndNothingElseOfTheRefused) {
  Served served([](FakeConnection& connection, const push::v1::Request& request) {
    push::v1::Reply reply = TakenReply(request.id(), 1);
    for (int i = 0; i < request.push_keys().keys_size() - 1; ++i) {
      push::v1::Refused* const refused = reply.mutable_push()->add_refused();
      refused->set_index(static_cast<uint32_t>(i));
      refused->set_why(request.push_keys().keys(i) == "full" ? push::v1::REFUSAL_QUEUE_FULL
                                                             : push::v1::REFUSAL_OFFLINE);
    }
    connection.Send(reply);
  });
  EXPECT_TRUE(served.Push(RequestFor({"off", "off", "here"})).ok());
  ExpectStatus(served.Push(RequestFor({"full", "off", "full", "here"})),
               grpc::StatusCode::RESOURCE_EXHAUSTED,
               "2 of the keys have clients that read too slowly, and their queues are full; 1 clients "
               "were pushed to: push less, or see client.personal_overflow");
}

TEST(CometServer, WhatIsMissingIsSaid) {
  Served served([](FakeConnection&, const push::v1::Request&) { FAIL() << "nothing is to be pushed"; });
  const auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
  ExpectStatus(served.Push(RequestFor({})), invalid,
               "keys or proto are missing: goim's job always gives one");
  PushMsgReq no_proto = RequestFor({"a"});
  no_proto.clear_proto();
  ExpectStatus(served.Push(no_proto), invalid,
               "keys or proto are missing: goim's job always gives one");
  {
    grpc::ClientContext context;
    goim::comet::BroadcastReply reply;
    ExpectStatus(served.stub().Broadcast(&context, {}, &reply), invalid,
                 "proto is missing: goim's job always gives one");
  }
  goim::comet::BroadcastRoomReq request;
  request.mutable_proto()->set_op(1000);
  grpc::ClientContext context;
  goim::comet::BroadcastRoomReply reply;
  ExpectStatus(served.stub().BroadcastRoom(&context, request, &reply), invalid,
               "roomID or proto is missing: goim's job always gives one");
}

TEST(CometServer, ABroadcastHasItsPace) {
  std::vector<uint32_t> paces;
  {
    Served served([&paces](FakeConnection& connection, const push::v1::Request& request) {
      ASSERT_TRUE(request.has_push_all());
      EXPECT_TRUE(request.push_all().message().batch());
      paces.push_back(request.push_all().pace());
      connection.Send(TakenReply(request.id(), 5));
    });
    for (const int32_t speed : {0, 1, -1, INT32_MAX}) {
      goim::comet::BroadcastReq request;
      request.set_protoop(1000);
      request.set_speed(speed);
      request.mutable_proto()->set_op(9);
      grpc::ClientContext context;
      goim::comet::BroadcastReply reply;
      EXPECT_TRUE(served.stub().Broadcast(&context, request, &reply).ok());
    }
  }
  EXPECT_EQ(paces, (std::vector<uint32_t>{0, 1, 0, INT32_MAX}));
}

TEST(CometServer, RoomsAreThoseWhoseNamesCanBeSaid) {
  Served served([](FakeConnection& connection, const push::v1::Request& request) {
    ASSERT_TRUE(request.has_rooms());
    EXPECT_EQ(request.rooms().limit(), UINT32_MAX);
    EXPECT_EQ(request.rooms().order(), push::v1::ROOM_ORDER_NONE);
    push::v1::Reply reply;
    reply.set_id(request.id());
    for (const char* const room : {"live://1", "\xc0\x80", "live://2", "\xff"}) {
      reply.mutable_rooms()->add_rooms()->set_room(room);
    }
    connection.Send(reply);
  });
  grpc::ClientContext context;
  goim::comet::RoomsReply reply;
  ASSERT_TRUE(served.stub().Rooms(&context, {}, &reply).ok());
  EXPECT_EQ(reply.rooms_size(), 2);
  EXPECT_TRUE(reply.rooms().at("live://1"));
  EXPECT_TRUE(reply.rooms().at("live://2"));
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto left_out = trailing.find("halley-rooms-left-out");
  ASSERT_NE(left_out, trailing.end());
  EXPECT_EQ(std::string(left_out->second.data(), left_out->second.size()), "2");
}

TEST(CometServer, TheNodesRefusalIsTheCallers) {
  Served served([](FakeConnection& connection, const push::v1::Request& request) {
    push::v1::Reply reply;
    reply.set_id(request.id());
    reply.set_code(push::v1::CODE_INVALID_ARGUMENT);
    reply.set_error("the body is too long: send less");
    connection.Send(reply);
  });
  ExpectStatus(served.Push(RequestFor({"a"})), grpc::StatusCode::INVALID_ARGUMENT,
               "the body is too long: send less");
}

TEST(CometServer, ANodeThatDoesNotAnswerIsWaitedForSoLong) {
  Served served([](FakeConnection&, const push::v1::Request&) {}, {}, absl::Milliseconds(50));
  EXPECT_EQ(served.Push(RequestFor({"a"})).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST(CometServer, ACallMayBeSoLong) {
  config::Options options;
  options.push.message_bytes = 5000;
  Served served([](FakeConnection& connection, const push::v1::Request& request) {
    connection.Send(TakenReply(request.id(), 1));
  }, options);
  PushMsgReq request = RequestFor({"a"}, std::string(4000, 'x'));
  request.mutable_proto()->mutable_body()->append(5000 - request.ByteSizeLong(), 'x');
  ASSERT_EQ(request.ByteSizeLong(), 5000u);
  EXPECT_TRUE(served.Push(request).ok());
  request.mutable_proto()->mutable_body()->push_back('x');
  EXPECT_EQ(served.Push(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(CometServer, OneCallTooManyIsRefusedAndTheOthersAnswered) {
  Gate asked;
  Gate answer;
  config::Options options;
  options.comet_grpc.calls = 1;
  Served served([&](FakeConnection& connection, const push::v1::Request& request) {
    asked.Open();
    answer.Wait();
    connection.Send(TakenReply(request.id(), 1));
  }, options);
  grpc::Status first(grpc::StatusCode::UNKNOWN, "no answer yet");
  std::thread caller([&] { first = served.Push(RequestFor({"a"})); });
  asked.Wait();
  ExpectStatus(served.Push(RequestFor({"b"})), grpc::StatusCode::RESOURCE_EXHAUSTED,
               "1 calls are being answered: call less at a time, or raise comet_grpc.calls");
  answer.Open();
  caller.join();
  EXPECT_TRUE(first.ok()) << first.error_message();
  EXPECT_TRUE(served.Push(RequestFor({"c"})).ok());  // the refused one counts no longer
}

TEST(CometServer, PingIsAnsweredWithoutTheNode) {
  Served served([](FakeConnection&, const push::v1::Request&) { FAIL(); });
  grpc::ClientContext context;
  goim::comet::Empty reply;
  EXPECT_TRUE(served.stub().Ping(&context, {}, &reply).ok());
}

TEST(CometServer, AnAddressInUseIsSaid) {
  Served served([](FakeConnection&, const push::v1::Request&) {});
  config::Options options;
  options.listen.comet_grpc = served.address();
  FakeNode node(Says([](FakeConnection&, const push::v1::Request&) {}));
  FakeNode asked(Says([](FakeConnection&, const push::v1::Request&) {}));
  const auto second = CometServer::Create(options, Open(OptionsFor(node)), Open(OptionsFor(asked)));
  EXPECT_EQ(std::string(second.status().message()),
            "cannot listen on " + served.address() +
                " for goim's job: is another process using it? End that one or choose another port for "
                "listen.comet_grpc");
}

}  // namespace
}  // namespace halley::comet
