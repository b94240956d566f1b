// CheckDecoder(): the test that every decoder passes, on every stream that is thought of.
//
// Whole, byte by byte, split at every point and at random, it must say the same; cut off, it must
// have said a beginning of that; with a bit flipped it may say anything, but the same thing however
// it is fed. decoder_feed.h watches for reads and writes outside the bytes, for kept pointers and
// for endless loops all the while.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "wire/decoder_feed.h"

namespace halley::wire::testing {

inline constexpr size_t kStreamBytesMax = size_t{1} << 18;
inline constexpr size_t kFlipsMax = 2000;
inline constexpr size_t kCutsMax = 1000;

template <typename Decoder>
void CheckFlips(const Decoder& decoder, std::string_view stream, GuardedBytes* memory) {
  std::string flipped(stream);
  std::mt19937_64 random(stream.size());
  const size_t bits = stream.size() * 8;
  for (size_t i = 0; i < std::min(bits, kFlipsMax); ++i) {
    const size_t bit = bits <= kFlipsMax ? i : random() % bits;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const std::string whole = TranscriptOf(decoder, {flipped}, memory, true);
    const std::string pieces =
        TranscriptOf(decoder, InRandomPieces(flipped, i), memory, i % 2 == 0);
    ASSERT_EQ(whole, pieces) << "bit " << bit << " flipped, random pieces of seed " << i;
    flipped[bit / 8] = stream[bit / 8];
  }
}

// `decoder` is copied for every run. Returns the transcript.
template <typename Decoder>
std::string CheckDecoder(const Decoder& decoder, std::string_view stream) {
  GuardedBytes memory(kStreamBytesMax);
  const std::string expected = TranscriptOf(decoder, {stream}, &memory, true);
  const auto check = [&](const Chunks& chunks, const char* how, size_t which) {
    ASSERT_EQ(expected, TranscriptOf(decoder, chunks, &memory, which % 2 == 0)) << how << which;
  };
  check({stream}, "at the beginning of a page ", 1);
  check(InPieces(stream, 1), "byte by byte, at the end of a page ", 0);
  check(InPieces(stream, 1), "byte by byte, at the beginning of a page ", 1);
  for (size_t seed = 0; seed < 32; ++seed) check(InRandomPieces(stream, seed), "seed ", seed);
  // Every point of a stream of ordinary length; points evenly spread over a long one.
  const size_t stride = 1 + stream.size() / kCutsMax;
  for (size_t at = 0; at < stream.size(); at += stride) {
    check({stream.substr(0, at), stream.substr(at)}, "split at ", at);
    const std::string cut = TranscriptOf(decoder, {stream.substr(0, at)}, &memory, true);
    EXPECT_TRUE(std::string_view(expected).starts_with(cut)) << "cut off at " << at;
  }
  CheckFlips(decoder, stream, &memory);
  return expected;
}

}  // namespace halley::wire::testing
