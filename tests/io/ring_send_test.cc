// Sends that are decided when the call returns. Every test runs on each kind of ring, on io_uring
// with skipped and with counted successes; the answers must be the same.
#include <array>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "io/loopback.h"
#include "io/ring_kinds.h"

namespace halley::io {
namespace {

using testing::Next;
using testing::Ready;
using testing::ReceiveAll;
using testing::ReceiveNowAll;
using testing::RingTest;
using testing::TcpPair;

constexpr uint32_t kSeed = 20261120;
constexpr int kSmallBufferBytes = 8192;

// Bytes that tell where in the stream they belong.
std::string Pattern(size_t bytes, uint32_t seed) {
  std::minstd_rand random(seed);
  std::string text(bytes, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

iovec PartOf(const std::string& text) { return {const_cast<char*>(text.data()), text.size()}; }

class RingSendTest : public RingTest {
 protected:
  void SetUp() override {
    RingTest::SetUp();
    if (!IsSkipped()) ring_ = StartRing();
  }

  // One send of `text` to each pair.
  std::vector<base::SendException> SendTo(const std::vector<const TcpPair*>& pairs,
                                          const std::string& text) {
    std::vector<base::FanoutTarget> targets;
    for (const TcpPair* pair : pairs) targets.push_back({.fd = pair->ours.get()});
    const iovec part = PartOf(text);
    std::vector<base::SendException> exceptions;
    ring_->SendSame({&part, 1}, targets, &exceptions);
    return exceptions;
  }

  void ExpectEachOnItsOwn(bool together);

  // Bytes taken of one send.
  size_t Send(const TcpPair& pair, absl::Span<const iovec> span) {
    const base::FanoutTarget target{.fd = pair.ours.get()};
    std::vector<base::SendException> exceptions;
    ring_->SendSame(span, {&target, 1}, &exceptions);
    if (exceptions.empty()) {
      size_t bytes = 0;
      for (const iovec& part : span) bytes += part.iov_len;
      return bytes;
    }
    EXPECT_GE(exceptions[0].result, 0);
    return static_cast<size_t>(exceptions[0].result);
  }

  // Sends until nothing is taken; returns what was taken, in order.
  std::string Fill(const TcpPair& pair) {
    const std::string text = Pattern(100'000, 1);
    std::string taken;
    for (size_t bytes = 1; bytes > 0; taken += text.substr(0, bytes)) {
      const iovec part = PartOf(text);
      bytes = Send(pair, {&part, 1});
    }
    return taken;
  }

  std::unique_ptr<Ring> ring_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, RingSendTest, ::testing::ValuesIn(testing::kSendingKinds),
                         testing::NameOfKind);

TEST_P(RingSendTest, AWholeBatchIsTakenWithoutAnException) {
  std::vector<TcpPair> pairs;
  std::vector<const TcpPair*> all;
  for (size_t i = 0; i < Ring::kBatchMax; ++i) pairs.push_back(TcpPair::Make());
  for (const TcpPair& pair : pairs) all.push_back(&pair);
  const std::string text = Pattern(300, 7);
  const uint64_t enters_before = ring_->counters().enters;
  EXPECT_TRUE(SendTo(all, text).empty());
  EXPECT_EQ(ring_->counters().enters, enters_before + (UsesUring() ? 1 : Ring::kBatchMax));
  EXPECT_EQ(ring_->counters().sends, Ring::kBatchMax);
  EXPECT_EQ(ring_->counters().send_exceptions, 0u);
  for (const TcpPair& pair : pairs) EXPECT_EQ(ReceiveAll(pair.theirs.get(), text.size()), text);
  EXPECT_TRUE(Ready(ring_.get()).empty());
}

TEST_P(RingSendTest, OneFullAndOneBrokenTargetDoNotDisturbTheOthers) {
  std::array<TcpPair, 3> healthy{TcpPair::Make(), TcpPair::Make(), TcpPair::Make()};
  TcpPair full = testing::LocalPair(kSmallBufferBytes);
  TcpPair reset = TcpPair::Make();
  const std::string in_the_way = Fill(full);
  const uint64_t exceptions_before = ring_->counters().send_exceptions;
  reset.theirs.Reset();

  std::vector<base::SendException> exceptions{{99, 99}};
  std::vector<base::FanoutTarget> targets;
  for (const TcpPair* pair : {&healthy[0], &full, &healthy[1], &reset, &healthy[2]}) {
    targets.push_back({.fd = pair->ours.get()});
  }
  const std::string text = Pattern(5000, 3);
  const iovec part = PartOf(text);
  ring_->SendSame({&part, 1}, targets, &exceptions);

  ASSERT_EQ(exceptions.size(), 3u);
  EXPECT_EQ(exceptions[0].index, 99u) << "exceptions are appended to";
  EXPECT_EQ(exceptions[1].index, 1u);
  EXPECT_EQ(exceptions[1].result, 0);
  EXPECT_EQ(exceptions[2].index, 3u);
  EXPECT_TRUE(exceptions[2].result == -ECONNRESET || exceptions[2].result == -EPIPE);
  for (const TcpPair& pair : healthy) EXPECT_EQ(ReceiveAll(pair.theirs.get(), 5000), text);
  EXPECT_EQ(ReceiveAll(full.theirs.get(), in_the_way.size()), in_the_way);
  EXPECT_EQ(ring_->counters().send_exceptions, exceptions_before + 2);
}

// A slow reader with small buffers: goes on where the ring says it stopped, whenever the watch says
// there is room, and the peer gets every byte once and in order.
TEST_P(RingSendTest, PartsTakenAreExactToTheByte) {
  const TcpPair pair = TcpPair::Make(kSmallBufferBytes);
  const std::string stream = Pattern(1'000'000, kSeed);
  std::mt19937 random(kSeed);
  ring_->Watch({.slot = 1, .generation = 1, .op = Op::kWatch}, pair.ours.get());
  size_t taken = 0;
  int short_sends = 0;
  std::string got;
  bool room = true;
  const uint64_t limit_ns = ring_->NowNs() + 20'000'000'000;
  while (got.size() < stream.size()) {
    ASSERT_LT(ring_->NowNs(), limit_ns);
    while (room && taken < stream.size()) {
      // Up to kSpanPartsMax parts of uneven sizes, so that sends break within and between parts.
      std::vector<iovec> span;
      size_t offset = taken;
      const size_t parts = 1 + random() % Ring::kSpanPartsMax;
      while (span.size() < parts && offset < stream.size()) {
        const size_t bytes = std::min<size_t>(1 + random() % 1500, stream.size() - offset);
        span.push_back({const_cast<char*>(stream.data()) + offset, bytes});
        offset += bytes;
      }
      const size_t now = Send(pair, span);
      room = taken + now == offset;
      short_sends += room ? 0 : 1;
      taken += now;
    }
    got += ReceiveNowAll(pair.theirs.get(), 1 + random() % 20'000);
    for (const Completion& completion : Ready(ring_.get())) {
      ASSERT_TRUE(completion.more);
      if (completion.value & kWritable) room = true;
    }
  }
  EXPECT_EQ(taken, stream.size());
  EXPECT_TRUE(got == stream);
  EXPECT_GT(short_sends, 10);
  EXPECT_EQ(ring_->counters().sent_bytes, stream.size());
}

// Together or one by one, which may be another road to the kernel.
void RingSendTest::ExpectEachOnItsOwn(bool together) {
  std::array<TcpPair, 4> pairs{TcpPair::Make(), TcpPair::Make(kSmallBufferBytes), TcpPair::Make(),
                               TcpPair::Make()};
  pairs[2].theirs.Reset();
  const std::string one = Pattern(100, 1);
  const std::string large = Pattern(2'000'000, 2);
  std::vector<std::string> many;
  std::vector<iovec> many_parts;
  for (uint32_t i = 0; i < Ring::kSpanPartsMax; ++i) many.push_back(Pattern(1 + i, i));
  for (const std::string& text : many) many_parts.push_back(PartOf(text));
  const iovec one_part = PartOf(one);
  const std::array<iovec, 2> large_parts{PartOf(large), PartOf(one)};

  const std::vector<SendRequest> requests{
      {pairs[0].ours.get(), many_parts.data(), static_cast<uint32_t>(many_parts.size())},
      {pairs[1].ours.get(), large_parts.data(), 2},
      {pairs[2].ours.get(), &one_part, 1},
      {pairs[3].ours.get(), &one_part, 1}};
  std::vector<base::SendException> exceptions;
  if (together) {
    ring_->SendEach(requests, &exceptions);
  } else {
    for (uint32_t i = 0; i < requests.size(); ++i) {
      const size_t before = exceptions.size();
      ring_->SendEach({&requests[i], 1}, &exceptions);
      if (exceptions.size() > before) exceptions.back().index += i;
    }
  }

  EXPECT_EQ(ring_->counters().sends, requests.size());
  EXPECT_EQ(ring_->counters().send_exceptions, 2u);
  ASSERT_EQ(exceptions.size(), 2u);
  EXPECT_EQ(exceptions[0].index, 1u);
  ASSERT_GT(exceptions[0].result, 0);
  ASSERT_LT(exceptions[0].result, 2'000'000);
  EXPECT_EQ(exceptions[1].index, 2u);
  EXPECT_LT(exceptions[1].result, 0);
  const std::string joined = std::accumulate(many.begin(), many.end(), std::string());
  EXPECT_EQ(ReceiveAll(pairs[0].theirs.get(), joined.size()), joined);
  const auto part = static_cast<size_t>(exceptions[0].result);
  EXPECT_EQ(ring_->counters().sent_bytes, joined.size() + part + one.size());
  EXPECT_TRUE(ReceiveAll(pairs[1].theirs.get(), part) == large.substr(0, part));
  EXPECT_EQ(ReceiveNowAll(pairs[1].theirs.get()), "");
  EXPECT_EQ(ReceiveAll(pairs[3].theirs.get(), one.size()), one);
}

TEST_P(RingSendTest, EachOfABatchSendsItsOwnPartsAndFailsOnItsOwn) { ExpectEachOnItsOwn(true); }

TEST_P(RingSendTest, EachOfOneSendsItsOwnPartsAndFailsOnItsOwn) { ExpectEachOnItsOwn(false); }

// A completion that waits in the ring must not be slept over.
TEST_P(RingSendTest, KeptCompletionsEndAWaitAtOnce) {
  const TcpPair watched = TcpPair::Make();
  const TcpPair target = TcpPair::Make();
  testing::SendAll(watched.theirs.get(), "x");
  ring_->PollOnce({.slot = 1, .generation = 1, .op = Op::kPollOnce}, watched.ours.get());
  EXPECT_TRUE(SendTo({&target}, "hello").empty());
  const uint64_t start_ns = ring_->NowNs();
  ring_->Enter(30'000'000'000);
  EXPECT_LT(ring_->NowNs() - start_ns, 10'000'000'000u);
}

TEST_P(RingSendTest, EverySendOfABatchMayFail) {
  TcpPair reset = TcpPair::Make();
  reset.theirs.Reset();
  const std::vector<const TcpPair*> targets(Ring::kBatchMax, &reset);
  const std::vector<base::SendException> exceptions = SendTo(targets, "hello");
  ASSERT_EQ(exceptions.size(), Ring::kBatchMax);
  for (uint32_t i = 0; i < exceptions.size(); ++i) {
    EXPECT_EQ(exceptions[i].index, i);
    EXPECT_LT(exceptions[i].result, 0);
  }
}

TEST_P(RingSendTest, LimitsAreAsserted) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const TcpPair pair = TcpPair::Make();
  const std::string text = "x";
  const iovec part = PartOf(text);
  const std::vector<base::FanoutTarget> too_many(Ring::kBatchMax + 1, {.fd = pair.ours.get()});
  const std::vector<iovec> too_long(Ring::kSpanPartsMax + 1, part);
  std::vector<base::SendException> exceptions;
  EXPECT_DEATH(ring_->SendSame({&part, 1}, too_many, &exceptions), "assertion failed");
  EXPECT_DEATH(ring_->SendSame(too_long, {too_many.data(), 1}, &exceptions), "assertion failed");
  ring_->SendSame({&part, 1}, {}, &exceptions);
  EXPECT_TRUE(exceptions.empty());
}

}  // namespace
}  // namespace halley::io
