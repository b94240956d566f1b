// What io/ring.h promises, on every kind of ring.
#include "io/ring.h"

#include <string>
#include <thread>
#include <vector>

#include "io/loopback.h"
#include "io/ring_kinds.h"
#include "io/tag_bits.h"

namespace halley::io {
namespace {

using testing::Next;
using testing::OwnedFd;
using testing::Ready;
using testing::ReceiveAll;
using testing::RingTest;
using testing::SendAll;
using testing::TcpPair;

constexpr Tag kTag{.slot = 0xABCDEF, .generation = 0x123456, .op = Op::kWatch};

Tag TagOf(uint32_t slot, Op op) { return {.slot = slot, .generation = 1, .op = op}; }

// Fills the socket until it takes no more.
void Fill(Ring* ring, int fd) {
  const std::string payload(1 << 16, 'x');
  const iovec part{const_cast<char*>(payload.data()), payload.size()};
  const base::FanoutTarget target{.fd = fd};
  std::vector<base::SendException> exceptions;
  do {
    exceptions.clear();
    ring->SendSame({&part, 1}, {&target, 1}, &exceptions);
  } while (exceptions.empty() || exceptions[0].result > 0);
  EXPECT_EQ(exceptions[0].result, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RingTest, ::testing::ValuesIn(testing::kRingKinds),
                         testing::NameOfKind);

TEST(TagBits, TagsSurviveTheKernel) {
  const Tag tag = UnpackTag(PackTag(kTag));
  EXPECT_EQ(tag.slot, kTag.slot);
  EXPECT_EQ(tag.generation, kTag.generation);
  EXPECT_EQ(tag.op, kTag.op);
  EXPECT_EQ(UnpackTag(PackTag({.slot = 0xFFFFFF, .op = Op::kAccept})).generation, 0u);
  EXPECT_EQ(UnpackTag(PackTag({.generation = 0xFFFFFF, .op = Op::kAccept})).slot, 0u);
}

TEST_P(RingTest, PollOnceCompletesOnce) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->PollOnce(TagOf(7, Op::kPollOnce), pair.ours.get());
  EXPECT_TRUE(Ready(ring.get()).empty());  // writable is not what was asked for

  SendAll(pair.theirs.get(), "a");
  const Completion done = Next(ring.get());
  EXPECT_EQ(done.tag.op, Op::kPollOnce);
  EXPECT_EQ(done.tag.slot, 7u);
  EXPECT_EQ(done.outcome, Outcome::kOk);
  EXPECT_EQ(done.value, kReadable);
  EXPECT_FALSE(done.more);
  SendAll(pair.theirs.get(), "b");
  EXPECT_TRUE(Ready(ring.get()).empty());
}

TEST_P(RingTest, PollOnceReportsTheEndOfTheStream) {
  const auto ring = StartRing();
  TcpPair pair = TcpPair::Make();
  ring->PollOnce(TagOf(7, Op::kPollOnce), pair.ours.get());
  ring->Enter(0);
  pair.theirs.Close();
  EXPECT_EQ(Next(ring.get()).value & kReadable, kReadable);
}

TEST_P(RingTest, WatchSaysWritableFirstThenReportsArrivalsOnly) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->Watch(kTag, pair.ours.get());
  const Completion first = Next(ring.get());
  EXPECT_EQ(first.value, kWritable);
  EXPECT_TRUE(first.more);

