#include "hub/log.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace halley::hub {
namespace {

constexpr size_t kPage = PagePool::kBlockBytes;

std::string Gathered(const Log& log, uint64_t from, uint64_t to) {
  std::vector<iovec> parts((to - from) / kPage + 2);
  uint64_t reached = 0;
  const size_t count = log.Span(from, to, parts.data(), parts.size(), &reached);
  EXPECT_EQ(reached, to);
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_GT(parts[i].iov_len, 0u);
    bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  return bytes;
}

// Bytes that differ from their neighbours and from page to page.
std::string Pattern(size_t bytes, uint64_t salt) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>((salt * 37 + i) % 251);
  return text;
}

TEST(Log, OpensAgainWhereItFirstBegan) {
  PagePool pages;
  Log log;
  for (int round = 0; round < 3; ++round) {
    log.Open(&pages);
    EXPECT_EQ(log.head(), LogPosition());
    EXPECT_EQ(log.tail(), LogPosition());
    log.Append("prefix", std::string(20'000, 'x'), 5);
    EXPECT_EQ(log.head(), (LogPosition{20'006, 1}));
    log.Close();
    EXPECT_EQ(pages.in_use_bytes(), 0u);
    EXPECT_EQ(log.bytes_held(), 0u);
  }
}

TEST(Log, IsEmptyAtFirst) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  EXPECT_EQ(log.head(), LogPosition{});
  EXPECT_EQ(log.tail(), LogPosition{});
  EXPECT_EQ(log.bytes_held(), 0u);
  EXPECT_EQ(log.messages_held(), 0u);
  EXPECT_EQ(pages.in_use_bytes(), 0u);
  EXPECT_EQ(Gathered(log, 0, 0), "");
}

TEST(Log, PrefixAndBodyLieBackToBack) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  log.Append("head", "body", 0);
  log.Append("", "only a body", 0);
  log.Append("only a head", "", 0);
  EXPECT_EQ(Gathered(log, 0, log.head().offset), "headbodyonly a bodyonly a head");
  EXPECT_EQ(log.head().seq, 3u);
  EXPECT_EQ(log.MessageStart(0), 0u);
  EXPECT_EQ(log.MessageEnd(0), 8u);
  EXPECT_EQ(log.MessageStart(1), 8u);
  EXPECT_EQ(log.MessageEnd(2), log.head().offset);
}

// A message that ends just before, on and just after the end of a page, and the one behind it.
TEST(Log, MessagesMayEndAnywhereAroundAPagesEnd) {
  for (const size_t bytes : {kPage - 1, kPage, kPage + 1, 2 * kPage, 3 * kPage + 1}) {
    SCOPED_TRACE(bytes);
    PagePool pages;
    {
      Log log;
      log.Open(&pages);
      const std::string first = Pattern(bytes, 1);
      const std::string second = Pattern(kPage, 2);
      log.Append(first.substr(0, 16), first.substr(16), 0);
      EXPECT_EQ(pages.in_use_bytes(), (bytes + kPage - 1) / kPage * kPage);
      log.Append("", second, 0);
      EXPECT_EQ(Gathered(log, 0, bytes + kPage), first + second);
      EXPECT_EQ(Gathered(log, bytes - 1, bytes + 1), first.substr(bytes - 1) + second.substr(0, 1));
      // From a page's end to another: no empty part, no part beyond.
      iovec parts[8];
      uint64_t reached = 0;
      EXPECT_EQ(log.Span(0, kPage, parts, 8, &reached), 1u);
      EXPECT_EQ(reached, kPage);
      log.Trim({bytes, 1});
      EXPECT_EQ(log.tail(), (LogPosition{bytes, 1}));
      EXPECT_EQ(pages.in_use_bytes(),
                (bytes + kPage + kPage - 1) / kPage * kPage - bytes / kPage * kPage);
      EXPECT_EQ(Gathered(log, bytes, bytes + kPage), second);
    }
    EXPECT_EQ(pages.in_use_bytes(), 0u);
  }
}

TEST(Log, ASpanStopsWhereThePartsRunOut) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  const std::string text = Pattern(4 * kPage, 5);
  log.Append("", text, 0);
  iovec parts[2];
  uint64_t reached = 0;
  EXPECT_EQ(log.Span(10, 4 * kPage, parts, 2, &reached), 2u);
  EXPECT_EQ(reached, 2 * kPage);
  EXPECT_EQ(parts[0].iov_len, kPage - 10);
  EXPECT_EQ(parts[1].iov_len, kPage);
  EXPECT_EQ(log.Span(10, 4 * kPage, parts, 0, &reached), 0u);
  EXPECT_EQ(reached, 10u);
}

TEST(Log, AnEmptyLogStartsAFreshPage) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  log.Append("", Pattern(100, 1), 0);
  log.Trim(log.head());
  EXPECT_EQ(pages.in_use_bytes(), 0u);
  EXPECT_EQ(log.tail(), (LogPosition{100, 1}));
  EXPECT_EQ(log.bytes_held(), 0u);
  const std::string page = Pattern(kPage, 2);
  log.Append("", page, 0);
  EXPECT_EQ(pages.in_use_bytes(), kPage);
  iovec part;
  uint64_t reached = 0;
  EXPECT_EQ(log.Span(100, 100 + kPage, &part, 1, &reached), 1u);
  EXPECT_EQ(reached, 100 + kPage);
  EXPECT_EQ(Gathered(log, 100, 100 + kPage), page);
}

TEST(Log, TrimmingStopsBeforeAMessageThatSomebodyIsWithin) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  const std::string first = Pattern(kPage + 100, 1);
  const std::string second = Pattern(2 * kPage, 2);
  log.Append("", first, 0);
  log.Append("", second, 0);
  // The reader has all but the last byte of the second message, pages further on.
  const LogPosition torn{log.head().offset - 1, 1};
  log.Trim(torn);
  EXPECT_EQ(log.tail(), (LogPosition{first.size(), 1}));
  EXPECT_FALSE(log.OnBoundary(torn));
  EXPECT_EQ(log.MessageStart(1), first.size());
  EXPECT_EQ(Gathered(log, log.tail().offset, log.head().offset), second);
  EXPECT_EQ(pages.in_use_bytes(), 3 * kPage);
  log.Trim(torn);
  EXPECT_EQ(pages.in_use_bytes(), 3 * kPage);
  log.Trim(log.head());
  EXPECT_EQ(pages.in_use_bytes(), 0u);
}

