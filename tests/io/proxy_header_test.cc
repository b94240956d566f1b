#include "io/proxy_header.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace halley::io {
namespace {

// The header, or how many bytes it takes to know that it is bad, or that it is not whole.
std::string Told(std::string_view bytes, size_t bytes_max = kProxyHeaderBytesMax) {
  for (size_t size = 0; size <= bytes.size(); ++size) {
    // Memory that ends with the bytes, so that a sanitizer sees who reads on.
    const auto exact = std::make_unique<char[]>(size);
    bytes.copy(exact.get(), size);
    ProxyHeader header;
    switch (DecodeProxyHeader({exact.get(), size}, &header, bytes_max)) {
      case ProxyStatus::kMore: continue;
      case ProxyStatus::kBad: return "bad at " + std::to_string(size);
      case ProxyStatus::kDone: break;
    }
    EXPECT_EQ(header.bytes, size) << "no sooner and no later";
    return header.source.empty() ? "no address" : header.source;
  }
  return "more";
}

// A verdict, once given, stays whatever follows; a split cannot change it, because every beginning
// gave it.
void ExpectStays(std::string_view bytes) {
  ProxyHeader header;
  const ProxyStatus verdict = DecodeProxyHeader(bytes, &header);
  ASSERT_NE(verdict, ProxyStatus::kMore);
  const size_t header_bytes = header.bytes;
  for (const std::string_view tail : {std::string_view("x"), std::string_view("\0\r\n", 3),
                                      std::string_view("PROXY TCP4 "), std::string_view("\xFF")}) {
    const std::string longer = std::string(bytes).append(tail);
    ProxyHeader again;
    ASSERT_EQ(DecodeProxyHeader(longer, &again), verdict);
    ASSERT_EQ(again.bytes, header_bytes);
    ASSERT_EQ(again.source, header.source);
  }
}

// --- version 1

const std::string kText4 = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
const std::string kText6 = "PROXY TCP6 2001:DB8::1 ::ffff:10.0.0.1 65535 0\r\n";

TEST(ProxyHeader, TakesLinesOfText) {
  EXPECT_EQ(Told(kText4), "192.168.0.1:56324");
  EXPECT_EQ(Told("PROXY TCP4 255.255.255.255 0.0.0.0 65535 65535\r\n"), "255.255.255.255:65535");
  EXPECT_EQ(Told("PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n"), "1.2.3.4:0");
  EXPECT_EQ(Told(kText6), "[2001:db8::1]:65535");
  EXPECT_EQ(Told("PROXY TCP6 " + std::string("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ") +
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
  EXPECT_EQ(Told("PROXY TCP6 ::ffff:1.2.3.4 :: 1 2\r\n"), "[::ffff:1.2.3.4]:1");
  EXPECT_EQ(Told("PROXY UNKNOWN\r\n"), "no address");
  EXPECT_EQ(Told("PROXY UNKNOWN \r\n"), "no address");
  EXPECT_EQ(Told("PROXY UNKNOWN ::1 ::2 3 4\r\n"), "no address");
  EXPECT_EQ(Told("PROXY UNKNOWN \r \n\xFF\r\r\n"), "no address") << "what stands there is ignored";
}

// Each with the number of bytes that prove it.
TEST(ProxyHeader, RefusesLinesAtTheFirstByteThatIsWrong) {
  const std::pair<std::string, size_t> kBad[] = {
      {"GET / HTTP/1.1\r\n", 1},
      {"\x16\x03\x01", 1},
      {"P\r", 2},
      {"PROXY\r\n", 6},
      {"PROXY  TCP4", 7},
      {"PROXY\tTCP4", 6},
      {"proxy TCP4", 1},
      {"PROXY tcp4", 7},
      {"PROXY UDP4 ", 8},
      {"PROXY TCP5 ", 10},
      {"PROXY TCP ", 10},
      {"PROXY TCP44 ", 11},
      {"PROXY UNKNOWNS\r\n", 14},
      {"PROXY UNKNOWN\n", 14},
      {"PROXY UNKNOWN\r\r\n", 15},
      {"PROXY TCP4\r\n", 11},
      {"PROXY TCP4  1.2.3.4 ", 12},
      {"PROXY TCP4 1.2.3.256 ", 20},
      {"PROXY TCP4 01.2.3.4 ", 13},
      {"PROXY TCP4 1.2.3 ", 17},
      {"PROXY TCP4 1.2.3.4.", 19},
      {"PROXY TCP4 1..", 14},
      {"PROXY TCP4 ::1 ", 12},
      {"PROXY TCP4 +1.2.3.4 ", 12},
      {"PROXY TCP4 1.2.3.4\t", 19},
      {std::string("PROXY TCP4 1.2.3.4\0 ", 20), 19},
      {"PROXY TCP4 1.2.3.4 ::1 ", 20},
      {"PROXY TCP4 1.2.3.4  ", 20},
      {"PROXY TCP4 1.2.3.4\r\n", 19},
      {"PROXY TCP4 1.2.3.4 5.6.7.8\r\n", 27},
      {"PROXY TCP6 1.2.3.4 ", 13},
      {"PROXY TCP6 1:2:3:4:5:6:7 ", 25},
      {"PROXY TCP6 1:2:3:4:5:6:7:8:", 27},
      {"PROXY TCP6 12345", 16},
      {"PROXY TCP6 1::2::", 17},
      {"PROXY TCP6 :1", 13},
      {"PROXY TCP6 ::1%lo ", 15},
      {"PROXY TCP6 [::1] ", 12},
      {"PROXY TCP6 ::1.2.3.4.", 21},
  };
  for (const auto& [line, bytes] : kBad) {
    EXPECT_EQ(Told(line), "bad at " + std::to_string(bytes)) << line;
    ExpectStays(line);
  }
  const std::string addresses = "PROXY TCP4 1.2.3.4 5.6.7.8 ";
  const std::pair<std::string, size_t> kBadPorts[] = {
      {" ", 1},      {"x", 1},      {"+1", 1},      {"-1", 1},       {"00", 2},    {"01", 2},
      {"65536", 5},  {"123456", 6}, {"1\r", 2},     {"1\t", 2},      {"1  ", 3},   {"1 2 ", 4},
      {"1 2\n", 4},  {"1 \r", 3},   {"1 2 \r", 4},  {"1 65536", 7},  {"1 02", 4},  {"1 2\r\r", 5},
      {"0x1", 2},    {"1.", 2},     {"1 2\r3", 5},
  };
  for (const auto& [ports, bytes] : kBadPorts) {
    EXPECT_EQ(Told(addresses + ports), "bad at " + std::to_string(addresses.size() + bytes))
        << ports;
  }
}

TEST(ProxyHeader, ALineHasALimit) {
  const std::string front = "PROXY UNKNOWN ";
  const std::string fill(kProxyTextBytesMax - 2 - front.size(), 'x');
  EXPECT_EQ(Told(front + fill + "\r\n"), "no address");
  EXPECT_EQ(Told(front + fill + "x\r\n"), "bad at 106") << "no room for CR and LF";
  EXPECT_EQ(Told(front + fill + "\rx"), "bad at 107");
  // Good fields, which only IPv4 in IPv6 makes long enough: one byte fits, one more does not.
  const std::string mapped(std::string("0000:0000:0000:0000:0000:ffff:255.255.255.255"));
  ASSERT_EQ(mapped.size(), size_t{45});
  EXPECT_EQ(Told("PROXY TCP6 " + mapped + ' ' + mapped.substr(1) + " 1 2\r\n"),
            "[::ffff:255.255.255.255]:1");
  EXPECT_EQ(Told("PROXY TCP6 " + mapped + ' ' + mapped + " 1 2\r\n"), "bad at 107");
}

// --- version 2

// CRC-32C by the book: a table, RFC 3720 B.4's check value below.
uint32_t Crc32c(std::string_view bytes) {
  uint32_t table[256];
  for (uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) {
      table[i] = table[i] & 1 ? (table[i] >> 1) ^ 0x82F63B78u : table[i] >> 1;
    }
  }
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) crc = table[(crc ^ static_cast<uint8_t>(c)) & 0xFF] ^ (crc >> 8);
  return crc ^ 0xFFFFFFFF;
}

std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

const std::string kSignature = Bytes({13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10});

std::string Binary(int command, int family, std::string_view rest) {
  const int size = static_cast<int>(rest.size());
  return kSignature + Bytes({command, family, size >> 8, size & 0xFF}).append(rest);
}

const std::string kAddress4 = Bytes({1, 2, 3, 4, 5, 6, 7, 8, 0xDB, 0xF4, 1, 0xBB});
const std::string kAddress6 = Bytes({0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}) +
                              std::string(16, '\xFF') + Bytes({0xDB, 0xF4, 1, 0xBB});
const std::string kAddressUnix = "/a" + std::string(214, '\0');

std::string Tlv(int type, std::string_view value) {
  const int size = static_cast<int>(value.size());
  return Bytes({type, size >> 8, size & 0xFF}).append(value);
}

// With a checksum TLV behind the addresses and `more` behind that.
std::string Checked(int family, const std::string& addresses, const std::string& more) {
  std::string header = Binary(0x21, family, addresses + Tlv(3, std::string(4, '\0')) + more);
  const uint32_t crc = Crc32c(header);
  const size_t at = 16 + addresses.size() + 3;
  for (int i = 0; i < 4; ++i) header[at + i] = static_cast<char>(crc >> (24 - 8 * i));
  return header;
}

TEST(ProxyHeader, TakesBinaryHeadersOfEveryFamily) {
  EXPECT_EQ(Told(Binary(0x21, 0x11, kAddress4)), "1.2.3.4:56308");
  EXPECT_EQ(Told(Binary(0x21, 0x21, kAddress6)), "[2001:db8::1]:56308");
  EXPECT_EQ(Told(Binary(0x21, 0x31, kAddressUnix)), "no address");
  EXPECT_EQ(Told(Binary(0x21, 0x12, kAddress4)), "no address") << "not TCP";
  EXPECT_EQ(Told(Binary(0x21, 0x22, kAddress6)), "no address");
  EXPECT_EQ(Told(Binary(0x21, 0x32, kAddressUnix)), "no address");
  EXPECT_EQ(Told(Binary(0x21, 0x00, "")), "no address");
  EXPECT_EQ(Told(Binary(0x21, 0x00, "what it is nobody knows")), "no address");
  EXPECT_EQ(Told(Binary(0x21, 0x01, "\1")), "no address");
  EXPECT_EQ(Told(Binary(0x21, 0x10, "\1")), "no address");
}

TEST(ProxyHeader, ALocalConnectionIsItsOwnClient) {
  EXPECT_EQ(Told(Binary(0x20, 0x00, "")), "no address");
  EXPECT_EQ(Told(Binary(0x20, 0x11, kAddress4)), "no address");
  EXPECT_EQ(Told(Binary(0x20, 0x11, "")), "no address") << "the family is ignored";
  EXPECT_EQ(Told(Binary(0x20, 0xFF, "\3")), "no address");
}

TEST(ProxyHeader, PassesOverTlvs) {
  const std::string more = Tlv(4, "") + Tlv(1, "h2") + Tlv(0xEA, std::string(200, 'v')) +
                           Tlv(0x20, Bytes({1, 0, 0, 0, 0}) + Tlv(0x21, "TLSv1.3"));
  EXPECT_EQ(Told(Binary(0x21, 0x11, kAddress4 + more)), "1.2.3.4:56308");
  EXPECT_EQ(Told(Binary(0x21, 0x21, kAddress6 + more)), "[2001:db8::1]:56308");
  EXPECT_EQ(Told(Binary(0x21, 0x31, kAddressUnix + more)), "no address");
}

TEST(ProxyHeader, HoldsAHeaderAgainstItsChecksum) {
  ASSERT_EQ(Crc32c("123456789"), 0xE3069283u);
  for (const std::string& more : {std::string(), Tlv(4, "pad") + Tlv(2, "example.com")}) {
    const std::string good = Checked(0x11, kAddress4, more);
    EXPECT_EQ(Told(good), "1.2.3.4:56308");
    EXPECT_EQ(Told(Checked(0x21, kAddress6, more)), "[2001:db8::1]:56308");
    // No single flipped bit gets past it, of all that is not read in another way.
    for (size_t bit = 16 * 8; bit < good.size() * 8; ++bit) {
      std::string flipped = good;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const bool type_of_checksum = bit / 8 == 28;
      EXPECT_EQ(Told(flipped).starts_with("bad"), !type_of_checksum) << "bit " << bit;
    }
  }
}

TEST(ProxyHeader, RefusesBinaryHeadersAtTheFirstByteThatIsWrong) {
  const std::string big = kAddress4 + Tlv(4, std::string(300, 'v'));
  const std::pair<std::string, size_t> kBad[] = {
      {"\r\n\r\r", 4},
      {"\r\n\r\n\r\n", 5},
      {kSignature.substr(0, 11) + "\r", 12},
      {Binary(0x11, 0x11, kAddress4), 13},
      {Binary(0x31, 0x11, kAddress4), 13},
      {Binary(0x22, 0x11, kAddress4), 13},
      {Binary(0x2F, 0x11, kAddress4), 13},
      {Binary(0x21, 0x41, kAddress4), 14},
      {Binary(0x21, 0x13, kAddress4), 14},
      {Binary(0x21, 0x11, kAddress4.substr(1)), 16},
      {Binary(0x21, 0x11, ""), 16},
      {Binary(0x21, 0x21, kAddress6.substr(1)), 16},
      {Binary(0x21, 0x31, kAddressUnix.substr(1)), 16},
      {Binary(0x21, 0x12, kAddress4.substr(1)), 16},
      // TLVs: with a byte behind the addresses, of a header that cannot be one.
      {Binary(0x21, 0x11, kAddress4 + "\4"), 16},
      {Binary(0x21, 0x11, kAddress4 + Bytes({4, 0})), 16},
      {Binary(0x21, 0x11, kAddress4 + Bytes({4, 0, 1})), 31},
      {Binary(0x21, 0x11, kAddress4 + Bytes({4, 1, 0})), 30},
      {Binary(0x21, 0x11, kAddress4 + Tlv(4, "") + Bytes({4, 0})), 31},
      {Binary(0x21, 0x11, kAddress4 + Bytes({4, 0, 3}) + "ab"), 31},
      {Binary(0x21, 0x11, kAddress4 + Tlv(3, "crc")), 29},
      {Binary(0x21, 0x11, kAddress4 + Tlv(3, "crc32")), 31},
      {Binary(0x21, 0x11, big + Tlv(3, "")), 332},
      {Binary(0x21, 0x11, big + Tlv(3, "") + Tlv(4, "more")), 334},
      {Binary(0x21, 0x11, kAddress4 + Tlv(3, "\1\2\3\4")), 35},
      {Checked(0x11, kAddress4, Tlv(3, std::string(4, '\0'))), 36},
  };
  for (const auto& [header, bytes] : kBad) {
    EXPECT_EQ(Told(header), "bad at " + std::to_string(bytes)) << testing::PrintToString(header);
    ExpectStays(header);
  }
}

TEST(ProxyHeader, ABinaryHeaderHasALimit) {
  const auto of_size = [](size_t bytes) {
    return Binary(0x21, 0x11, kAddress4 + Tlv(4, std::string(bytes - 16 - 12 - 3, 'p')));
  };
  EXPECT_EQ(Told(of_size(kProxyHeaderBytesMax)), "1.2.3.4:56308");
  EXPECT_EQ(Told(of_size(kProxyHeaderBytesMax + 1)), "bad at 16");
  EXPECT_EQ(Told(of_size(kProxyHeaderBytesMax + 500)), "bad at 15");
  EXPECT_EQ(Told(of_size(1000), 1000), "1.2.3.4:56308");
  EXPECT_EQ(Told(of_size(1001), 1000), "bad at 16");
  EXPECT_EQ(Told(Binary(0x20, 0, std::string(521, '\0'))), "bad at 16");
  EXPECT_EQ(Told(Binary(0x20, 0, std::string(520, '\0'))), "no address");
}

// --- both

std::vector<std::string> GoodHeaders() {
  return {kText4,
          kText6,
          "PROXY UNKNOWN\r\n",
          Binary(0x21, 0x11, kAddress4),
          Binary(0x21, 0x21, kAddress6 + Tlv(4, "pad")),
          Binary(0x21, 0x31, kAddressUnix),
          Binary(0x20, 0x00, ""),
          Checked(0x11, kAddress4, Tlv(1, "h2"))};
}

TEST(ProxyHeader, LeavesWhatFollows) {
  for (const std::string& header : GoodHeaders()) {
    ExpectStays(header);
    ProxyHeader taken;
    ASSERT_EQ(DecodeProxyHeader(header + header, &taken), ProxyStatus::kDone);
    EXPECT_EQ(taken.bytes, header.size());
  }
  ProxyHeader none;
  EXPECT_EQ(DecodeProxyHeader("", &none), ProxyStatus::kMore);
}

// Whatever the bytes, the verdict of a beginning is that of all that begins so.
TEST(ProxyHeader, AFlippedBitIsReadTheSameHoweverItComes) {
  for (const std::string& header : GoodHeaders()) {
    for (size_t bit = 0; bit < header.size() * 8; ++bit) {
      std::string flipped = header;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const std::string pieces = Told(flipped);
      ProxyHeader whole;
      switch (DecodeProxyHeader(flipped, &whole)) {
        case ProxyStatus::kMore: EXPECT_EQ(pieces, "more"); break;
        case ProxyStatus::kBad: EXPECT_EQ(pieces.substr(0, 3), "bad"); break;
        case ProxyStatus::kDone:
          EXPECT_EQ(pieces, whole.source.empty() ? "no address" : whole.source);
          break;
      }
    }
  }
}

}  // namespace
}  // namespace halley::io
