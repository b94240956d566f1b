#include "client/call_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>

namespace halley::client {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class CallTableTest : public ::testing::Test {
 protected:
  explicit CallTableTest(size_t in_flight_max = 4, size_t queued_bytes_max = 100)
      : table_(in_flight_max, queued_bytes_max) {}
  ~CallTableTest() override { table_.Close(absl::CancelledError("over")); }

  bool Start(uint64_t id, std::string frame = "frame",
             Clock::time_point deadline = Clock::now() + hours(1)) {
    return table_.Start(id, std::move(frame), deadline, false,
                        [this, id](absl::Status status, const push::v1::Reply& reply) {
                          EXPECT_TRUE(answers_.try_emplace(id, status).second) << "answered twice";
                          taken_[id] = reply.push().taken();
                        });
  }
  std::string Take(size_t bytes_max = 1000) {
    std::string frames;
    table_.TakeFrames(bytes_max, &frames);
    return frames;
  }
  absl::StatusCode CodeOf(uint64_t id) {
    const auto found = answers_.find(id);
    return found == answers_.end() ? absl::StatusCode::kUnknown : found->second.code();
  }

  CallTable table_;
  std::map<uint64_t, absl::Status> answers_;
  std::map<uint64_t, uint64_t> taken_;
};

TEST_F(CallTableTest, HandsFramesOutInOrderAndOnce) {
  (void)Start(1, "one");
  (void)Start(2, "two");
  EXPECT_EQ(Take(), "onetwo");
  EXPECT_EQ(Take(), "");
}

TEST_F(CallTableTest, HandsOutOneFrameAtLeastAndStopsAtTheBound) {
  (void)Start(1, "one");
  (void)Start(2, "two");
  (void)Start(3, "three");
  EXPECT_EQ(Take(1), "one");
  EXPECT_EQ(Take(4), "twothree");
}

TEST_F(CallTableTest, AnswersACallOnce) {
  (void)Start(1);
  push::v1::Reply reply;
  reply.mutable_push()->set_taken(9);
  EXPECT_TRUE(table_.Finish(1, absl::OkStatus(), reply));
  EXPECT_EQ(CodeOf(1), absl::StatusCode::kOk);
  EXPECT_EQ(taken_[1], 9u);
  EXPECT_FALSE(table_.Finish(1, absl::OkStatus(), reply));
  EXPECT_FALSE(table_.Finish(2, absl::OkStatus(), reply));
}

TEST_F(CallTableTest, RefusesMoreCallsThanAllowed) {
  for (uint64_t id = 1; id <= 4; ++id) (void)Start(id);
  (void)Start(5);
  EXPECT_EQ(CodeOf(5), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(table_.Finish(2, absl::OkStatus(), {}));
  (void)Start(6);
  EXPECT_EQ(answers_.count(6), 0u);
}

TEST_F(CallTableTest, RefusesMoreBytesThanAllowedButAlwaysTakesOneCall) {
  (void)Start(1, std::string(500, 'x'));
  (void)Start(2, "x");
  EXPECT_EQ(CodeOf(2), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Take().size(), 500u);
  (void)Start(3, std::string(100, 'x'));
  (void)Start(4, "x");
  EXPECT_EQ(answers_.count(3), 0u);
  EXPECT_EQ(CodeOf(4), absl::StatusCode::kResourceExhausted);
}

TEST_F(CallTableTest, ExpiresCallsAndSaysWhetherTheyWereSent) {
  const Clock::time_point now = Clock::now();
  (void)Start(1, "one", now + milliseconds(10));
  (void)Take();
  (void)Start(2, "two", now + milliseconds(10));
  (void)Start(3, "three", now + milliseconds(30));
  EXPECT_EQ(table_.BeginSleep().next_deadline, now + milliseconds(10));
  table_.Expire(now + milliseconds(9), "never sent");
  EXPECT_TRUE(answers_.empty());
  table_.Expire(now + milliseconds(10), "never sent");
  EXPECT_EQ(CodeOf(1), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(answers_[1].message(), "never sent");
  EXPECT_EQ(CodeOf(2), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(answers_[2].message(), "never sent");
  EXPECT_EQ(table_.BeginSleep().next_deadline, now + milliseconds(30));
  EXPECT_EQ(Take(), "three") << "what expired does not leave";
}

TEST_F(CallTableTest, TellsSentCallsFromUnsentOnes) {
  (void)Start(1, "one");
  (void)Take();
  (void)Start(2, "two");
  table_.FailSent(absl::UnavailableError("lost"));
  EXPECT_EQ(CodeOf(1), absl::StatusCode::kUnavailable);
  EXPECT_EQ(answers_.count(2), 0u);
  EXPECT_EQ(Take(), "two") << "it leaves on the next connection";
  (void)Start(3, "three");
  table_.FailUnsent(absl::UnauthenticatedError("no"));
  EXPECT_EQ(CodeOf(3), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(answers_.count(2), 0u);
  EXPECT_EQ(Take(), "");
}

TEST_F(CallTableTest, AnswersEverythingAtAndAfterClose) {
  (void)Start(1);
  (void)Take();
  (void)Start(2);
  table_.Close(absl::CancelledError("over"));
  (void)Start(3);
  for (uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(CodeOf(id), absl::StatusCode::kCancelled) << id;
}

TEST_F(CallTableTest, AsksToWakeOnlyWhoSleeps) {
  EXPECT_FALSE(Start(1));
  EXPECT_TRUE(table_.BeginSleep().unsent);
  EXPECT_TRUE(Start(2));
  EXPECT_FALSE(Start(3)) << "woken once";
  EXPECT_TRUE(table_.BeginSleep().unsent);
  table_.EndSleep();
  EXPECT_FALSE(Start(4));
}

TEST_F(CallTableTest, LetsACallbackStartTheNextCall) {
  (void)table_.Start(1, "one", Clock::now() + hours(1), false,
                     [this](absl::Status, const push::v1::Reply&) { (void)Start(2); });
  EXPECT_TRUE(table_.Finish(1, absl::OkStatus(), {}));
  EXPECT_TRUE(table_.Finish(2, absl::OkStatus(), {}));
  EXPECT_EQ(CodeOf(2), absl::StatusCode::kOk);
}

// Goal: a caller waits for room and gets it. Method: the table is full; another thread's call may
// enter only after one has been answered.
TEST_F(CallTableTest, LetsACallerWaitForRoom) {
  for (uint64_t id = 1; id <= 4; ++id) (void)Start(id);
  std::atomic<bool> entered{false};
  std::thread caller([&] {
    (void)table_.Start(5, "five", Clock::now() + hours(1), true,
                       [](absl::Status, const push::v1::Reply&) {});
    entered = true;
  });
  for (int look = 0; look < 10; ++look) {
    std::this_thread::sleep_for(milliseconds(1));
    EXPECT_FALSE(entered.load());
  }
  EXPECT_TRUE(table_.Finish(3, absl::OkStatus(), {}));
  caller.join();
  EXPECT_TRUE(table_.Finish(5, absl::OkStatus(), {}));
}

TEST_F(CallTableTest, LetsACallerWaitNoLongerThanItsDeadline) {
  for (uint64_t id = 1; id <= 4; ++id) (void)Start(id);
  absl::Status status;
  (void)table_.Start(5, "five", Clock::now() + milliseconds(5), true,
                     [&](absl::Status answer, const push::v1::Reply&) { status = answer; });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(CallTableTest, WakesWaitingCallersWhenItCloses) {
  for (uint64_t id = 1; id <= 4; ++id) (void)Start(id);
  absl::Status status;
  std::thread caller([&] {
    (void)table_.Start(
        5, "five", Clock::now() + hours(1), true,
        [&](absl::Status answer, const push::v1::Reply&) { status = answer; });
  });
  table_.Close(absl::CancelledError("over"));
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST_F(CallTableTest, DrainsOnlyWhenTheLastCallbackHasRun) {
  std::atomic<bool> ran{false};
  (void)table_.Start(1, "one", Clock::now() + hours(1), false,
                     [&](absl::Status, const push::v1::Reply&) { ran = true; });
  std::thread drainer([&] {
    table_.Drain();
    EXPECT_TRUE(ran.load());
  });
  EXPECT_TRUE(table_.Finish(1, absl::OkStatus(), {}));
  drainer.join();
}

}  // namespace
}  // namespace halley::client
