// What is EpollRing's own. What it has in common with the others is in ring_test.cc and the other
// tests that are called so.
#include "io/epoll_ring.h"

#include <string>
#include <vector>

#include "io/loopback.h"

namespace halley::io {
namespace {

using testing::Next;
using testing::Ready;
using testing::SendAll;
using testing::TcpPair;

constexpr Tag kTag{.slot = 1, .generation = 2, .op = Op::kWatch};

std::unique_ptr<EpollRing> StartRing(const EpollOptions& options = {}) {
  auto ring = EpollRing::Create(options);
  EXPECT_TRUE(ring.ok()) << ring.status();
  EXPECT_TRUE((*ring)->Start().ok());
  return *std::move(ring);
}

TEST(EpollRing, DescribesItself) {
  EXPECT_NE(StartRing()->Describe().find("epoll on Linux "), std::string::npos);
  EXPECT_NE(StartRing({.precise_wait = false})->Describe().find("waits to the millisecond"),
            std::string::npos);
}

// Without epoll_pwait2(2) a wait is longer than asked, by less than a millisecond, never shorter.
TEST(EpollRing, CoarseWaitsAreRoundedUp) {
  const auto ring = StartRing({.precise_wait = false});
  for (const uint64_t wait_ns : {1u, 999'999u, 1'000'000u, 1'000'001u}) {
    const uint64_t waited_ns = testing::WaitedNs(ring.get(), wait_ns);
    // The clock that counts the wait and ours are read at different moments.
    EXPECT_GE(waited_ns + 50'000, wait_ns);
    EXPECT_LT(waited_ns, 5'000'000'000u);
  }
  const TcpPair pair = TcpPair::Make();
  ring->PollOnce({.slot = 1, .op = Op::kPollOnce}, pair.ours.get());
  SendAll(pair.theirs.get(), "x");
  EXPECT_EQ(Next(ring.get()).value, kReadable);
}

TEST(EpollRing, CountsItsSystemCalls) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->Watch(kTag, pair.ours.get());
  EXPECT_EQ(ring->counters().enters, 1u);
  EXPECT_EQ(ring->counters().submissions, 1u);
  ring->Enter(1'000'000'000);
  EXPECT_EQ(ring->counters().enters, 2u);
  EXPECT_EQ(Next(ring.get()).value, kWritable);
  EXPECT_EQ(ring->counters().completions, 1u);

  const iovec part{const_cast<char*>("hello"), 5};
  const std::vector<base::FanoutTarget> targets(10, {.fd = pair.ours.get()});
  std::vector<base::SendException> exceptions;
  ring->SendSame({&part, 1}, targets, &exceptions);
  EXPECT_TRUE(exceptions.empty());
  EXPECT_EQ(ring->counters().sends, 10u);
  EXPECT_EQ(ring->counters().enters, 12u);
  EXPECT_EQ(ring->counters().submissions, 11u);
  ring->Cancel(kTag);
  EXPECT_EQ(ring->counters().enters, 13u);
  EXPECT_EQ(ring->counters().submissions, 12u);
  EXPECT_EQ(ring->counters().cq_overflows, 0u);
}

// A turn takes a bounded part of what is ready, and the next one the rest.
TEST(EpollRing, NoEdgeIsLostWhenMoreAreReadyThanATurnTakes) {
  constexpr uint32_t kSockets = 1000;
  const auto ring = StartRing();
  std::vector<TcpPair> pairs;
  for (uint32_t slot = 0; slot < kSockets; ++slot) {
    pairs.push_back(TcpPair::Make());
    ring->Watch({.slot = slot, .generation = 1, .op = Op::kWatch}, pairs.back().ours.get());
  }
  for (int wave = 0; wave < 3; ++wave) {
    for (const TcpPair& pair : pairs) SendAll(pair.theirs.get(), "x");
    std::vector<int> told(kSockets, 0);
    for (std::vector<Completion> ready; !(ready = Ready(ring.get())).empty();) {
      EXPECT_LE(ready.size(), 256u);
      for (const Completion& completion : ready) {
        EXPECT_EQ(completion.value & kReadable, kReadable);
        ++told[completion.tag.slot];
      }
    }
    EXPECT_EQ(told, std::vector<int>(kSockets, 1)) << "in wave " << wave;
  }
}

TEST(EpollRing, OutOfDescriptorsIsNamed) {
  for (const uint32_t room : {0u, 1u}) {
    const testing::DescriptorShortage shortage(room);
    const auto ring = EpollRing::Create();
    EXPECT_EQ(ring.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(ring.status().message().find("RLIMIT_NOFILE"), std::string::npos) << ring.status();
  }
}

TEST(EpollRing, ClosingBehindItsBackIsAsserted) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto ring = StartRing();
  TcpPair pair = TcpPair::Make();
  ring->Watch(kTag, pair.ours.get());
  pair.ours.Close();
  EXPECT_DEATH(ring->Cancel(kTag), "behind its ring's back");
}

}  // namespace
}  // namespace halley::io