TEST(Log, AdvanceCountsWholeMessagesOnly) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  for (const size_t bytes : {3u, 1u, 5u}) log.Append("", Pattern(bytes, bytes), 0);
  const uint64_t seqs[] = {0, 0, 0, 1, 2, 2, 2, 2, 2, 3};
  const bool boundary[] = {true, false, false, true, true, false, false, false, false, true};
  for (uint64_t from = 0; from <= 9; ++from) {
    for (uint64_t bytes = 0; from + bytes <= 9; ++bytes) {
      const LogPosition to = log.Advance({from, seqs[from]}, bytes);
      EXPECT_EQ(to, (LogPosition{from + bytes, seqs[from + bytes]})) << from << "+" << bytes;
    }
    EXPECT_EQ(log.OnBoundary({from, seqs[from]}), boundary[from]) << from;
  }
}

TEST(Log, ABoundaryIsFoundWithinTheBytesAndAtLeastOneMessageOn) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  for (const size_t bytes : {10u, 20u, 30u}) log.Append("", Pattern(bytes, bytes), 0);
  const auto seq = [&](LogPosition from, uint64_t bytes_max) {
    const LogPosition to = log.BoundaryWithin(from, bytes_max);
    EXPECT_EQ(to.offset, log.MessageEnd(to.seq - 1));
    return to.seq;
  };
  EXPECT_EQ(seq({}, 0), 1u);
  EXPECT_EQ(seq({}, 29), 1u);
  EXPECT_EQ(seq({}, 30), 2u);
  EXPECT_EQ(seq({}, 59), 2u);
  EXPECT_EQ(seq({}, 60), 3u);
  EXPECT_EQ(seq({10, 1}, 20), 2u);
  EXPECT_EQ(seq({10, 1}, 50), 3u);
  // The last message is longer than what may go at once: it goes nevertheless.
  EXPECT_EQ(seq({30, 2}, 30), 3u);
  EXPECT_EQ(seq({30, 2}, 29), 3u);
  EXPECT_EQ(seq({30, 2}, 0), 3u);
}

