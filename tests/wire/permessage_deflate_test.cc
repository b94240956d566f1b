#include "wire/permessage_deflate.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::ParseVector;

std::string AnswerTo(std::string_view offers) {
  const DeflateAgreement agreement = AgreeOnDeflate(offers);
  if (!agreement.agreed) return "declined";
  std::string out;
  AppendDeflateAnswer(agreement, &out);
  return out;
}

TEST(PermessageDeflate, AgreesOnWhatItCanDoAndDeclinesTheRest) {
  const std::string plain =
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const std::string window = plain + "; server_max_window_bits=12";
  const struct {
    std::string_view offers;
    std::string answer;
  } kRows[] = {
      {"permessage-deflate", plain},
      {"PerMessage-Deflate", plain},
      {"permessage-deflate; client_max_window_bits", plain},
      {"permessage-deflate; client_max_window_bits=8", plain},
      {"permessage-deflate;client_max_window_bits=\"15\"", plain},
      {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", plain},
      {"permessage-deflate; server_max_window_bits=15", window},
      {"permessage-deflate; server_max_window_bits=12; client_max_window_bits", window},
      {"permessage-deflate; server_max_window_bits=11", "declined"},
      {"permessage-deflate; server_max_window_bits=8", "declined"},
      {"permessage-deflate; server_max_window_bits=9, permessage-deflate", plain},
      {"x-webkit-deflate-frame, permessage-deflate", plain},
      {"permessage-deflate; server_max_window_bits", "declined"},
      {"permessage-deflate; server_max_window_bits=16", "declined"},
      {"permessage-deflate; server_max_window_bits=012", "declined"},
      {"permessage-deflate; client_max_window_bits=7", "declined"},
      {"permessage-deflate; client_max_window_bits=", "declined"},
      {"permessage-deflate; client_no_context_takeover=1", "declined"},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", "declined"},
      {"permessage-deflate; client_max_window_bits; client_max_window_bits=9", "declined"},
      {"permessage-deflate; unknown", "declined"},
      {"permessage-deflate; =", "declined"},
      {"permessage-deflat", "declined"},
      {", ,", "declined"},
      {"", "declined"},
  };
  for (const auto& row : kRows) EXPECT_EQ(AnswerTo(row.offers), row.answer) << row.offers;
}

std::string Deflated(std::string_view text) {
  std::string out;
  // In two parts, as a push has its headers and its body.
  DeflateMessage({text.substr(0, text.size() / 3), text.substr(text.size() / 3)}, &out);
  return out;
}

std::string Inflated(std::string_view payload, size_t bytes_max = 1 << 20) {
  std::string_view message;
  switch (InflateMessage(payload, bytes_max, &message)) {
    case InflateStatus::kDone: return "done " + std::string(message);
    case InflateStatus::kBad: return "bad";
    case InflateStatus::kTooBig: return "too big";
  }
  return "";
}

TEST(PermessageDeflate, InflatesWhatItDeflated) {
  std::mt19937 random(7);
  for (const size_t bytes : {0, 1, 15, 100, 4095, 4096, 5000, 70'000, 300'000}) {
    std::string text, noise;
    while (text.size() < bytes) {
      text += "{\"room\":" + std::to_string(random() % 50) + "}";
      noise += static_cast<char>(random());
    }
    text.resize(bytes);
    EXPECT_TRUE(Inflated(Deflated(text)) == "done " + text) << bytes;
    EXPECT_TRUE(Inflated(Deflated(noise)) == "done " + noise) << bytes;
    if (bytes > 1000) {
      EXPECT_LT(Deflated(text).size(), bytes / 3);
    }
  }
}

// RFC 7692 7.2.3: the document's own examples.
TEST(PermessageDeflate, InflatesTheExamplesOfItsDocument) {
  EXPECT_EQ(Inflated(ParseVector("f2 48 cd c9 c9 07 00")), "done Hello");
  EXPECT_EQ(Inflated(ParseVector("00 05 00 fa ff 48 65 6c 6c 6f 00")), "done Hello");
  EXPECT_EQ(Inflated(ParseVector("f3 48 cd c9 c9 07 00 00")), "done Hello") << "a final block";
  EXPECT_EQ(Inflated(ParseVector("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")), "done Hello")
      << "two blocks";
}

// The second message of the document's example without context takeover: no window is kept.
TEST(PermessageDeflate, EveryMessageStandsAlone) {
  const std::string once = Deflated(std::string(500, 'x'));
  EXPECT_EQ(Deflated(std::string(500, 'x')), once);
  EXPECT_EQ(Inflated(ParseVector("f2 48 cd c9 c9 07 00")), "done Hello");
  EXPECT_EQ(Inflated(ParseVector("f2 00 11 00 00")), "bad") << "points into the message before";
}

TEST(PermessageDeflate, TheLimitIsExactAndNoBombGetsPastIt) {
  for (const size_t bytes : {size_t{100}, size_t{8192}}) {
    const std::string payload = Deflated(std::string(bytes, 'z'));
    EXPECT_TRUE(Inflated(payload, bytes) == "done " + std::string(bytes, 'z'));
    EXPECT_EQ(Inflated(payload, bytes - 1), "too big");
  }
  const std::string bomb = Deflated(std::string(10'000'000, '\0'));
  EXPECT_LT(bomb.size(), 60'000u);
  EXPECT_EQ(Inflated(bomb, 8192), "too big");
}

TEST(PermessageDeflate, WhatIsCutShortOrBrokenIsBad) {
  const std::string payload = Deflated("the quick brown fox jumps over the lazy dog");
  int bad = 0;
  for (size_t size = 1; size < payload.size(); ++size) {
    const std::string got = Inflated(payload.substr(0, size));
    EXPECT_NE(got, "done the quick brown fox jumps over the lazy dog") << size;
    bad += got == "bad" ? 1 : 0;
  }
  EXPECT_GT(bad, 0);
  EXPECT_EQ(Inflated("\x07"), "bad") << "block type 3";
  EXPECT_EQ(Inflated(ParseVector("00 05 00 00 00")), "bad") << "a stored block's length";
}

}  // namespace
}  // namespace halley::wire
