// What is fast against what is plain: the same answers on random input, from a seed.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "wire/http_upgrade.h"
#include "wire/utf8.h"
#include "wire/websocket.h"

namespace halley::wire {
namespace {

using Random = std::mt19937_64;

size_t Below(Random* random, size_t bound) { return static_cast<size_t>((*random)() % bound); }

// --- UTF-8

// How many bytes of `text` are there when it is first known not to be UTF-8; npos: it may go on.
// RFC 3629 3, read aloud: every continuation of the bytes so far is tried.
size_t FirstBadUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<uint8_t>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const size_t more = lead >= 0xC0 && lead < 0xE0   ? 1
                        : lead >= 0xE0 && lead < 0xF0 ? 2
                        : lead >= 0xF0 && lead < 0xF8 ? 3
                                                      : 0;
    if (more == 0) return at + 1;
    // The points that may still come of the bytes so far are an interval.
    uint32_t low = lead & (0x3Fu >> more);
    for (size_t i = 1;; ++i) {
      const uint32_t rest_bits = static_cast<uint32_t>(6 * (more - (i - 1)));
      const uint32_t first = low << rest_bits;
      const uint32_t last = first + (1u << rest_bits) - 1;
      const uint32_t shortest = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
      const bool surrogates = first >= 0xD800 && last <= 0xDFFF;
      if (last < shortest || first > 0x10FFFF || surrogates) return at + i;
      if (i > more) break;
      if (at + i == text.size()) return std::string_view::npos;
      const auto next = static_cast<uint8_t>(text[at + i]);
      if ((next & 0xC0) != 0x80) return at + i + 1;
      low = low << 6 | (next & 0x3F);
    }
    at += 1 + more;
  }
  return std::string_view::npos;
}

std::string RandomText(Random* random) {
  static constexpr std::array<std::string_view, 20> kPieces = {
      "a", "abcdefgh", "0123456789abcdefghijklmnopqrstuvwxyz", "\xC2\x80", "\xDF\xBF",
      "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
      "\xF4\x8F\xBF\xBF", "\xE2\x82\xAC", "\xC1\xBF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
      "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF5\x80", "\x80", "\xFF"};
  // The last eight are not UTF-8: most texts shall be.
  const size_t pieces = Below(random, 4) == 0 ? kPieces.size() : kPieces.size() - 8;
  std::string text;
  for (size_t i = Below(random, 12); i > 0; --i) text.append(kPieces[Below(random, pieces)]);
  if (!text.empty() && Below(random, 4) == 0) text.resize(Below(random, text.size()));
  if (!text.empty() && Below(random, 4) == 0) {
    text[Below(random, text.size())] = static_cast<char>((*random)());
  }
  return text;
}

TEST(Differential, Utf8FailsWhereAPlainReaderDoes) {
  Random random(1);
  size_t bad_texts = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string text = RandomText(&random);
    const size_t bad_at = FirstBadUtf8(text);
    bad_texts += bad_at != std::string_view::npos ? 1 : 0;
    Utf8Validator whole;
    ASSERT_EQ(whole.Feed(text), bad_at == std::string_view::npos) << ::testing::PrintToString(text);
    // In pieces: good until the piece that has the bad byte.
    Utf8Validator pieces;
    for (size_t at = 0; at < text.size();) {
      const size_t bytes = 1 + Below(&random, text.size() - at);
      const bool good = pieces.Feed(std::string_view(text).substr(at, bytes));
      at += bytes;
      ASSERT_EQ(good, at < bad_at) << ::testing::PrintToString(text) << " up to " << at;
      if (!good) break;
    }
    if (bad_at == std::string_view::npos) {
      // It may end here exactly when a lead byte behind it would be good.
      ASSERT_EQ(whole.complete(), FirstBadUtf8(text + "a") == std::string_view::npos)
          << ::testing::PrintToString(text);
    }
  }
  EXPECT_GT(bad_texts, 20'000u);
  EXPECT_LT(bad_texts, 180'000u);
}

// --- unmasking

TEST(Differential, UnmasksAsOneByteAtATimeDoes) {
  Random random(2);
  for (int i = 0; i < 20'000; ++i) {
    const size_t size = Below(&random, 8) == 0 ? Below(&random, 5000) : Below(&random, 80);
    const size_t before = Below(&random, 9);
    const size_t gap = Below(&random, 24);
    std::string memory(before + gap + size + 9, '\0');
    for (char& byte : memory) byte = static_cast<char>(random());
    char mask[4];
    for (char& byte : mask) byte = static_cast<char>(random());
    std::string expected = memory;
    for (size_t at = 0; at < size; ++at) {
      expected[before + at] = static_cast<char>(memory[before + gap + at] ^ mask[at % 4]);
    }
    uint32_t word;
    std::memcpy(&word, mask, sizeof word);
    char* const to = memory.data() + before;
    for (size_t at = 0; at < size;) {
      const size_t bytes = 1 + Below(&random, Below(&random, 2) == 0 ? size - at : 1);
      word = UnmaskWs(to + at, to + gap + at, bytes, word);
      at += bytes;
    }
    // What lies before it, and what lies behind where it lay.
    ASSERT_EQ(memory.substr(0, before + size), expected.substr(0, before + size));
    ASSERT_EQ(memory.substr(before + gap + size), expected.substr(before + gap + size));
  }
}

// --- the scan for the end of a request's header

// How many bytes the header has; 0: it has not ended, npos: a byte in it may not be.
size_t PlainHeaderBytes(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size(); ++at) {
    const auto byte = static_cast<uint8_t>(bytes[at]);
    const bool after_cr = at > 0 && bytes[at - 1] == '\r';
    if (after_cr != (byte == '\n')) return std::string_view::npos;
    if (byte != '\r' && byte != '\n' && byte != '\t' && (byte < ' ' || byte == 0x7F)) {
      return std::string_view::npos;
    }
    if (bytes.substr(0, at + 1).ends_with("\r\n\r\n")) return at + 1;
  }
  return 0;
}