TEST(Log, LimitsKeepTheNewestWholeMessages) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  for (const size_t bytes : {10u, 20u, 30u}) log.Append("", Pattern(bytes, bytes), 0);
  constexpr uint64_t kAny = UINT64_MAX;
  EXPECT_EQ(log.TailForLimits(kAny, kAny).seq, 0u);
  EXPECT_EQ(log.TailForLimits(60, 3).seq, 0u);
  EXPECT_EQ(log.TailForLimits(59, kAny), (LogPosition{10, 1}));
  EXPECT_EQ(log.TailForLimits(50, kAny), (LogPosition{10, 1}));
  EXPECT_EQ(log.TailForLimits(49, kAny), (LogPosition{30, 2}));
  EXPECT_EQ(log.TailForLimits(30, kAny), (LogPosition{30, 2}));
  EXPECT_EQ(log.TailForLimits(29, kAny), log.head());
  EXPECT_EQ(log.TailForLimits(0, kAny), log.head());
  EXPECT_EQ(log.TailForLimits(kAny, 2), (LogPosition{10, 1}));
  EXPECT_EQ(log.TailForLimits(kAny, 1), (LogPosition{30, 2}));
  EXPECT_EQ(log.TailForLimits(kAny, 0), log.head());
  // Whichever keeps less decides.
  EXPECT_EQ(log.TailForLimits(50, 1).seq, 2u);
  EXPECT_EQ(log.TailForLimits(30, 2).seq, 2u);
}

TEST(Log, AgeGoesByPagesAndEndsOnABoundary) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  log.Append("", Pattern(kPage - 10, 1), 100);
  log.Append("", Pattern(20, 2), 200);  // begins on the first page, ends on the second
  log.Append("", Pattern(kPage, 3), 300);
  EXPECT_EQ(log.oldest_ms(), 200u);
  EXPECT_EQ(log.TailForAge(200).seq, 0u);
  // The first page is old; the message that leaves it goes too.
  EXPECT_EQ(log.TailForAge(201), (LogPosition{kPage + 10, 2}));
  EXPECT_EQ(log.TailForAge(300), (LogPosition{kPage + 10, 2}));
  EXPECT_EQ(log.TailForAge(301), log.head());
  log.Trim({kPage + 10, 2});
  EXPECT_EQ(log.oldest_ms(), 300u);
}

// What a log should be, in the most naive way: all bytes ever, where messages end, when each byte
// was written.
struct Model {
  std::string bytes;
  std::vector<uint64_t> ends;
  std::vector<uint64_t> written_ms;
  uint64_t tail_seq = 0;
  uint64_t pages_begin = 0;

  uint64_t StartOf(uint64_t seq) const { return seq == 0 ? 0 : ends[seq - 1]; }
  uint64_t tail() const { return StartOf(tail_seq); }
  LogPosition PositionAt(uint64_t offset) const {
    uint64_t seq = 0;
    while (seq < ends.size() && ends[seq] <= offset) ++seq;
    return {offset, seq};
  }
  LogPosition BoundaryAtOrAfter(uint64_t offset) const {
    uint64_t seq = tail_seq;
    while (StartOf(seq) < offset) ++seq;
    return {StartOf(seq), seq};
  }
  uint64_t PagesHeld() const {
    if (tail() == bytes.size()) return 0;
    const uint64_t first = (tail() - pages_begin) / kPage;
    return (bytes.size() - pages_begin + kPage - 1) / kPage - first;
  }
  LogPosition TailForAge(uint64_t before_ms) const {
    uint64_t offset = tail();
    for (uint64_t page = pages_begin + (tail() - pages_begin) / kPage * kPage; page < bytes.size();
         page += kPage) {
      const uint64_t end = std::min<uint64_t>(page + kPage, bytes.size());
      if (written_ms[end - 1] >= before_ms) break;
      offset = std::max(offset, end);
    }
    return BoundaryAtOrAfter(offset);
  }
};

class LogAgainstModel {
 public:
  explicit LogAgainstModel(uint32_t seed) : random_(seed) { log_.Open(&pages_); }

  void Run() {
    for (int step = 0; step < 400 && !testing::Test::HasFatalFailure(); ++step) {
      const uint64_t what = Below(10);
      if (what < 5) {
        Append();
      } else if (what < 7) {
        Trim();
      }
      Check();
      if (model_.tail() < model_.bytes.size()) CheckReading();
    }
  }

