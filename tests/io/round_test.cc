#include "io/round.h"

#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace halley::io {
namespace {

TEST(Round, TheHotBufferHoldsAWholeReadBehindARest) {
  Round round;
  EXPECT_EQ(round.hot_buffer().size(), Round::kHotBytes);
  EXPECT_GE(Round::kHotBytes, Round::kReadBytes + 16384);
  std::memset(round.hot_buffer().data(), 1, Round::kHotBytes);
  EXPECT_EQ(round.in_use_bytes(), 0u);
  EXPECT_EQ(round.held_bytes(), 0u);
}

TEST(Round, SizesAreRoundedUpToTheirClass) {
  Round round;
  const std::vector<std::pair<size_t, uint32_t>> sizes{
      {0, 512},       {1, 512},       {512, 512},       {513, 1024},
      {4096, 4096},   {4097, 8192},   {65535, 65536},   {65536, 65536},
      {65537, 65537}, {100000, 100000}};
  size_t in_use = 0;
  std::vector<Chunk> chunks;
  for (const auto& [asked, given] : sizes) {
    chunks.push_back(round.Get(asked));
    EXPECT_EQ(chunks.back().bytes, given);
    std::memset(chunks.back().data, 1, given);
    in_use += given;
    EXPECT_EQ(round.in_use_bytes(), in_use);
  }
  for (Chunk& chunk : chunks) {
    in_use -= chunk.bytes;
    round.Put(&chunk);
    EXPECT_FALSE(chunk);
    EXPECT_EQ(round.in_use_bytes(), in_use);
  }
}

TEST(Round, PuttingNothingIsNothing) {
  Round round;
  Chunk none;
  EXPECT_FALSE(none);
  round.Put(&none);
  EXPECT_EQ(round.in_use_bytes(), 0u);
}

TEST(Round, AChunkThatCameBackIsTheNextToGo) {
  Round round;
  Chunk first = round.Get(512);
  Chunk second = round.Get(512);
  char* const warm = first.data;
  round.Put(&first);
  Chunk third = round.Get(300);
  EXPECT_EQ(third.data, warm);
  round.Put(&second);
  round.Put(&third);
}

TEST(Round, LargeChunksGoStraightBack) {
  Round round;
  Chunk large = round.Get(10'000'000);
  EXPECT_EQ(round.held_bytes(), 10'000'000u);
  round.Put(&large);
  EXPECT_EQ(round.held_bytes(), 0u);
}

TEST(Round, AnIdleRoundGivesEverythingBack) {
  Round round;
  std::vector<Chunk> chunks;
  for (int i = 0; i < 3000; ++i) chunks.push_back(round.Get(1024));
  const size_t peak = round.held_bytes();
  EXPECT_GE(peak, 3000u * 1024);
  EXPECT_LE(peak, 3000u * 1024 + Round::kBlockBytes);
  for (Chunk& chunk : chunks) round.Put(&chunk);
  EXPECT_EQ(round.held_bytes(), peak) << "not before it was idle for a while";
  round.Trim();
  EXPECT_EQ(round.held_bytes(), peak);
  round.Trim();
  EXPECT_EQ(round.held_bytes(), 0u);
}

// A burst that comes back in every period keeps its blocks; what exceeds it does not.
TEST(Round, ABurstThatRepeatsDoesNotThrash) {
  Round round;
  const auto burst = [&](int count) {
    std::vector<Chunk> chunks;
    for (int i = 0; i < count; ++i) chunks.push_back(round.Get(65536));
    for (Chunk& chunk : chunks) round.Put(&chunk);
  };
  burst(100);
  for (int period = 0; period < 5; ++period) {
    burst(40);
    round.Trim();
    burst(40);
  }
  EXPECT_EQ(round.held_bytes(), 40u * 65536);
}

TEST(Round, OneChunkKeepsItsBlockOnly) {
  Round round;
  std::vector<Chunk> chunks;
  for (int i = 0; i < 64; ++i) chunks.push_back(round.Get(16384));
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (i != 20) round.Put(&chunks[i]);
  }
  round.Trim();
  round.Trim();
  EXPECT_EQ(round.held_bytes(), Round::kBlockBytes);
  std::memset(chunks[20].data, 1, chunks[20].bytes);
  round.Put(&chunks[20]);
}

TEST(RoundDeathTest, ChunksOutliveNoRound) {
  EXPECT_DEATH({ Chunk lost = Round().Get(1); (void)lost; }, "assertion failed");
  Round round;
  EXPECT_DEATH((void)round.Get(Round::kGetBytesMax + 1), "assertion failed");
}

TEST(RoundDeathTest, AChunkComesBackOnce) {
  Round round;
  Chunk chunk = round.Get(512);
  Chunk copy = chunk;
  round.Put(&chunk);
  EXPECT_DEATH(round.Put(&copy), "");
}

// Random takes and returns; every chunk keeps what was written into it, so no two overlap.
TEST(Round, ChunksNeverOverlap) {
  std::mt19937 random(20261120);
  Round round;
  struct Held {
    Chunk chunk;
    char mark;
  };
  std::vector<Held> held;
  size_t in_use = 0;
  const auto put = [&](size_t index) {
    const Chunk& chunk = held[index].chunk;
    for (uint32_t i = 0; i < chunk.bytes; ++i) ASSERT_EQ(chunk.data[i], held[index].mark);
    in_use -= chunk.bytes;
    round.Put(&held[index].chunk);
    held[index] = held.back();
    held.pop_back();
  };
  for (int step = 0; step < 8000; ++step) {
    if (random() % 1000 == 0) round.Trim();
    if (held.size() > 300 || (!held.empty() && random() % 2 == 0)) {
      put(random() % held.size());
    } else {
      const Chunk chunk = round.Get(random() % (size_t{1} << (random() % 18)));
      const auto mark = static_cast<char>(random());
      std::memset(chunk.data, mark, chunk.bytes);
      held.push_back({chunk, mark});
      in_use += chunk.bytes;
    }
    ASSERT_EQ(round.in_use_bytes(), in_use);
    ASSERT_GE(round.held_bytes(), in_use);
  }
  while (!held.empty()) put(0);
}

}  // namespace
}  // namespace halley::io
