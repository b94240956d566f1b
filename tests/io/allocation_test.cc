// Once warm, a ring does not call the allocator, whatever comes through it. This program's operator
// new counts.
#include <cstdint>
#include <vector>

#include "base/counted_new.h"
#include "io/loopback.h"
#include "io/ring_kinds.h"

namespace halley::io {
namespace {

using halley::counted::allocations;
using testing::RingTest;
using testing::TcpPair;

constexpr uint32_t kClients = 100;

class RingAllocationTest : public RingTest {
 protected:
  void SetUp() override {
    RingTest::SetUp();
    if (IsSkipped()) return;
    ring_ = StartRing();
    for (uint32_t i = 0; i < kClients; ++i) {
      pairs_.push_back(TcpPair::Make());
      targets_.push_back({.fd = pairs_.back().ours.get()});
    }
    exceptions_.reserve(Ring::kBatchMax);
  }

  // Each client is polled, watched, sends and is sent something, and is let go.
  void Turn() {
    ++generation_;
    char byte = 'x';
    for (uint32_t i = 0; i < kClients; ++i) ring_->PollOnce(TagOf(i, Op::kPollOnce), Ours(i));
    for (uint32_t i = 0; i < kClients; ++i) Say(i, &byte);
    Expect(kClients);
    for (uint32_t i = 0; i < kClients; ++i) ring_->Watch(TagOf(i, Op::kWatch), Ours(i));
    Expect(kClients);
    for (uint32_t i = 0; i < kClients; ++i) Say(i, &byte);
    Expect(kClients);
    const iovec part{&byte, 1};
    exceptions_.clear();
    ring_->SendSame({&part, 1}, targets_, &exceptions_);
    for (uint32_t i = 0; i < kClients; ++i) {
      ::recv(pairs_[i].theirs.get(), &byte, 1, 0);
      while (ring_->Receive(Ours(i), &byte, 1).outcome == Outcome::kOk) {
      }
      ring_->Cancel(TagOf(i, Op::kWatch));
    }
    Expect(kClients);
  }

  std::unique_ptr<Ring> ring_;

 private:
  int Ours(uint32_t i) const { return pairs_[i].ours.get(); }
  void Say(uint32_t i, const char* byte) const { ::send(pairs_[i].theirs.get(), byte, 1, 0); }
  Tag TagOf(uint32_t slot, Op op) const {
    return {.slot = slot, .generation = generation_, .op = op};
  }
  // Takes `count` completions at least, and what else is ready.
  void Expect(size_t count) {
    std::array<Completion, 64> batch;
    for (size_t have = 0; have < count;) {
      ring_->Enter(100'000'000);
      for (size_t more; (more = ring_->Reap(absl::MakeSpan(batch))) > 0;) have += more;
    }
  }

  std::vector<TcpPair> pairs_;
  std::vector<base::FanoutTarget> targets_;
  std::vector<base::SendException> exceptions_;
  uint32_t generation_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kinds, RingAllocationTest, ::testing::ValuesIn(testing::kRingKinds),
                         testing::NameOfKind);

TEST_P(RingAllocationTest, NothingIsAllocatedOnceWarm) {
  for (int i = 0; i < 20; ++i) Turn();
  const uint64_t before = allocations;
  for (int i = 0; i < 200; ++i) Turn();
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace halley::io
