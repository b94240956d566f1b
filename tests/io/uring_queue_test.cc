#include "io/uring_queue.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "io/loopback.h"
#include "io/uring_abi.h"
#include "io/uring_ring.h"

namespace halley::io {
namespace {

using testing::UringTest;
using testing::TcpPair;

class UringQueueTest : public UringTest {
 protected:
  void Nop(UringQueue* queue, uint64_t user_data) {
    io_uring_sqe* sqe = queue->NextSqe();
    io_uring_prep_nop(sqe);
    sqe->user_data = user_data;
  }
};

TEST_F(UringQueueTest, ManyMoreOperationsThanEntriesCompleteInOrder) {
  UringQueue queue;
  ASSERT_EQ(queue.Open(4, 8), 0);
  ASSERT_EQ(queue.Enable(), 0);
  constexpr uint64_t kCount = 1000;
  for (uint64_t i = 0; i < kCount; ++i) Nop(&queue, i);
  uint64_t expected = 0;
  RawCqe cqe;
  while (expected < kCount) {
    queue.Poll();
    while (queue.Pop(&cqe)) EXPECT_EQ(cqe.user_data, expected++);
  }
  EXPECT_EQ(queue.submissions(), kCount);
  EXPECT_GT(queue.overflows(), 0u);
}

TEST_F(UringQueueTest, DivertTakesSomeAndKeepsTheRestInOrder) {
  UringQueue queue;
  ASSERT_EQ(queue.Open(4, 8), 0);
  ASSERT_EQ(queue.Enable(), 0);
  for (uint64_t i = 0; i < 40; ++i) Nop(&queue, i);
  queue.SubmitAll();
  std::vector<uint64_t> taken;
  queue.Divert([&](const RawCqe& cqe) {
    if (cqe.user_data % 4 != 0) return false;
    taken.push_back(cqe.user_data);
    return true;
  });
  EXPECT_EQ(taken, (std::vector<uint64_t>{0, 4, 8, 12, 16, 20, 24, 28, 32, 36}));
  Nop(&queue, 41);
  queue.Poll();
  std::vector<uint64_t> kept;
  for (RawCqe cqe; queue.Pop(&cqe);) kept.push_back(cqe.user_data);
  ASSERT_EQ(kept.size(), 31u);
  for (size_t i = 1; i < kept.size(); ++i) EXPECT_LT(kept[i - 1], kept[i]);
}

TEST_F(UringQueueTest, EntriesCarryNothingOverFromEarlierOnes) {
  UringQueue queue;
  ASSERT_EQ(queue.Open(2, 4), 0);
  ASSERT_EQ(queue.Enable(), 0);
  for (int i = 0; i < 2; ++i) std::memset(queue.NextSlot(), 0xFF, sizeof(io_uring_sqe));
  queue.SubmitAll();
  const io_uring_sqe clean{};
  for (int i = 0; i < 2; ++i) EXPECT_EQ(std::memcmp(queue.NextSqe(), &clean, sizeof clean), 0);
}

TEST_F(UringQueueTest, AChildProcessSharesNeitherMemoryNorDescriptor) {
  UringQueue queue;
  ASSERT_EQ(queue.Open(64, 128), 0);
  EXPECT_EQ(::fcntl(queue.fd(), F_GETFD), FD_CLOEXEC);
  std::ifstream maps("/proc/self/smaps");
  bool in_ring = false;
  int found = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("io_uring") != std::string::npos) in_ring = true;
    if (in_ring && line.rfind("VmFlags:", 0) == 0) {
      EXPECT_NE(line.find(" dc"), std::string::npos) << line;
      in_ring = false;
      ++found;
    }
  }
  EXPECT_GT(found, 0);
}

TEST_F(UringQueueTest, ARestrictedRingRefusesWhatWasNotNamed) {
  UringQueue queue;
  ASSERT_EQ(queue.Open(8, 16), 0);
  const uint8_t operations[] = {IORING_OP_NOP};
  ASSERT_EQ(queue.Restrict(operations, IOSQE_CQE_SKIP_SUCCESS), 0);
  EXPECT_TRUE(queue.restricted());
  ASSERT_EQ(queue.Enable(), 0);
  EXPECT_TRUE(queue.registered());

  io_uring_sqe* open = queue.NextSqe();
  io_uring_prep_openat(open, AT_FDCWD, "/dev/null", O_RDONLY, 0);
  open->user_data = 1;
  Nop(&queue, 2);
  io_uring_sqe* flagged = queue.NextSqe();
  io_uring_prep_nop(flagged);
  flagged->flags = IOSQE_ASYNC;
  flagged->user_data = 3;
  io_uring_sqe* skipped = queue.NextSqe();
  io_uring_prep_nop(skipped);
  skipped->flags = IOSQE_CQE_SKIP_SUCCESS;
  queue.Poll();

  std::vector<std::pair<uint64_t, int32_t>> results;
  for (RawCqe cqe; queue.Pop(&cqe);) results.emplace_back(cqe.user_data, cqe.result);
  EXPECT_EQ(results, (std::vector<std::pair<uint64_t, int32_t>>{{1, -EACCES}, {2, 0}, {3, -EACCES}}));
  EXPECT_EQ(io_uring_register(static_cast<uint32_t>(queue.fd()), IORING_REGISTER_FILES, nullptr, 0),
            -EACCES);
}

