// Descriptors on their way from one ring to another.
#include <sched.h>

#include <array>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "io/loopback.h"
#include "io/ring_kinds.h"

namespace halley::io {
namespace {

using testing::IsOpen;
using testing::Next;
using testing::OwnedFd;
using testing::Ready;
using testing::ReceiveAll;
using testing::RingTest;
using testing::SendAll;
using testing::TcpPair;

constexpr size_t kPassagesMax = Ring::kPassagesMax;

// ThreadSanitizer (gcc 12, clang 14) knows one descriptor table per process and takes equal numbers
// in two tables for one descriptor, so under it the threads share theirs.
#if defined(__SANITIZE_THREAD__)
constexpr bool kPrivateTables = false;
#elif defined(__has_feature)
constexpr bool kPrivateTables = !__has_feature(thread_sanitizer);
#else
constexpr bool kPrivateTables = true;
#endif

void LeaveSharedTable() {
  EXPECT_TRUE(!kPrivateTables || ::unshare(CLONE_FILES) == 0);
}

class RingPassingTest : public RingTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, RingPassingTest, ::testing::ValuesIn(testing::kRingKinds),
                         testing::NameOfKind);

// Two shards with private descriptor tables pass 200 connections one way, by way of their rings.
TEST_P(RingPassingTest, BetweenThreadsWithPrivateTables) {
  constexpr uint32_t kCount = 200;
  const auto rings = ConnectedRings(2);

  std::latch ready(2);
  std::thread sender([&] {
    Ring* ring = rings[0].get();
    LeaveSharedTable();
    ASSERT_TRUE(ring->Start().ok());
    ready.arrive_and_wait();
    std::vector<TcpPair> pairs;
    for (uint32_t i = 0; i < kCount; ++i) pairs.push_back(TcpPair::Make());
    std::vector<Passage> batch;
    for (uint32_t i = 0; i < kCount; ++i) {
      batch.push_back({pairs[i].ours.Release(), i});
      if (batch.size() < kPassagesMax && i + 1 < kCount) continue;
      while (!ring->PassDescriptors(1, batch)) std::this_thread::yield();
      for (const Passage& passage : batch) {
        EXPECT_TRUE(!kPrivateTables || !IsOpen(passage.fd));
      }
      ring->Wake(1);
      ring->Enter(0);
      batch.clear();
    }
    for (uint32_t i = 0; i < kCount; ++i) {
      const std::string text = std::to_string(i);
      ASSERT_EQ(ReceiveAll(pairs[i].theirs.get(), text.size()), text);
      ASSERT_TRUE(testing::Ends(pairs[i].theirs.get()));
    }
  });
  std::thread receiver([&] {
    Ring* ring = rings[1].get();
    LeaveSharedTable();
    ASSERT_TRUE(ring->Start().ok());
    ready.arrive_and_wait();
    uint32_t expected = 0;
    while (expected < kCount) {
      ASSERT_EQ(Next(ring).tag.op, Op::kWake);
      std::array<Passage, kPassagesMax> in;
      for (size_t count; (count = ring->TakeDescriptors(0, absl::MakeSpan(in))) > 0;) {
        for (const Passage& passage : absl::MakeSpan(in).first(count)) {
          EXPECT_EQ(passage.token, expected++);
          const OwnedFd arrived(passage.fd);
          SendAll(arrived.get(), std::to_string(passage.token));
        }
      }
    }
  });
  sender.join();
  receiver.join();
}

// As a client that logs in on a shard that does not own its key, there and back: polled here,
// watched there. The shard it has left hears no more of it, though it lives on.
TEST_P(RingPassingTest, APolledDescriptorIsWatchedByAnotherRing) {
  const auto rings = ConnectedRings(2);
  for (const auto& ring : rings) ASSERT_TRUE(ring->Start().ok());
  TcpPair pair = TcpPair::Make();
  int fd = pair.ours.Release();
  char byte;
  for (uint32_t generation = 1; generation <= 6; ++generation) {
    Ring* here = rings[generation % 2].get();
    Ring* there = rings[1 - generation % 2].get();
    here->PollOnce({.slot = 1, .generation = generation, .op = Op::kPollOnce}, fd);
    SendAll(pair.theirs.get(), "a");
    EXPECT_EQ(Next(here).tag.generation, generation);
    EXPECT_EQ(here->Receive(fd, &byte, 1).bytes, 1u);
    const Passage passage{fd, generation};
    ASSERT_TRUE(here->PassDescriptors(1 - generation % 2, {&passage, 1}));
    EXPECT_FALSE(IsOpen(fd));

    std::array<Passage, kPassagesMax> in;
    ASSERT_EQ(there->TakeDescriptors(generation % 2, absl::MakeSpan(in)), 1u);
    fd = in[0].fd;
    const Tag watch{.slot = 2, .generation = generation, .op = Op::kWatch};
    there->Watch(watch, fd);
    EXPECT_EQ(Next(there).value, kWritable);
    SendAll(pair.theirs.get(), "b");
    EXPECT_EQ(Next(there).tag.generation, generation);
    EXPECT_EQ(there->Receive(fd, &byte, 1).bytes, 1u);
    EXPECT_TRUE(Ready(here).empty());
    there->Cancel(watch);
    EXPECT_EQ(Next(there).outcome, Outcome::kEnd);
  }
  rings[0]->Close(fd);
  EXPECT_TRUE(testing::Ends(pair.theirs.get()));
}

}  // namespace
}  // namespace halley::io
