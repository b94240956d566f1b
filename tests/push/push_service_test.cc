#include "push/push_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "push/fake_runner.h"

namespace halley::push {
namespace {

using shard::JobKind;
using shard::RpcId;
using testing::FakeRunner;
using wire::CloseReason;

constexpr RpcId kPusher{7, 1};

class PushServiceTest : public ::testing::Test {
 protected:
  PushServiceTest() { Restart({}); }

  // A service with other options, and one pusher connected to it.
  void Restart(const config::PushOptions& options) {
    runner_ = FakeRunner();
    service_ = std::make_unique<PushService>(options);
    service_->Attach(&runner_);
    service_->OnOpened(kPusher, /*inside=*/false);
  }

  CloseReason Send(const v1::Request& request, RpcId from = kPusher) {
    return service_->OnFrame(from, request.SerializeAsString());
  }

  static v1::Request PushKey(uint64_t id, std::string key = "ann", std::string body = "hi") {
    v1::Request request;
    request.set_id(id);
    request.mutable_push_keys()->add_keys(std::move(key));
    request.mutable_push_keys()->mutable_message()->set_op(1000);
    request.mutable_push_keys()->mutable_message()->set_body(std::move(body));
    return request;
  }

  static v1::Request Hello(uint64_t id, std::string secret) {
    v1::Request request;
    request.set_id(id);
    request.mutable_hello()->set_secret(std::move(secret));
    return request;
  }

  void Done(size_t run, uint64_t taken) {
    shard::JobResult result;
    result.taken = taken;
    service_->OnJobDone(runner_.runs[run].connection, runner_.runs[run].ticket, std::move(result));
  }

