#include "hub/outbox.h"

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace halley::hub {
namespace {

constexpr size_t kChunk = ChunkPool::kBlockBytes;
constexpr uint64_t kAll = UINT64_MAX;

std::string Gathered(const MessageQueue& queue, uint64_t skip, uint64_t bytes_max) {
  iovec parts[64];
  uint64_t bytes = 0;
  const size_t count = queue.Span(skip, bytes_max, parts, 64, &bytes);
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_GT(parts[i].iov_len, 0u);
    text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  EXPECT_EQ(text.size(), bytes);
  return text;
}

TEST(MessageQueue, HoldsNothingWhileEmpty) {
  ChunkPool pool;
  MessageQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.messages(), 0u);
  EXPECT_FALSE(queue.torn());
  EXPECT_EQ(Gathered(queue, 0, kAll), "");
  queue.Append(&pool, "a", "bc");
  EXPECT_EQ(pool.in_use_bytes(), kChunk);
  EXPECT_EQ(queue.Consume(&pool, 3), 1u);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(pool.in_use_bytes(), 0u);
}

TEST(MessageQueue, TellsAMessageThatWasSentInPart) {
  ChunkPool pool;
  MessageQueue queue;
  queue.Append(&pool, "first", "");
  queue.Append(&pool, "", "second");
  EXPECT_EQ(queue.front_left(), 5u);
  EXPECT_EQ(queue.Consume(&pool, 0), 0u);
  EXPECT_FALSE(queue.torn());
  EXPECT_EQ(queue.Consume(&pool, 4), 0u);
  EXPECT_TRUE(queue.torn());
  EXPECT_EQ(queue.front_left(), 1u);
  EXPECT_EQ(queue.Consume(&pool, 1), 1u);
  EXPECT_FALSE(queue.torn());
  EXPECT_EQ(queue.front_left(), 6u);
  queue.Append(&pool, "third", "");
  // The rest of one and the beginning of the next.
  EXPECT_EQ(queue.Consume(&pool, 8), 1u);
  EXPECT_TRUE(queue.torn());
  EXPECT_EQ(Gathered(queue, 0, kAll), "ird");
  EXPECT_EQ(queue.Consume(&pool, 3), 1u);
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.torn());
}

TEST(MessageQueue, ExtendingMakesTheLastMessageLonger) {
  ChunkPool pool;
  MessageQueue queue;
  queue.Append(&pool, "one", "");
  queue.Append(&pool, "t", "");
  queue.Extend(&pool, "w");
  queue.Extend(&pool, "o");
  EXPECT_EQ(queue.messages(), 2u);
  EXPECT_EQ(queue.bytes(), 6u);
  EXPECT_EQ(queue.Consume(&pool, 5), 1u);
  EXPECT_TRUE(queue.torn());
  EXPECT_EQ(queue.Consume(&pool, 1), 1u);
}

// Lengths and consumed amounts that meet, just miss and just pass the ends of chunks.
TEST(MessageQueue, ChunksComeAndGoExactlyAtTheirEnds) {
  for (const size_t length : {kChunk - 1, kChunk, kChunk + 1, 2 * kChunk, 2 * kChunk + 1}) {
    for (const size_t taken : {size_t{1}, kChunk - 1, kChunk, kChunk + 1, length}) {
      if (taken > length) continue;
      SCOPED_TRACE(testing::Message() << length << " " << taken);
      ChunkPool pool;
      MessageQueue queue;
      const std::string text = std::string(length - 1, 'x') + "y";
      queue.Append(&pool, text, "");
      EXPECT_EQ(pool.in_use_bytes(), (length + kChunk - 1) / kChunk * kChunk);
      EXPECT_EQ(queue.Consume(&pool, taken), taken == length ? 1u : 0u);
      EXPECT_EQ(Gathered(queue, 0, kAll), text.substr(taken));
      const size_t held =
          taken == length ? 0 : (length + kChunk - 1) / kChunk - taken / kChunk;
      EXPECT_EQ(pool.in_use_bytes(), held * kChunk);
      queue.Append(&pool, "next", "");
      EXPECT_EQ(Gathered(queue, 0, kAll), text.substr(taken) + "next");
      EXPECT_EQ(queue.Clear(&pool), taken == length ? 1u : 2u);
      EXPECT_EQ(pool.in_use_bytes(), 0u);
      EXPECT_FALSE(queue.torn());
    }
  }
}

TEST(MessageQueue, ASpanStopsWhereThePartsRunOut) {
  ChunkPool pool;
  MessageQueue queue;
  queue.Append(&pool, std::string(5 * kChunk, 'z'), "");
  queue.Consume(&pool, 10);
  iovec parts[2];
  uint64_t bytes = 0;
  EXPECT_EQ(queue.Span(0, kAll, parts, 2, &bytes), 2u);
  EXPECT_EQ(bytes, 2 * kChunk - 10);
  EXPECT_EQ(queue.Span(kChunk - 10, kChunk, parts, 2, &bytes), 1u);
  EXPECT_EQ(bytes, kChunk);
  EXPECT_EQ(queue.Span(queue.bytes(), kAll, parts, 2, &bytes), 0u);
  EXPECT_EQ(bytes, 0u);
  queue.Clear(&pool);
}