  // An ordinary request and reply: one completion each, however often.
  char buffer[64];
  std::vector<base::SendException> exceptions;
  for (int i = 0; i < 200; ++i) {
    SendAll(pair.theirs.get(), "request");
    const Completion arrived = Next(ring.get());
    EXPECT_EQ(arrived.tag.slot, kTag.slot);
    EXPECT_EQ(arrived.tag.generation, kTag.generation);
    EXPECT_EQ(arrived.value & kReadable, kReadable);
    EXPECT_TRUE(arrived.more);
    EXPECT_EQ(ring->Receive(pair.ours.get(), buffer, sizeof buffer).bytes, 7u);
    const iovec reply{const_cast<char*>("reply"), 5};
    const SendRequest request{pair.ours.get(), &reply, 1};
    ring->SendEach({&request, 1}, &exceptions);
    EXPECT_EQ(ReceiveAll(pair.theirs.get(), 5), "reply");
  }
  EXPECT_TRUE(exceptions.empty());
  EXPECT_TRUE(Ready(ring.get()).empty());
  EXPECT_EQ(ring->counters().completions, 201u);
}

TEST_P(RingTest, WatchIsSilentAboutDataLeftUnread) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->Watch(kTag, pair.ours.get());
  Next(ring.get());
  SendAll(pair.theirs.get(), "one");
  EXPECT_EQ(Next(ring.get()).value & kReadable, kReadable);
  EXPECT_TRUE(Ready(ring.get()).empty());
  EXPECT_TRUE(Ready(ring.get()).empty());
  SendAll(pair.theirs.get(), "two");
  EXPECT_EQ(Next(ring.get()).value & kReadable, kReadable);
  char buffer[64];
  EXPECT_EQ(ring->Receive(pair.ours.get(), buffer, sizeof buffer).bytes, 6u);
}

TEST_P(RingTest, WatchReportsRoomAfterAShortSendAndStaysArmed) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make(8192);
  ring->Watch(kTag, pair.ours.get());
  Next(ring.get());
  const uint64_t limit_ns = ring->NowNs() + 20'000'000'000;
  uint64_t edges = 0;
  for (int round = 0; round < 20; ++round) {
    Fill(ring.get(), pair.ours.get());
    std::vector<Completion> room;
    while (room.empty()) {
      ASSERT_LT(ring->NowNs(), limit_ns);
      testing::ReceiveNowAll(pair.theirs.get());
      room = Ready(ring.get());
    }
    EXPECT_EQ(room.front().value, kWritable);
    EXPECT_TRUE(room.front().more);
    edges += room.size();
  }
  EXPECT_LE(edges, ring->counters().send_exceptions) << "room is news after a short send only";
}

TEST_P(RingTest, WatchReportsEndAndReset) {
  const auto ring = StartRing();
  TcpPair ended = TcpPair::Make();
  TcpPair reset = TcpPair::Make();
  ring->Watch(TagOf(1, Op::kWatch), ended.ours.get());
  ring->Watch(TagOf(2, Op::kWatch), reset.ours.get());
  Next(ring.get());
  Next(ring.get());

  ::shutdown(ended.theirs.get(), SHUT_WR);
  const Completion end = Next(ring.get());
  EXPECT_EQ(end.tag.slot, 1u);
  EXPECT_EQ(end.value & (kReadable | kEnded | kHangup), kReadable | kEnded);
  EXPECT_TRUE(end.more);
  char buffer[8];
  EXPECT_EQ(ring->Receive(ended.ours.get(), buffer, sizeof buffer).outcome, Outcome::kEnd);

  reset.theirs.Reset();
  const Completion hangup = Next(ring.get());
  EXPECT_EQ(hangup.tag.slot, 2u);
  EXPECT_EQ(hangup.value & kHangup, kHangup);
  EXPECT_TRUE(hangup.more);
  EXPECT_EQ(ring->Receive(reset.ours.get(), buffer, sizeof buffer).outcome, Outcome::kReset);
}

TEST_P(RingTest, CancelEndsAWatchAndTheSocketCanBeClosed) {
  const auto ring = StartRing();
  TcpPair pair = TcpPair::Make();
  ring->Watch(kTag, pair.ours.get());
  Next(ring.get());
  ring->Cancel(kTag);
  const Completion last = Next(ring.get());
  EXPECT_EQ(last.tag.op, Op::kWatch);
  EXPECT_EQ(last.tag.generation, kTag.generation);
  EXPECT_EQ(last.outcome, Outcome::kEnd);
  EXPECT_FALSE(last.more);

  // Nothing holds the file any more, so the peer sees the end at once.
  ring->Close(pair.ours.Release());
  EXPECT_TRUE(testing::Ends(pair.theirs.get()));
  EXPECT_TRUE(Ready(ring.get()).empty());
}