  FakeRunner runner_;
  std::unique_ptr<PushService> service_;
};

TEST_F(PushServiceTest, RunsARequestAndAnswersWithItsResult) {
  ASSERT_EQ(Send(PushKey(5)), CloseReason::kNone);
  ASSERT_EQ(runner_.runs.size(), 1u);
  EXPECT_EQ(runner_.runs[0].job.kind, JobKind::kPushKeys);
  EXPECT_EQ(runner_.sent, "") << "not before the job is done";
  Done(0, 3);
  const v1::Reply reply = runner_.TakeReply();
  EXPECT_EQ(reply.id(), 5u);
  EXPECT_EQ(reply.code(), v1::CODE_OK);
  EXPECT_EQ(reply.push().taken(), 3u);
}

TEST_F(PushServiceTest, AsksNoSecretOfItsOwnProcess) {
  config::PushOptions options;
  options.secret = "s3cret";
  Restart(options);
  const RpcId inside{8, 1};
  service_->OnOpened(inside, /*inside=*/true);
  EXPECT_TRUE(service_->Authorized(inside));
  EXPECT_FALSE(service_->Authorized(kPusher));
  ASSERT_EQ(Send(Hello(1, ""), inside), CloseReason::kNone);
  EXPECT_EQ(runner_.TakeReply().code(), v1::CODE_OK);
  ASSERT_EQ(Send(PushKey(2), inside), CloseReason::kNone);
  EXPECT_EQ(runner_.runs.size(), 1u);
  // The pusher beside it must still show one.
  ASSERT_EQ(Send(Hello(3, "")), CloseReason::kRpcUnauthorized);
}

TEST_F(PushServiceTest, AnswersInTheOrderJobsEnd) {
  for (uint64_t id : {11, 12, 13}) ASSERT_EQ(Send(PushKey(id)), CloseReason::kNone);
  Done(2, 3);
  Done(0, 1);
  Done(1, 2);
  const std::vector<v1::Reply> replies = runner_.TakeReplies();
  ASSERT_EQ(replies.size(), 3u);
  for (const auto& [position, id] : {std::pair{0, 13u}, {1, 11u}, {2, 12u}}) {
    EXPECT_EQ(replies[static_cast<size_t>(position)].id(), id);
    EXPECT_EQ(replies[static_cast<size_t>(position)].push().taken(), id - 10);
  }
}

TEST_F(PushServiceTest, TakesAnAnswerWithinTheCall) {
  runner_.on_run = [this](const FakeRunner::Run& run) {
    service_->OnJobDone(run.connection, run.ticket, {});
  };
  config::PushOptions options;
  for (uint64_t id = 1; id <= 3 * options.pipelined; ++id) {
    ASSERT_EQ(Send(PushKey(id)), CloseReason::kNone);
  }
  EXPECT_EQ(runner_.TakeReplies().size(), 3 * options.pipelined);
  EXPECT_TRUE(runner_.pauses.empty());
}

TEST_F(PushServiceTest, StopsReadingAtThePipelineLimitAndResumesAtHalf) {
  config::PushOptions options;
  options.pipelined = 8;
  Restart(options);
  for (uint64_t id = 1; id <= 7; ++id) ASSERT_EQ(Send(PushKey(id)), CloseReason::kNone);
  EXPECT_TRUE(runner_.pauses.empty());
  ASSERT_EQ(Send(PushKey(8)), CloseReason::kNone);
  EXPECT_EQ(runner_.pauses, std::vector<bool>({true}));
  // A frame that the shard had already read.
  ASSERT_EQ(Send(PushKey(9)), CloseReason::kNone);
  for (size_t run = 0; run < 4; ++run) Done(run, 1);
  EXPECT_EQ(runner_.pauses, std::vector<bool>({true})) << "five are left, above the half";
  Done(4, 1);
  EXPECT_EQ(runner_.pauses, std::vector<bool>({true, false}));
  for (size_t run = 5; run < 9; ++run) Done(run, 1);
  EXPECT_EQ(runner_.pauses.size(), 2u);
  EXPECT_EQ(runner_.TakeReplies().size(), 9u);
}

TEST_F(PushServiceTest, StopsReadingWhenJobsHoldTooManyBytes) {
  config::PushOptions options;
  options.message_bytes = 1000;
  options.body_bytes = 1000;
  Restart(options);
  uint64_t sent = 0;
  while (runner_.pauses.empty() && sent < 100) {
    ASSERT_EQ(Send(PushKey(++sent, "ann", std::string(900, 'b'))), CloseReason::kNone);
  }
  EXPECT_EQ(runner_.pauses, std::vector<bool>({true}));
  EXPECT_LE(sent, 5u) << "four requests' worth, of which each is nearly one";
  for (size_t run = 0; run < sent; ++run) Done(run, 1);
  EXPECT_EQ(runner_.pauses, std::vector<bool>({true, false}));
}

TEST_F(PushServiceTest, AnswersAFaultyRequestAndGoesOn) {
  v1::Request request;
  request.set_id(3);
  request.mutable_push_keys()->mutable_message()->set_op(1000);
  ASSERT_EQ(Send(request), CloseReason::kNone);
  const v1::Reply reply = runner_.TakeReply();
  EXPECT_EQ(reply.id(), 3u);
  EXPECT_EQ(reply.code(), v1::CODE_INVALID_ARGUMENT);
  EXPECT_EQ(reply.error(), "no key is named: name at least one");
  EXPECT_EQ(reply.result_case(), v1::Reply::RESULT_NOT_SET);
  EXPECT_TRUE(runner_.runs.empty());
  ASSERT_EQ(Send(PushKey(4)), CloseReason::kNone);
  EXPECT_EQ(runner_.runs.size(), 1u);
}

TEST_F(PushServiceTest, RefusesRequestIdZero) {
  ASSERT_EQ(Send(PushKey(0)), CloseReason::kNone);
  EXPECT_EQ(runner_.TakeReply().code(), v1::CODE_INVALID_ARGUMENT);
  ASSERT_EQ(Send(Hello(0, "")), CloseReason::kNone);
  EXPECT_EQ(runner_.TakeReply().code(), v1::CODE_INVALID_ARGUMENT);
  EXPECT_TRUE(runner_.runs.empty());
}

TEST_F(PushServiceTest, AnswersACallItDoesNotKnowAsUnimplemented) {
  v1::Request request;
  request.set_id(3);
  ASSERT_EQ(Send(request), CloseReason::kNone);
  EXPECT_EQ(runner_.TakeReply().code(), v1::CODE_UNIMPLEMENTED);
  // A call of a later version: field 1000, a message of two bytes.
  ASSERT_EQ(service_->OnFrame(kPusher, std::string("\x08\x04\xc2\x3e\x02\x08\x01", 7)),
            CloseReason::kNone);
  const v1::Reply reply = runner_.TakeReply();
  EXPECT_EQ(reply.id(), 4u);
  EXPECT_EQ(reply.code(), v1::CODE_UNIMPLEMENTED);
}

TEST_F(PushServiceTest, ClosesOnWhatIsNoRequest) {
  EXPECT_EQ(service_->OnFrame(kPusher, "\xff\xff\xff"), CloseReason::kRpcBadRequest);
  const v1::Reply reply = runner_.TakeReply();
  EXPECT_EQ(reply.id(), 0u);
  EXPECT_EQ(reply.code(), v1::CODE_INVALID_ARGUMENT);
  EXPECT_NE(reply.error(), "");
}

// Goal: no frame, however mangled, crashes the service or leaves a request without its one answer.
// Method: every truncation and every single flipped bit of a request of each kind of field.
TEST_F(PushServiceTest, SurvivesTruncatedAndFlippedRequests) {
  v1::Request whole = PushKey(300, "some key", "some body");
  whole.mutable_push_keys()->add_keys("another");
  const std::string bytes = whole.SerializeAsString();
  runner_.on_run = [this](const FakeRunner::Run& run) {
    service_->OnJobDone(run.connection, run.ticket, {});
  };
  uint64_t frames = 0;
  const auto feed = [&](const std::string& mangled) {
    ++frames;
    const CloseReason reason = service_->OnFrame(kPusher, mangled);
    EXPECT_TRUE(reason == CloseReason::kNone || reason == CloseReason::kRpcBadRequest);
  };
  for (size_t size = 0; size < bytes.size(); ++size) feed(bytes.substr(0, size));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    feed(flipped);
  }
  EXPECT_EQ(runner_.TakeReplies().size(), frames);
}

TEST_F(PushServiceTest, TellsItsLimitsAtHello) {
  config::PushOptions options;
  options.message_bytes = 111;
  options.body_bytes = 22;
  options.pipelined = 3;
  Restart(options);
  ASSERT_EQ(Send(Hello(9, "whatever")), CloseReason::kNone) << "no secret, so none is wrong";
  const v1::Reply reply = runner_.TakeReply();
  EXPECT_EQ(reply.id(), 9u);
  EXPECT_EQ(reply.hello().message_bytes(), 111u);
  EXPECT_EQ(reply.hello().body_bytes(), 22u);
  EXPECT_EQ(reply.hello().pipelined(), 3u);
}

class PushSecretTest : public PushServiceTest {
 protected:
  PushSecretTest() {
    config::PushOptions options;
    options.secret = "s3cret";
    Restart(options);
  }
};

TEST_F(PushSecretTest, WantsTheSecretFirst) {
  EXPECT_FALSE(service_->Authorized(kPusher));
  EXPECT_EQ(Send(PushKey(5)), CloseReason::kRpcUnauthorized);
  const v1::Reply reply = runner_.TakeReply();
  EXPECT_EQ(reply.id(), 5u);
  EXPECT_EQ(reply.code(), v1::CODE_UNAUTHENTICATED);
  EXPECT_TRUE(runner_.runs.empty());
  EXPECT_FALSE(service_->Authorized(kPusher));
}

TEST_F(PushSecretTest, OpensWithTheSecret) {
  EXPECT_EQ(Send(Hello(1, "s3cret")), CloseReason::kNone);
  EXPECT_EQ(runner_.TakeReply().code(), v1::CODE_OK);
  EXPECT_TRUE(service_->Authorized(kPusher));
  EXPECT_EQ(Send(PushKey(2)), CloseReason::kNone);
  EXPECT_EQ(runner_.runs.size(), 1u);
}

TEST_F(PushSecretTest, ANewSecretIsForWhoComesFromNowOn) {
  EXPECT_EQ(Send(Hello(1, "s3cret")), CloseReason::kNone);
  EXPECT_EQ(runner_.TakeReply().code(), v1::CODE_OK);
  config::Options options;
  options.push.secret = "other";
  service_->OnOptions(options);
  EXPECT_TRUE(service_->Authorized(kPusher));
  EXPECT_EQ(Send(PushKey(2)), CloseReason::kNone);
  service_->OnClosed(kPusher);
  service_->OnOpened(kPusher, /*inside=*/false);
  EXPECT_EQ(Send(Hello(3, "s3cret")), CloseReason::kRpcUnauthorized);
  service_->OnClosed(kPusher);
  service_->OnOpened(kPusher, /*inside=*/false);
  EXPECT_EQ(Send(Hello(4, "other")), CloseReason::kNone);
}

TEST_F(PushSecretTest, RefusesEveryOtherSecret) {
  for (const char* wrong : {"", "s3cre", "s3cret2", "S3cret", "s3creT"}) {
    EXPECT_EQ(Send(Hello(1, wrong)), CloseReason::kRpcUnauthorized) << wrong;
    EXPECT_EQ(runner_.TakeReply().code(), v1::CODE_UNAUTHENTICATED);
    EXPECT_FALSE(service_->Authorized(kPusher));
  }
}

TEST_F(PushSecretTest, AWrongSecretTakesBackWhatARightOneGave) {
  EXPECT_EQ(Send(Hello(1, "s3cret")), CloseReason::kNone);
  EXPECT_EQ(Send(Hello(2, "other")), CloseReason::kRpcUnauthorized);
  EXPECT_FALSE(service_->Authorized(kPusher));
}

TEST_F(PushSecretTest, EveryConnectionShowsItsOwn) {
  EXPECT_EQ(Send(Hello(1, "s3cret")), CloseReason::kNone);
  service_->OnOpened({8, 1}, /*inside=*/false);
  EXPECT_FALSE(service_->Authorized({8, 1}));
  EXPECT_TRUE(service_->Authorized(kPusher));
  // The slot's next tenant is a stranger.
  service_->OnClosed(kPusher);
  service_->OnOpened({kPusher.slot, 2}, /*inside=*/false);
  EXPECT_FALSE(service_->Authorized({kPusher.slot, 2}));
  EXPECT_FALSE(service_->Authorized(kPusher));
}

TEST_F(PushServiceTest, DropsResultsOfAPusherThatLeft) {
  ASSERT_EQ(Send(PushKey(5)), CloseReason::kNone);
  service_->OnClosed(kPusher);
  Done(0, 1);
  service_->OnOpened({kPusher.slot, 2}, /*inside=*/false);
  ASSERT_EQ(Send(PushKey(6), {kPusher.slot, 2}), CloseReason::kNone);
  Done(0, 1);  // of the old generation, with the ticket that the new one now uses
  EXPECT_EQ(runner_.sent, "");
  Done(1, 1);
  EXPECT_EQ(runner_.TakeReply().id(), 6u);
}

// Other replies come in between, and what a pusher asked that left is nobody's.
TEST_F(PushServiceTest, AReplyOfRoomsIsWrittenAsTheyCome) {
  v1::Request question;
  question.set_id(5);
  question.mutable_rooms();
  ASSERT_EQ(Send(question), CloseReason::kNone);
  ASSERT_EQ(Send(PushKey(6)), CloseReason::kNone);
  const auto rooms = [this](std::vector<shard::RoomCount> some) {
    service_->OnRooms(runner_.runs[0].connection, runner_.runs[0].ticket, some);
  };
  rooms({{"b", 1}, {"a", 2}});
  Done(1, 1);
  EXPECT_EQ(runner_.TakeReply().id(), 6u);
  rooms({});
  rooms({{"\xff", 300}});
  EXPECT_EQ(runner_.sent, "") << "not before the job is done";
  shard::JobResult result;
  result.rooms_total = 70;
  service_->OnJobDone(runner_.runs[0].connection, runner_.runs[0].ticket, std::move(result));
  EXPECT_EQ(runner_.TakeReply().ShortDebugString(),
            R"(id: 5 rooms { rooms { room: "b" members: 1 } rooms { room: "a" members: 2 } )"
            R"(rooms { room: "\377" members: 300 } total: 70 })");

  ASSERT_EQ(Send(question), CloseReason::kNone);
  service_->OnClosed(kPusher);
  service_->OnRooms(kPusher, runner_.runs[2].ticket, std::vector<shard::RoomCount>{{"b", 1}});
  EXPECT_EQ(runner_.sent, "");
}

// Goal: tickets are never mixed up between requests that overlap. Method: requests of random ids
// start and end in a random order, and every reply must carry what its own job was given.
TEST_F(PushServiceTest, KeepsOverlappingRequestsApart) {
  std::mt19937 random(20240611);
  std::vector<size_t> open;
  uint64_t answered = 0;
  for (int step = 0; step < 5000; ++step) {
    if (open.size() < 40 && random() % 2 == 0) {
      const uint64_t id = 1 + random() % 1'000'000;
      ASSERT_EQ(Send(PushKey(id, std::to_string(id))), CloseReason::kNone);
      open.push_back(runner_.runs.size() - 1);
    } else if (!open.empty()) {
      const size_t pick = random() % open.size();
      const size_t run = open[pick];
      open.erase(open.begin() + static_cast<ptrdiff_t>(pick));
      const uint64_t id = std::stoull(runner_.runs[run].job.names.at(0));
      Done(run, id * 2);
      const v1::Reply reply = runner_.TakeReply();
      ASSERT_EQ(reply.id(), id);
      ASSERT_EQ(reply.push().taken(), id * 2);
      ++answered;
    }
  }
  EXPECT_GT(answered, 1000u);
}

TEST_F(PushServiceTest, CountsRequestsAndFaults) {
  ASSERT_EQ(Send(PushKey(5)), CloseReason::kNone);
  ASSERT_EQ(Send(PushKey(0)), CloseReason::kNone);
  ASSERT_EQ(service_->OnFrame(kPusher, "\xff"), CloseReason::kRpcBadRequest);
  shard::ShardStatus status;
  status.push_requests = 100;
  service_->AddStatus(&status);
  EXPECT_EQ(status.push_requests, 103u) << "added, not set";
  EXPECT_EQ(status.push_invalid, 2u);
  EXPECT_EQ(status.push_unauthorized, 0u);
}

TEST_F(PushSecretTest, CountsTheUnauthorized) {
  EXPECT_EQ(Send(Hello(1, "wrong")), CloseReason::kRpcUnauthorized);
  shard::ShardStatus status;
  service_->AddStatus(&status);
  EXPECT_EQ(status.push_requests, 1u);
  EXPECT_EQ(status.push_invalid, 0u);
  EXPECT_EQ(status.push_unauthorized, 1u);
}

}  // namespace
}  // namespace halley::push