TEST(MessageQueue, BehavesLikeAListOfStringsInAnyOrderOfUse) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ChunkPool pool;
    MessageQueue queue;
    std::deque<std::string> model;
    bool torn = false;
    for (int step = 0; step < 1000; ++step) {
      const uint64_t what = random() % 100;
      if (what < 40) {
        uint64_t length = 1 + random() % 60;
        if (random() % 8 == 0) length = 1 + random() % (3 * kChunk);
        std::string text(length, '\0');
        for (char& byte : text) byte = static_cast<char>(random());
        const uint64_t split = random() % (length + 1);
        queue.Append(&pool, text.substr(0, split), text.substr(split));
        model.push_back(text);
      } else if (what < 50 && !model.empty()) {
        queue.Extend(&pool, "more");
        model.back() += "more";
      } else if (what < 99) {
        uint64_t bytes = random() % (queue.bytes() + 1);
        if (random() % 4 == 0) bytes = queue.bytes();
        const uint64_t completed = queue.Consume(&pool, bytes);
        uint64_t expected = 0;
        while (bytes > 0) {
          const uint64_t some = std::min<uint64_t>(bytes, model.front().size());
          model.front().erase(0, some);
          bytes -= some;
          torn = !model.front().empty();
          if (torn) continue;
          model.pop_front();
          ++expected;
        }
        ASSERT_EQ(completed, expected);
      } else {
        ASSERT_EQ(queue.Clear(&pool), model.size());
        model.clear();
        torn = false;
      }
      std::string all;
      for (const std::string& text : model) all += text;
      ASSERT_EQ(queue.bytes(), all.size());
      ASSERT_EQ(queue.messages(), model.size());
      ASSERT_EQ(queue.empty(), model.empty());
      ASSERT_EQ(queue.torn(), torn);
      if (!model.empty()) {
        ASSERT_EQ(queue.front_left(), model.front().size());
      }
      const uint64_t skip = random() % (all.size() + 1);
      const uint64_t some = random() % 3000;
      ASSERT_EQ(Gathered(queue, skip, some), all.substr(skip, some));
      // At most one chunk more than the bytes need, and none for nothing.
      ASSERT_LE(pool.in_use_bytes(), all.empty() ? 0 : (all.size() / kChunk + 2) * kChunk);
    }
    queue.Clear(&pool);
    ASSERT_EQ(pool.in_use_bytes(), 0u);
  }
}

TEST(MessageQueueDeathTest, AMessageHasBytes) {
  ChunkPool pool;
  MessageQueue queue;
  EXPECT_DEATH(queue.Append(&pool, "", ""), "assertion failed");
  EXPECT_DEATH(queue.Consume(&pool, 1), "assertion failed");
}

// Goal: what was begun is finished, and what is dropped is whole messages from the front. Method:
// every limit, with every part of the first message sent.
TEST(Outbox, DropsTheOldestButFinishesWhatWasBegun) {
  const std::vector<std::string> texts = {std::string(2500, 'a'), "bbbb", "ccc", "dd"};
  for (uint64_t sent : {0u, 1u, 1024u, 2499u}) {
    for (uint64_t keep = 0; keep < 2520; keep += keep < 12 ? 1 : 97) {
      ChunkPool pool;
      Receipts receipts;
      Outbox outbox;
      for (const std::string& text : texts) outbox.personal.Append(&pool, text, {});
      outbox.personal.Consume(&pool, sent);
      const uint64_t lost = outbox.DropOldest(&pool, keep, &receipts);
      EXPECT_LE(outbox.personal.bytes(), keep);
      std::string expected;
      for (size_t i = lost + (sent > 0 ? 1 : 0); i < texts.size(); ++i) expected += texts[i];
      const bool all_kept = keep >= 2509 - sent;
      const std::string begun = texts[0].substr(sent);
      if (all_kept) {
        EXPECT_EQ(lost, 0u);
        EXPECT_TRUE(outbox.remainder.empty());
        EXPECT_EQ(Gathered(outbox.personal, 0, 9999), begun + "bbbbcccdd");
      } else {
        EXPECT_EQ(Gathered(outbox.remainder, 0, 9999), sent == 0 ? "" : begun);
        EXPECT_EQ(Gathered(outbox.personal, 0, 9999), expected) << sent << " " << keep;
        // No more than had to go.
        if (lost > 0) {
          const std::string& last = texts[lost - 1 + (sent > 0 ? 1 : 0)];
          EXPECT_GT(outbox.personal.bytes() + last.size(), keep);
        }
      }
      outbox.remainder.Clear(&pool);
      outbox.personal.Clear(&pool);
      EXPECT_EQ(pool.in_use_bytes(), 0u);
    }
  }
}

TEST(Outbox, IsEmptyWhenItsQueuesAre) {
  ChunkPool pool;
  Outbox outbox;
  EXPECT_TRUE(outbox.empty());
  for (MessageQueue* queue : {&outbox.remainder, &outbox.replies, &outbox.personal}) {
    queue->Append(&pool, "x", "");
    EXPECT_FALSE(outbox.empty());
    queue->Clear(&pool);
    EXPECT_TRUE(outbox.empty());
  }
}

}  // namespace
}  // namespace halley::hub
