// What is UringRing's own. What it has in common with the others is in ring_test.cc and the other
// tests that are called so.
#include "io/uring_ring.h"

#include <array>
#include <string>
#include <vector>

#include "io/loopback.h"

namespace halley::io {
namespace {

using testing::Next;
using testing::Ready;
using testing::SendAll;
using testing::TcpPair;
using testing::UringTest;

constexpr Tag kTag{.slot = 0xABCDEF, .generation = 0x123456, .op = Op::kWatch};

Tag PollTag(uint32_t slot) { return {.slot = slot, .generation = 1, .op = Op::kPollOnce}; }

std::vector<base::SendException> SendHello(Ring* ring, size_t count, const TcpPair& pair) {
  const iovec part{const_cast<char*>("hello"), 5};
  const std::vector<base::FanoutTarget> targets(count, {.fd = pair.ours.get()});
  std::vector<base::SendException> exceptions;
  ring->SendSame({&part, 1}, targets, &exceptions);
  return exceptions;
}

class UringRingTest : public UringTest {};

TEST_F(UringRingTest, EnterMakesNoSystemCallWhenThereIsNothingToDo) {
  const auto ring = StartRing();
  const TcpPair pair = TcpPair::Make();
  ring->PollOnce(kTag, pair.ours.get());
  ring->Enter(0);
  const uint64_t before = ring->counters().enters;
  for (int i = 0; i < 100; ++i) ring->Enter(0);
  EXPECT_EQ(ring->counters().enters, before);
}

TEST_F(UringRingTest, MoreRingsThanAThreadCanRegisterWork) {
  std::vector<std::unique_ptr<UringRing>> rings;
  for (int i = 0; i < 20; ++i) {
    rings.push_back(StartRing({.sq_entries = 8, .cq_entries = 16}));
    const TcpPair pair = TcpPair::Make();
    rings.back()->PollOnce(kTag, pair.ours.get());
    SendAll(pair.theirs.get(), "x");
    EXPECT_EQ(Next(rings.back().get()).value, kReadable);
  }
  EXPECT_NE(rings.front()->Describe().find("registered ring"), std::string::npos);
  EXPECT_NE(rings.back()->Describe().find("plain ring"), std::string::npos);
}

TEST_F(UringRingTest, DescribeNamesWhatIsInUse) {
  const auto ring = StartRing({.sq_entries = 64, .cq_entries = 256});
  const std::string text = ring->Describe();
  EXPECT_NE(text.find("io_uring on Linux "), std::string::npos) << text;
  EXPECT_NE(text.find("64/256 entries"), std::string::npos) << text;
  EXPECT_NE(text.find("skipped successes"), std::string::npos) << text;
  EXPECT_NE(text.find(", restricted to the operations it uses"), std::string::npos) << text;
}

// What was armed before a batch goes to the kernel with it, and what completes during a batch is
// kept for Reap(), in order.
TEST_F(UringRingTest, ABatchTakesArmedOperationsAlongAndKeepsTheirCompletions) {
  for (const bool skip_success : {true, false}) {
    const auto ring = StartRing({.features = {.skip_success = skip_success}});
    const TcpPair watched = TcpPair::Make();
    const TcpPair target = TcpPair::Make();
    const uint64_t enters_before = ring->counters().enters;
    SendAll(watched.theirs.get(), "x");
    ring->PollOnce(PollTag(1), watched.ours.get());
    ring->PollOnce(PollTag(2), watched.ours.get());
    EXPECT_TRUE(SendHello(ring.get(), 1, target).empty());
    EXPECT_EQ(ring->counters().enters, enters_before + 1);

    std::array<Completion, 4> completions;
    ASSERT_EQ(ring->Reap(absl::MakeSpan(completions)), 2u);
    EXPECT_EQ(completions[0].tag.slot, 1u);
    EXPECT_EQ(completions[1].tag.slot, 2u);
  }
}

// Every send of a batch fails while the completion queue has room for few of them and holds foreign
// completions: nothing is lost, on either side.
TEST_F(UringRingTest, ExceptionsSurviveAnOverflowingCompletionQueue) {
  constexpr uint32_t kPolls = 100;
  for (const bool skip_success : {true, false}) {
    const auto ring = StartRing(
        {.sq_entries = 16, .cq_entries = 16, .features = {.skip_success = skip_success}});
    TcpPair reset = TcpPair::Make();
    reset.theirs.Reset();
    const TcpPair watched = TcpPair::Make();
    SendAll(watched.theirs.get(), "x");
    for (uint32_t slot = 0; slot < kPolls; ++slot) {
      ring->PollOnce(PollTag(slot), watched.ours.get());
    }
    const auto exceptions = SendHello(ring.get(), Ring::kBatchMax, reset);
    ASSERT_EQ(exceptions.size(), Ring::kBatchMax);
    for (uint32_t i = 0; i < exceptions.size(); ++i) {
      EXPECT_EQ(exceptions[i].index, i);
      EXPECT_LT(exceptions[i].result, 0);
    }
    EXPECT_GT(ring->counters().cq_overflows, 0u);
    for (uint32_t slot = 0; slot < kPolls; ++slot) {
      const Completion next = Next(ring.get());
      EXPECT_EQ(next.tag.slot, slot);
      EXPECT_EQ(next.outcome, Outcome::kOk);
    }
  }
}

}  // namespace
}  // namespace halley::io