  size_t pages_bytes() const { return pages_.in_use_bytes(); }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  void Append() {
    // Mostly small, sometimes pages long, and often up to a page's very end.
    uint64_t bytes = 1 + Below(200);
    if (Below(8) == 0) bytes = 1 + Below(3 * kPage);
    if (Below(8) == 0) {
      bytes = kPage - (model_.bytes.size() - model_.pages_begin) % kPage + Below(3) - 1;
      if (bytes == 0) bytes = kPage;
    }
    if (Below(4) == 0) ++now_ms_;
    if (model_.tail() == model_.bytes.size()) model_.pages_begin = model_.bytes.size();
    const std::string text = Pattern(bytes, random_());
    const uint64_t split = Below(bytes + 1);
    log_.Append(text.substr(0, split), text.substr(split), now_ms_);
    model_.bytes += text;
    model_.ends.push_back(model_.bytes.size());
    model_.written_ms.resize(model_.bytes.size(), now_ms_);
  }

  void Trim() {
    const uint64_t held = model_.bytes.size() - model_.tail();
    const uint64_t needed = Below(4) == 0 ? model_.bytes.size() : model_.tail() + Below(held + 1);
    log_.Trim(model_.PositionAt(needed));
    model_.tail_seq = model_.PositionAt(needed).seq;
  }

  void Check() {
    ASSERT_EQ(log_.head(), (LogPosition{model_.bytes.size(), model_.ends.size()}));
    ASSERT_EQ(log_.tail(), (LogPosition{model_.tail(), model_.tail_seq}));
    ASSERT_EQ(log_.bytes_held(), model_.bytes.size() - model_.tail());
    ASSERT_EQ(log_.messages_held(), model_.ends.size() - model_.tail_seq);
    ASSERT_EQ(pages_.in_use_bytes(), model_.PagesHeld() * kPage);
  }

  void CheckReading() {
    const uint64_t head = model_.bytes.size();
    const uint64_t from = model_.tail() + Below(head - model_.tail());
    const uint64_t to = from + Below(head - from + 1);
    ASSERT_EQ(Gathered(log_, from, to), model_.bytes.substr(from, to - from));
    const LogPosition at = model_.PositionAt(from);
    ASSERT_EQ(log_.Advance(at, to - from), model_.PositionAt(to));
    ASSERT_EQ(log_.OnBoundary(at), model_.StartOf(at.seq) == from);
    ASSERT_EQ(log_.MessageStart(at.seq), model_.StartOf(at.seq));
    ASSERT_EQ(log_.MessageEnd(at.seq), model_.ends[at.seq]);

    const uint64_t bytes_max = Below(2 * kPage);
    const uint64_t start = model_.StartOf(at.seq);
    uint64_t seq = at.seq + 1;
    while (seq < model_.ends.size() && model_.ends[seq] - start <= bytes_max) ++seq;
    ASSERT_EQ(log_.BoundaryWithin({start, at.seq}, bytes_max),
              (LogPosition{model_.StartOf(seq), seq}));

    const uint64_t messages_max = Below(20);
    uint64_t kept = model_.tail_seq;
    while (head - model_.StartOf(kept) > bytes_max || model_.ends.size() - kept > messages_max) {
      ++kept;
    }
    ASSERT_EQ(log_.TailForLimits(bytes_max, messages_max),
              (LogPosition{model_.StartOf(kept), kept}));
    const uint64_t before_ms = now_ms_ + 2 - std::min(now_ms_ + 2, Below(8));
    ASSERT_EQ(log_.TailForAge(before_ms), model_.TailForAge(before_ms));
  }

  std::mt19937 random_;
  uint64_t now_ms_ = 0;
  PagePool pages_;
  Model model_;
  Log log_;
};

TEST(Log, BehavesLikeAStringInAnyOrderOfUse) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    LogAgainstModel test(seed);
    test.Run();
    if (HasFatalFailure()) return;
  }
}

TEST(LogDeathTest, NothingIsReadThatIsNotThere) {
  PagePool pages;
  Log log;
  log.Open(&pages);
  EXPECT_DEATH(log.Append("", "", 0), "assertion failed");
  log.Append("", "one", 0);
  log.Append("", "two", 0);
  log.Trim({3, 1});
  iovec part;
  uint64_t reached = 0;
  EXPECT_DEATH(log.Span(2, 4, &part, 1, &reached), "assertion failed");
  EXPECT_DEATH(log.Span(3, 7, &part, 1, &reached), "assertion failed");
  EXPECT_DEATH(log.MessageEnd(0), "assertion failed");
  EXPECT_DEATH(log.MessageEnd(2), "assertion failed");
  EXPECT_DEATH(log.Advance({3, 1}, 4), "assertion failed");
  EXPECT_DEATH(log.Trim({0, 0}), "assertion failed");
}

}  // namespace
}  // namespace halley::hub
