// What every fuzz target does with its input: feed it whole and in pieces, flush against guard
// pages, and demand the same transcript.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "wire/decoder_feed.h"

namespace halley::wire::testing {

inline constexpr size_t kFuzzBytesMax = size_t{1} << 16;

inline std::string_view FuzzInput(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size < kFuzzBytesMax ? size : kFuzzBytesMax};
}

// `decoder` is copied for every feeding. Returns the transcript.
template <typename Decoder>
std::string FuzzDecoder(const Decoder& decoder, std::string_view input) {
  static GuardedBytes* const memory = new GuardedBytes(kFuzzBytesMax);
  const std::string whole = TranscriptOf(decoder, {input}, memory, true);
  // The pieces depend on the input alone, so that a failure can be repeated.
  const uint64_t seed = std::hash<std::string_view>()(input);
  const std::string pieces =
      TranscriptOf(decoder, InRandomPieces(input, seed), memory, seed % 2 == 0);
  HALLEY_ASSERT(whole == pieces);
  return whole;
}

}  // namespace halley::wire::testing