TEST_F(UringQueueTest, WhatARingUsesIsAllThatItMay) {
  UringQueue queue;
  ASSERT_EQ(queue.Open(64, 128), 0);
  ASSERT_EQ(queue.Restrict(kOperationsUsed, kEntryFlagsUsed), 0);
  ASSERT_EQ(queue.Enable(), 0);
  uint64_t refused = 0;
  for (int operation = 0; operation < IORING_OP_LAST; ++operation) {
    if (std::ranges::count(kOperationsUsed, operation) != 0) continue;
    io_uring_sqe* sqe = queue.NextSqe();
    sqe->opcode = static_cast<uint8_t>(operation);
    sqe->fd = -1;
    queue.Poll();
    for (RawCqe cqe; queue.Pop(&cqe); ++refused) EXPECT_EQ(cqe.result, -EACCES) << operation;
  }
  EXPECT_EQ(refused, IORING_OP_LAST - std::size(kOperationsUsed));
}

// Two thousand sockets become readable while the completion queue holds 64. Watches end early and
// are armed again; no byte may be lost.
TEST_F(UringQueueTest, ASmallCompletionQueueLosesNothing) {
  constexpr uint32_t kSockets = 2000;
  constexpr int kWaves = 3;
  const auto ring = StartRing({.sq_entries = 64, .cq_entries = 64});
  std::vector<TcpPair> pairs;
  for (uint32_t i = 0; i < kSockets; ++i) pairs.push_back(TcpPair::Make());
  const auto watch = [&](uint32_t slot) {
    ring->Watch({.slot = slot, .generation = 1, .op = Op::kWatch}, pairs[slot].ours.get());
  };
  for (uint32_t slot = 0; slot < kSockets; ++slot) watch(slot);

  std::vector<std::string> got(kSockets);
  uint64_t ended_early = 0;
  for (int wave = 0; wave < kWaves; ++wave) {
    for (uint32_t i = 0; i < kSockets; ++i) {
      testing::SendAll(pairs[i].theirs.get(), std::to_string(i));
    }
    uint32_t waiting = kSockets;
    const uint64_t limit_ns = ring->NowNs() + 20'000'000'000;
    while (waiting > 0 && ring->NowNs() < limit_ns) {
      ring->Enter(100'000'000);
      std::array<Completion, 32> batch;
      for (size_t count; (count = ring->Reap(absl::MakeSpan(batch))) > 0;) {
        for (const Completion& completion : absl::MakeSpan(batch).first(count)) {
          const uint32_t slot = completion.tag.slot;
          if (!completion.more) ++ended_early;
          if (!completion.more) watch(slot);
          char buffer[64];
          const Received received = ring->Receive(pairs[slot].ours.get(), buffer, sizeof buffer);
          if (received.outcome != Outcome::kOk) continue;
          got[slot].append(buffer, received.bytes);
          if (got[slot].size() == std::to_string(slot).size() * size_t(wave + 1)) --waiting;
        }
      }
    }
    ASSERT_EQ(waiting, 0u) << "in wave " << wave;
  }
  for (uint32_t slot = 0; slot < kSockets; ++slot) {
    const std::string once = std::to_string(slot);
    EXPECT_EQ(got[slot], once + once + once);
  }
  EXPECT_GT(ended_early, 0u);
  EXPECT_GT(ring->counters().cq_overflows, 0u);
}

// The kernel runs 20 items of deferred work at a time (Linux 6.13); Enter() fetches a turn's worth.
TEST_F(UringQueueTest, OneEnterFetchesATurnsWorth) {
  constexpr uint32_t kSockets = 600;
  const auto ring = StartRing();
  std::vector<TcpPair> pairs;
  for (uint32_t i = 0; i < kSockets; ++i) pairs.push_back(TcpPair::Make());
  for (uint32_t slot = 0; slot < kSockets; ++slot) {
    ring->PollOnce({.slot = slot, .generation = 1, .op = Op::kPollOnce}, pairs[slot].ours.get());
  }
  ring->Enter(0);
  for (const TcpPair& pair : pairs) testing::SendAll(pair.theirs.get(), "x");
  std::vector<Completion> completions(kSockets);
  size_t count = 0;
  int enters = 0;
  while (count < kSockets && enters < 1000) {
    ring->Enter(100'000'000);
    ++enters;
    count += ring->Reap(absl::MakeSpan(completions).subspan(count));
  }
  EXPECT_EQ(count, kSockets);
  EXPECT_LE(enters, 10);
}

}  // namespace
}  // namespace halley::io
