#include "wire/websocket.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "wire/decoder_test.h"
#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::CheckDecoder;
using testing::LoadVector;
using testing::ParseVector;
using testing::Step;

constexpr size_t kPayloadBytesMax = size_t{1} << 17;

// Whole frames: the header, then the payload unmasked in place.
struct WsDecoder {
  Step Next(Inbox* inbox, std::string* transcript) {
    WsHeader header;
    const DecodeStatus status = DecodeWsHeader(inbox->view(), &header);
    if (status == DecodeStatus::kMore) return Step::kMore;
    if (status != DecodeStatus::kDone || header.payload_bytes > kPayloadBytesMax) {
      transcript->append("bad");
      return Step::kOver;
    }
    if (inbox->size() < header.header_bytes + header.payload_bytes) return Step::kMore;
    inbox->begin += header.header_bytes;
    const auto payload_bytes = static_cast<size_t>(header.payload_bytes);
    UnmaskWs(inbox->begin, inbox->begin, payload_bytes, header.mask);
    transcript->append(header.fin ? "fin " : "");
    transcript->append(std::to_string(static_cast<int>(header.opcode)) + ' ');
    transcript->append(inbox->begin, payload_bytes).append(";");
    inbox->begin += payload_bytes;
    return Step::kAgain;
  }
  size_t inbox_bytes_max() const { return kWsClientHeaderBytesMax + kPayloadBytesMax; }
};

std::string Decoded(std::string_view hex) { return CheckDecoder(WsDecoder{}, ParseVector(hex)); }

TEST(WebSocket, DecodesTheFramesOfTheRfc) {
  EXPECT_EQ(Decoded("81 85 37fa213d 7f9f4d5158"), "fin 1 Hello;");
  EXPECT_EQ(Decoded("01 83 00000000 \"Hel\" 80 82 00000000 \"lo\""), "1 Hel;fin 0 lo;");
  EXPECT_EQ(Decoded("89 85 37fa213d 7f9f4d5158 8a 80 01020304"), "fin 9 Hello;fin 10 ;");
}

TEST(WebSocket, DecodesTheFramesOfAClient) {
  const std::string transcript = CheckDecoder(WsDecoder{}, LoadVector("ws_frames"));
  EXPECT_TRUE(transcript.starts_with("fin 9 Hello;fin 2 ")) << transcript;
  EXPECT_TRUE(transcript.ends_with("fin 8 \x03\xE8" "bye;")) << transcript;
}

TEST(WebSocket, DecodesEachLengthFormAtItsLimits) {
  const auto body = [](size_t bytes) { return std::string(bytes, 'b'); };
  const auto decoded = [](std::string_view hex, const std::string& payload) {
    return CheckDecoder(WsDecoder{}, ParseVector(hex) + payload);
  };
  EXPECT_EQ(decoded("82 80 00000000", ""), "fin 2 ;");
  EXPECT_EQ(decoded("82 fd 00000000", body(125)), "fin 2 " + body(125) + ";");
  EXPECT_EQ(decoded("82 fe 007e 00000000", body(126)), "fin 2 " + body(126) + ";");
  EXPECT_EQ(decoded("89 fd 00000000", body(125)), "fin 9 " + body(125) + ";");
}

TEST(WebSocket, DecodesTheLongestSixteenBitLengthAndTheShortestLongerOne) {
  for (const size_t bytes : {size_t{65535}, size_t{65536}}) {
    const std::string header = ParseVector(bytes == 65535 ? "82 fe ffff 00000000"
                                                          : "82 ff 0000000000010000 00000000");
    const std::string body(bytes, 'b');
    WsHeader decoded;
    ASSERT_EQ(DecodeWsHeader(header + body, &decoded), DecodeStatus::kDone);
    EXPECT_EQ(decoded.payload_bytes, bytes);
    EXPECT_EQ(decoded.header_bytes, header.size());
  }
}

TEST(WebSocket, RefusesWhatTheRfcForbidsAtTheByteThatProvesIt) {
  const struct {
    std::string_view hex;
    std::string_view what;
  } kBad[] = {
      {"c2", "RSV1"},
      {"a2", "RSV2"},
      {"92", "RSV3"},
      {"83", "opcode 3"},
      {"87", "opcode 7"},
      {"8b", "opcode 11"},
      {"8f", "opcode 15"},
      {"08", "fragmented close"},
      {"09", "fragmented ping"},
      {"0a", "fragmented pong"},
      {"82 00", "no mask, empty"},
      {"82 05", "no mask"},
      {"82 7e", "no mask, 16-bit length"},
      {"89 05", "no mask on a ping"},
      {"89 fe", "ping of 126 bytes"},
      {"88 ff", "close with a 64-bit length"},
      {"82 fe 0000", "16-bit length 0"},
      {"82 fe 007d", "16-bit length 125"},
      {"82 ff 0000000000000000", "64-bit length 0"},
      {"82 ff 000000000000007d", "64-bit length 125"},
      {"82 ff 000000000000ffff", "64-bit length 65535"},
      {"82 ff 8000000000000000", "64-bit length with its top bit"},
      {"82 ff ffffffffffffffff", "64-bit length, all bits"},
  };
  for (const auto& row : kBad) {
    EXPECT_EQ(Decoded(row.hex), "bad") << row.what;
    // One byte earlier nothing was proved.
    const std::string bytes = ParseVector(row.hex);
    WsHeader header;
    EXPECT_EQ(DecodeWsHeader(bytes.substr(0, bytes.size() - 1), &header), DecodeStatus::kMore)
        << row.what;
  }
}