std::string RandomRequest(Random* random) {
  static constexpr std::array<std::string_view, 7> kLines = {
      "GET /sub HTTP/1.1\r\n", "Host: a\r\n", "X: y\r\n", "Upgrade: websocket\r\n",
      "\t folded \xC3\xBC\r\n", ":\r\n", "Cookie: 0123456789012345678901234567890123456789\r\n"};
  static constexpr std::array<std::string_view, 6> kOdd = {"\r", "\n", "\r\r", "\n\n", "\x7F", "\x01"};
  std::string request;
  for (size_t i = Below(random, 8); i > 0; --i) request.append(kLines[Below(random, kLines.size())]);
  request.append(Below(random, 4) == 0 ? "" : "\r\n");
  if (Below(random, 4) == 0) request.append("\x82\x80 behind it\r\n\r\n");
  if (Below(random, 2) == 0) {
    request.insert(Below(random, request.size() + 1), kOdd[Below(random, kOdd.size())]);
  }
  if (Below(random, 4) == 0) request.resize(Below(random, request.size() + 1));
  return request;
}

TEST(Differential, TheHeadersEndIsWhereAPlainReaderFindsIt) {
  Random random(3);
  const UpgradeLimits limits{.header_bytes_max = 120, .headers_max = 100};
  std::array<size_t, 4> seen{};
  for (int i = 0; i < 100'000; ++i) {
    const std::string request = RandomRequest(&random);
    const size_t header_bytes =
        PlainHeaderBytes(std::string_view(request).substr(0, limits.header_bytes_max));
    UpgradeStatus status = UpgradeStatus::kMore;
    UpgradeRefusal refusal = UpgradeRefusal::kCount_;
    UpgradeRequest upgrade;
    size_t scanned = 0;
    for (size_t at = 0; at < request.size() && status == UpgradeStatus::kMore;) {
      at += 1 + Below(&random, request.size() - at);
      refusal = UpgradeRefusal::kCount_;
      status = ParseUpgrade(std::string_view(request).substr(0, at), limits, &scanned, &upgrade,
                            &refusal);
    }
    if (header_bytes == std::string_view::npos) {
      ASSERT_EQ(refusal, UpgradeRefusal::kBadByte) << ::testing::PrintToString(request);
      ++seen[0];
    } else if (header_bytes > 0) {
      // Whatever is thought of it: it was looked at, and no further than to its end.
      ASSERT_NE(status, UpgradeStatus::kMore) << ::testing::PrintToString(request);
      ASSERT_NE(refusal, UpgradeRefusal::kBadByte) << ::testing::PrintToString(request);
      ASSERT_EQ(scanned, header_bytes) << ::testing::PrintToString(request);
      ++seen[1];
    } else if (request.size() >= limits.header_bytes_max) {
      ASSERT_EQ(refusal, UpgradeRefusal::kHeaderTooLarge) << ::testing::PrintToString(request);
      ++seen[2];
    } else {
      ASSERT_EQ(status, UpgradeStatus::kMore) << ::testing::PrintToString(request);
      ++seen[3];
    }
  }
  for (const size_t count : seen) EXPECT_GT(count, 1000u) << "each case is there";
}

}  // namespace
}  // namespace halley::wire