TEST_P(RingTest, CancelReachesAnOperationOfTheSameTurn) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->PollOnce(TagOf(3, Op::kPollOnce), pair.ours.get());
  ring->Cancel(TagOf(3, Op::kPollOnce));
  const Completion last = Next(ring.get());
  EXPECT_EQ(last.tag.slot, 3u);
  EXPECT_EQ(last.outcome, Outcome::kEnd);
  EXPECT_TRUE(Ready(ring.get()).empty());
}

TEST_P(RingTest, CancelOfWhatHasEndedIsSilent) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->PollOnce(TagOf(3, Op::kPollOnce), pair.ours.get());
  ring->Enter(0);
  SendAll(pair.theirs.get(), "x");
  EXPECT_EQ(Next(ring.get()).outcome, Outcome::kOk);
  ring->Cancel(TagOf(3, Op::kPollOnce));
  ring->Cancel(TagOf(4, Op::kWatch));
  EXPECT_TRUE(Ready(ring.get()).empty());
}

// What waits for Reap() must not be slept over, whoever queued it.
TEST_P(RingTest, ALastCompletionEndsAWaitAtOnce) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->PollOnce(TagOf(3, Op::kPollOnce), pair.ours.get());
  ring->Enter(0);
  ring->Cancel(TagOf(3, Op::kPollOnce));
  const uint64_t start_ns = ring->NowNs();
  ring->Enter(30'000'000'000);
  EXPECT_LT(ring->NowNs() - start_ns, 10'000'000'000u);
  EXPECT_EQ(Next(ring.get()).outcome, Outcome::kEnd);
}

// An edge that came before the cancel is told before the end, never after it.
TEST_P(RingTest, NothingFollowsTheEndOfAWatch) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->Watch(kTag, pair.ours.get());
  Next(ring.get());
  for (uint32_t generation = 1; generation <= 20; ++generation) {
    SendAll(pair.theirs.get(), "x");
    ring->Enter(generation % 2 == 0 ? 0 : 1'000'000);
    ring->Cancel(kTag);
    SendAll(pair.theirs.get(), "y");
    Completion last = Next(ring.get());
    while (last.more) last = Next(ring.get());
    EXPECT_EQ(last.outcome, Outcome::kEnd);
    EXPECT_TRUE(Ready(ring.get()).empty());
    // What lies unread is told when it is armed again.
    ring->Watch(kTag, pair.ours.get());
    EXPECT_EQ(Next(ring.get()).value & kReadable, kReadable);
  }
}

// The life of a client: a poll for its login, read, then a watch on the same descriptor.
TEST_P(RingTest, AWatchFollowsAPollOnTheSameDescriptor) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  char buffer[8];
  for (int i = 0; i < 3; ++i) {
    ring->PollOnce(TagOf(3, Op::kPollOnce), pair.ours.get());
    EXPECT_TRUE(Ready(ring.get()).empty());
    SendAll(pair.theirs.get(), "a");
    const Completion polled = Next(ring.get());
    EXPECT_EQ(polled.tag.op, Op::kPollOnce);
    EXPECT_FALSE(polled.more);
    EXPECT_EQ(ring->Receive(pair.ours.get(), buffer, sizeof buffer).bytes, 1u);
  }
  ring->Watch(TagOf(3, Op::kWatch), pair.ours.get());
  EXPECT_EQ(Next(ring.get()).value, kWritable);
  SendAll(pair.theirs.get(), "b");
  const Completion watched = Next(ring.get());
  EXPECT_EQ(watched.tag.op, Op::kWatch);
  EXPECT_EQ(watched.value & kReadable, kReadable);
}

TEST_P(RingTest, ArmingWhatIsNoDescriptorFails) {
  const auto ring = StartRing();
  int number;
  {
    const OwnedFd gone(::dup(0));
    number = gone.get();
  }
  ring->Watch(kTag, number);
  const Completion last = Next(ring.get());
  EXPECT_EQ(last.tag.slot, kTag.slot);
  EXPECT_EQ(last.outcome, Outcome::kFailed);
  EXPECT_FALSE(last.more);
}