TEST(WebSocket, TakesRsv1OnlyWhereACompressedMessageBegins) {
  const struct {
    std::string_view hex;
    DecodeStatus status;
  } kRows[] = {
      {"c1 80 00000000", DecodeStatus::kDone}, {"c2 80 00000000", DecodeStatus::kDone},
      {"41 80 00000000", DecodeStatus::kDone}, {"c0", DecodeStatus::kBad},
      {"40", DecodeStatus::kBad},              {"c8", DecodeStatus::kBad},
      {"c9", DecodeStatus::kBad},              {"e2", DecodeStatus::kBad},
      {"d2", DecodeStatus::kBad},
  };
  for (const auto& row : kRows) {
    WsHeader header;
    EXPECT_EQ(DecodeWsHeader(ParseVector(row.hex), &header, /*deflate=*/true), row.status)
        << row.hex;
    if (row.status == DecodeStatus::kDone) {
      EXPECT_TRUE(header.compressed);
    }
  }
  WsHeader header;
  ASSERT_EQ(DecodeWsHeader(ParseVector("82 80 00000000"), &header, true), DecodeStatus::kDone);
  EXPECT_FALSE(header.compressed);
}

TEST(WebSocket, WritesRsv1BeforeWhatIsDeflated) {
  char plain[kWsServerHeaderBytesMax], deflated[kWsServerHeaderBytesMax];
  for (const size_t bytes : {size_t{1}, size_t{126}, size_t{70000}}) {
    const size_t size = WriteWsHeader(WsOpcode::kBinary, bytes, plain);
    ASSERT_EQ(WriteWsDeflatedHeader(WsOpcode::kText, bytes, deflated), size);
    EXPECT_EQ(deflated[0], '\xc1');
    ASSERT_EQ(WriteWsDeflatedHeader(WsOpcode::kBinary, bytes, deflated), size);
    EXPECT_EQ(deflated[0], '\xc2');
    EXPECT_EQ(std::string_view(deflated + 1, size - 1), std::string_view(plain + 1, size - 1));
  }
}

// The reference: one byte at a time, as RFC 6455 5.3 has it.
std::string Masked(std::string_view bytes, const char (&mask)[4]) {
  std::string masked(bytes);
  for (size_t i = 0; i < masked.size(); ++i) masked[i] = static_cast<char>(masked[i] ^ mask[i % 4]);
  return masked;
}

TEST(WebSocket, UnmasksAnyLengthInAnyPiecesOverAnyGap) {
  std::mt19937_64 random(1);
  const char mask[4] = {'\x37', '\xfa', '\x21', '\x3d'};
  uint32_t word;
  std::memcpy(&word, mask, 4);
  for (size_t bytes = 0; bytes < 70; ++bytes) {
    std::string plain(bytes, '\0');
    for (char& c : plain) c = static_cast<char>(random());
    for (size_t cut = 0; cut <= bytes; ++cut) {
      for (const size_t gap : {0, 1, 2, 3, 6, 7, 8, 9, 20}) {
        std::string memory = std::string(gap, '-') + Masked(plain, mask) + "behind";
        const uint32_t rest = UnmaskWs(memory.data(), memory.data() + gap, cut, word);
        UnmaskWs(memory.data() + cut, memory.data() + gap + cut, bytes - cut, rest);
        ASSERT_EQ(memory.substr(0, bytes), plain) << bytes << " cut at " << cut << " gap " << gap;
        ASSERT_TRUE(memory.ends_with("behind"));
      }
    }
  }
}

TEST(WebSocket, KnowsWhichCloseCodesMayBeSent) {
  for (int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000,
                   3999, 4000, 4999}) {
    EXPECT_TRUE(IsWsCloseCode(static_cast<uint16_t>(code))) << code;
  }
  for (int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    EXPECT_FALSE(IsWsCloseCode(static_cast<uint16_t>(code))) << code;
  }
}

TEST(WebSocket, ReadsCloseFrames) {
  uint16_t code = 77;
  EXPECT_EQ(ParseWsClose("", &code), WsCloseStatus::kGood);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(ParseWsClose("\x03", &code), WsCloseStatus::kBad);
  EXPECT_EQ(ParseWsClose("\x03\xE8", &code), WsCloseStatus::kGood);
  EXPECT_EQ(code, 1000);
  EXPECT_EQ(ParseWsClose("\x0B\xB9gr\xC3\xBC\xC3\x9F", &code), WsCloseStatus::kGood);
  EXPECT_EQ(code, 3001);
  EXPECT_EQ(ParseWsClose("\x03\xEDx", &code), WsCloseStatus::kBad);  // 1005
  EXPECT_EQ(ParseWsClose("\x03\xE8\xFF", &code), WsCloseStatus::kBadUtf8);
  EXPECT_EQ(ParseWsClose("\x03\xE8gr\xC3", &code), WsCloseStatus::kBadUtf8);
}

TEST(WebSocket, WritesControlFrames) {
  std::string out;
  AppendWsClose(1002, &out);
  AppendWsClose(0, &out);
  AppendWsPong("abc", &out);
  AppendWsPong("", &out);
  AppendWsPing(&out);
  AppendWsPong(std::string(kWsControlBytesMax, 'p'), &out);
  EXPECT_EQ(out, ParseVector("88 02 03ea | 88 00 | 8a 03 \"abc\" | 8a 00 | 89 00 | 8a 7d") +
                     std::string(kWsControlBytesMax, 'p'));
}

TEST(WebSocketDeathTest, APongAboveTheLimitIsAProgrammersError) {
  std::string out;
  EXPECT_DEATH(AppendWsPong(std::string(kWsControlBytesMax + 1, 'p'), &out), "assertion failed");
}

}  // namespace
}  // namespace halley::wire