// A descriptor that has a copy elsewhere, as in another shard's table, is heard of no more once it
// is closed, and its number serves another connection.
TEST_P(RingTest, AClosedDescriptorIsSilentThoughACopyLives) {
  const auto ring = StartRing();
  TcpPair pair = TcpPair::Make();
  const TcpPair other = TcpPair::Make();
  const OwnedFd copy(::dup(pair.ours.get()));
  ring->PollOnce(TagOf(3, Op::kPollOnce), pair.ours.get());
  SendAll(pair.theirs.get(), "a");
  Next(ring.get());
  const int number = pair.ours.Release();
  ring->Close(number);
  SendAll(pair.theirs.get(), "b");
  EXPECT_TRUE(Ready(ring.get()).empty());

  const OwnedFd again(::fcntl(other.ours.get(), F_DUPFD_CLOEXEC, number));
  ASSERT_EQ(again.get(), number);
  ring->Watch(TagOf(4, Op::kWatch), number);
  SendAll(pair.theirs.get(), "c");
  SendAll(other.theirs.get(), "d");
  for (const Completion& completion : Ready(ring.get())) EXPECT_EQ(completion.tag.slot, 4u);
  char byte;
  EXPECT_EQ(ring->Receive(number, &byte, 1).bytes, 1u);
  EXPECT_EQ(byte, 'd');
}

// A watch of an earlier connection must end under its own tag, even when its descriptor's number
// and slot serve a new connection by then.
TEST_P(RingTest, ALateEndKeepsItsOwnTag) {
  const auto ring = StartRing();
  TcpPair old_pair = TcpPair::Make();
  const TcpPair new_pair = TcpPair::Make();
  const int number = old_pair.ours.get();
  ring->Watch({.slot = 5, .generation = 1, .op = Op::kWatch}, number);
  Next(ring.get());
  ring->Cancel({.slot = 5, .generation = 1, .op = Op::kWatch});
  ring->Enter(0);
  const OwnedFd reused(::dup2(new_pair.ours.get(), old_pair.ours.Release()));
  ASSERT_EQ(reused.get(), number);
  ring->Watch({.slot = 5, .generation = 2, .op = Op::kWatch}, number);
  const Completion old_end = Next(ring.get());
  EXPECT_EQ(old_end.tag.generation, 1u);
  EXPECT_EQ(old_end.outcome, Outcome::kEnd);
  const Completion new_first = Next(ring.get());
  EXPECT_EQ(new_first.tag.generation, 2u);
  EXPECT_EQ(new_first.value, kWritable);
  ring->Cancel({.slot = 5, .generation = 2, .op = Op::kWatch});
  EXPECT_EQ(Next(ring.get()).tag.generation, 2u);
}

TEST_P(RingTest, EnterWaitsAtMostAsLongAsAsked) {
  const auto ring = StartRing();
  const uint64_t waited_ns = testing::WaitedNs(ring.get(), 5'000'000);
  EXPECT_GE(waited_ns, 4'000'000u);
  EXPECT_LT(waited_ns, 5'000'000'000u);
}

// By the time the destructor returns, not some time later: what is closed next is closed at once.
TEST_P(RingTest, DestroyingARingEndsWhatIsArmed) {
  TcpPair pair = testing::LocalPair(8192);
  {
    const auto ring = StartRing();
    ring->Watch(kTag, pair.ours.get());
    Next(ring.get());
  }
  pair.ours.Close();
  char byte;
  EXPECT_EQ(::recv(pair.theirs.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_P(RingTest, ARingMayBeDestroyedAfterItsThreadHasEnded) {
  TcpPair pair = TcpPair::Make();
  std::unique_ptr<Ring> ring;
  std::thread owner([&] {
    ring = StartRing();
    ring->Watch(kTag, pair.ours.get());
    Next(ring.get());
  });
  owner.join();
  ring.reset();
  pair.ours.Close();
  EXPECT_TRUE(testing::Ends(pair.theirs.get()));
}

}  // namespace
}  // namespace halley::io
