#include "io/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "io/sockets.h"

namespace halley::io {
namespace {

// --- version 1: "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"

// Writes the address into `to`, an in_addr or an in6_addr.
bool ParseAddress(std::string_view text, int family, void* to) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated) return false;
  // inet_pton() would stop at a NUL and believe what stands before it.
  if (text.find('\0') != std::string_view::npos) return false;
  text.copy(terminated, text.size());
  terminated[text.size()] = '\0';
  return ::inet_pton(family, terminated, to) == 1;
}

// Whether an address may begin so: what is missing is put behind it and then it must be one.
bool BeginsAddress(std::string_view text, int family) {
  constexpr std::string_view kEndsOfV4[] = {"", "0", ".0", "0.0", ".0.0", "0.0.0", ".0.0.0",
                                            "0.0.0.0"};
  constexpr std::string_view kEndsOfV6[] = {":", "::", ":0"};
  char whole[2 * INET6_ADDRSTRLEN];
  if (text.size() >= INET6_ADDRSTRLEN) return false;
  const auto begins = [&](std::string_view end) {
    text.copy(whole, text.size());
    end.copy(whole + text.size(), end.size());
    in6_addr address;
    return ParseAddress({whole, text.size() + end.size()}, family, &address);
  };
  return std::ranges::any_of(kEndsOfV4, begins) ||
         (family == AF_INET6 && std::ranges::any_of(kEndsOfV6, begins));
}

bool ParsePort(std::string_view text, uint16_t* port) {
  if (text.empty() || text.size() > 5 || (text[0] == '0' && text.size() > 1)) return false;
  uint32_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  *port = static_cast<uint16_t>(number);
  return number <= UINT16_MAX;
}

// Reads the line from its front. After anything but kDone nothing more may be asked for.
class Line {
 public:
  explicit Line(std::string_view bytes) : bytes_(bytes) {}

  ProxyStatus Skip(std::string_view expected) {
    const std::string_view there = rest().substr(0, expected.size());
    if (!expected.starts_with(there)) return ProxyStatus::kBad;
    at_ += there.size();
    return there.size() == expected.size() ? ProxyStatus::kDone : ProxyStatus::kMore;
  }

  ProxyStatus TakeAddress(int family, void* address) {
    const size_t end = rest().find(' ');
    const std::string_view text = rest().substr(0, end);
    if (end == std::string_view::npos) {
      return BeginsAddress(text, family) ? ProxyStatus::kMore : ProxyStatus::kBad;
    }
    at_ += end + 1;
    return ParseAddress(text, family, address) ? ProxyStatus::kDone : ProxyStatus::kBad;
  }

  ProxyStatus TakePort(char end_char, uint16_t* port) {
    const size_t end = rest().find(end_char);
    const std::string_view text = rest().substr(0, end);
    const bool good = ParsePort(text, port);
    if (end == std::string_view::npos) {
      return good || text.empty() ? ProxyStatus::kMore : ProxyStatus::kBad;
    }
    at_ += end + 1;
    return good ? ProxyStatus::kDone : ProxyStatus::kBad;
  }

  // Whatever stands before the line's end. The last byte but one of the longest line is a CR.
  ProxyStatus SkipToEnd() {
    const size_t end = rest().find("\r\n");
    if (end != std::string_view::npos) {
      at_ += end + 2;
      return ProxyStatus::kDone;
    }
    const bool full = bytes_.size() >= kProxyTextBytesMax - 1 &&
                      (bytes_.size() == kProxyTextBytesMax || bytes_.back() != '\r');
    return full ? ProxyStatus::kBad : ProxyStatus::kMore;
  }

  std::string_view rest() const { return bytes_.substr(at_); }
  size_t at() const { return at_; }

 private:
  const std::string_view bytes_;
  size_t at_ = 0;
};

// What stands behind "TCP4 " or "TCP6 ".
ProxyStatus TakeEndpoints(Line* line, int family, sockaddr_storage* source) {
  in6_addr from{}, to{};
  uint16_t from_port = 0, to_port = 0;
  ProxyStatus status = line->TakeAddress(family, &from);
  if (status == ProxyStatus::kDone) status = line->TakeAddress(family, &to);
  if (status == ProxyStatus::kDone) status = line->TakePort(' ', &from_port);
  if (status == ProxyStatus::kDone) status = line->TakePort('\r', &to_port);
  if (status == ProxyStatus::kDone) status = line->Skip("\n");
  if (status != ProxyStatus::kDone) return status;
  source->ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(*source);
    std::memcpy(&v4.sin_addr, &from, sizeof v4.sin_addr);
    v4.sin_port = htons(from_port);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(*source);
    v6.sin6_addr = from;
    v6.sin6_port = htons(from_port);
  }
  return ProxyStatus::kDone;
}

ProxyStatus DecodeText(std::string_view bytes, ProxyHeader* header) {
  Line line(bytes.substr(0, kProxyTextBytesMax));
  sockaddr_storage source{};
  ProxyStatus status = line.Skip("PROXY ");
  if (status == ProxyStatus::kDone && line.rest().starts_with('U')) {
    status = line.Skip("UNKNOWN");
    if (status == ProxyStatus::kDone) {
      status = line.rest().starts_with(' ') ? line.SkipToEnd() : line.Skip("\r\n");
    }
  } else if (status == ProxyStatus::kDone) {
    const int family = line.rest().starts_with("TCP6") ? AF_INET6 : AF_INET;
    status = line.Skip(family == AF_INET6 ? "TCP6 " : "TCP4 ");
    if (status == ProxyStatus::kDone) status = TakeEndpoints(&line, family, &source);
  }
  // IPv4 in IPv6 can be written at such length that a line of good fields is too long.
  if (status == ProxyStatus::kMore && bytes.size() >= kProxyTextBytesMax) return ProxyStatus::kBad;
  if (status != ProxyStatus::kDone) return status;
  header->source = FormatAddress(source);
  header->bytes = line.at();
  return ProxyStatus::kDone;
}

// --- version 2: signature, version and command, family and protocol, length, addresses, TLVs

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedBytes = 16;
constexpr uint8_t kFamilyV4 = 1, kFamilyV6 = 2, kFamilyUnix = 3;
constexpr uint8_t kStream = 1, kDatagram = 2;
constexpr size_t kTlvHeaderBytes = 3;
constexpr uint8_t kTlvCrc32c = 3;
constexpr size_t kCrcBytes = 4;

uint8_t ByteAt(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

struct FixedPart {
  bool local = false;
  uint8_t family = 0;
  uint8_t protocol = 0;
  size_t bytes = 0;  // of the whole header

  // Of the addresses. A family or protocol that is not specified says nothing of them.
  size_t AddressBytes() const {
    if (local || protocol == 0) return 0;
    switch (family) {
      case kFamilyV4: return 12;
      case kFamilyV6: return 36;
      case kFamilyUnix: return 216;
      default: return 0;
    }
  }
};

ProxyStatus DecodeFixedPart(std::string_view bytes, size_t bytes_max, FixedPart* part) {
  const std::string_view there = bytes.substr(0, kSignature.size());
  if (!kSignature.starts_with(there)) return ProxyStatus::kBad;
  if (bytes.size() > 12) {
    const uint8_t version_and_command = ByteAt(bytes, 12);
    if (version_and_command != 0x20 && version_and_command != 0x21) return ProxyStatus::kBad;
    part->local = version_and_command == 0x20;
  }
  if (bytes.size() > 13) {
    part->family = ByteAt(bytes, 13) >> 4;
    part->protocol = ByteAt(bytes, 13) & 0xF;
    const bool known = part->family <= kFamilyUnix && part->protocol <= kDatagram;
    if (!known && !part->local) return ProxyStatus::kBad;
  }
  if (bytes.size() > 14) {
    const bool whole = bytes.size() > 15;
    part->bytes = kFixedBytes + ByteAt(bytes, 14) * size_t{256} + (whole ? ByteAt(bytes, 15) : 0);
    if (part->bytes > bytes_max) return ProxyStatus::kBad;
    if (whole && part->bytes < kFixedBytes + part->AddressBytes()) return ProxyStatus::kBad;
  }
  return bytes.size() < kFixedBytes ? ProxyStatus::kMore : ProxyStatus::kDone;
}

// CRC-32C (RFC 4960 appendix B) of `bytes`, with those of the checksum itself as zeros.
uint32_t Crc32c(std::string_view bytes, size_t checksum_at) {
  uint32_t crc = ~uint32_t{0};
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i - checksum_at >= kCrcBytes) crc ^= ByteAt(bytes, i);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc % 2 == 1 ? 0x82F63B78 : 0);
  }
  return ~crc;
}

// Passes over the TLVs at [at, end) of `bytes`, which may end earlier. `*checksum_at` is where the
// value of the one of a checksum stands; 0: there is none.
ProxyStatus SkipTlvs(std::string_view bytes, size_t at, size_t end, size_t* checksum_at) {
  while (at < end) {
    const size_t left_bytes = end - at;
    if (left_bytes < kTlvHeaderBytes) return ProxyStatus::kBad;
    if (bytes.size() <= at) return ProxyStatus::kMore;
    const bool is_checksum = ByteAt(bytes, at) == kTlvCrc32c;
    if (is_checksum && (*checksum_at != 0 || left_bytes < kTlvHeaderBytes + kCrcBytes)) {
      return ProxyStatus::kBad;
    }
    if (bytes.size() <= at + 1) return ProxyStatus::kMore;
    const bool whole = bytes.size() > at + 2;
    const size_t value_bytes =
        ByteAt(bytes, at + 1) * size_t{256} + (whole ? ByteAt(bytes, at + 2) : 0);
    if (value_bytes > left_bytes - kTlvHeaderBytes) return ProxyStatus::kBad;
    if (is_checksum && (whole ? value_bytes != kCrcBytes : value_bytes > kCrcBytes)) {
      return ProxyStatus::kBad;
    }
    if (!whole) return ProxyStatus::kMore;
    at += kTlvHeaderBytes;
    if (is_checksum) *checksum_at = at;
    at += value_bytes;
  }
  return bytes.size() < end ? ProxyStatus::kMore : ProxyStatus::kDone;
}

// Of the addresses, which stand behind the fixed part.
std::string SourceOf(const FixedPart& part, const char* addresses) {
  sockaddr_storage source{};
  if (part.protocol != kStream || part.local) return {};
  if (part.family == kFamilyV4) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(source);
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, addresses, 4);
    std::memcpy(&v4.sin_port, addresses + 8, 2);
  } else if (part.family == kFamilyV6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(source);
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, addresses, 16);
    std::memcpy(&v6.sin6_port, addresses + 32, 2);
  }
  return FormatAddress(source);
}

ProxyStatus DecodeBinary(std::string_view bytes, size_t bytes_max, ProxyHeader* header) {
  FixedPart part;
  const ProxyStatus fixed = DecodeFixedPart(bytes, bytes_max, &part);
  if (fixed != ProxyStatus::kDone) return fixed;
  bytes = bytes.substr(0, part.bytes);
  size_t checksum_at = 0;
  // Where the addresses' length is not known, nor is where TLVs begin.
  const size_t address_bytes = part.AddressBytes();
  const size_t tlvs = address_bytes > 0 ? kFixedBytes + address_bytes : part.bytes;
  const ProxyStatus status = SkipTlvs(bytes, tlvs, part.bytes, &checksum_at);
  if (status != ProxyStatus::kDone) return status;
  if (checksum_at > 0 &&
      base::LoadBe32(bytes.data() + checksum_at) != Crc32c(bytes, checksum_at)) {
    return ProxyStatus::kBad;
  }
  header->source = SourceOf(part, bytes.data() + kFixedBytes);
  header->bytes = part.bytes;
  return ProxyStatus::kDone;
}

}  // namespace

ProxyStatus DecodeProxyHeader(std::string_view bytes, ProxyHeader* header, size_t bytes_max) {
  if (bytes.empty()) return ProxyStatus::kMore;
  if (bytes[0] == 'P') return DecodeText(bytes, header);
  return DecodeBinary(bytes, bytes_max, header);
}

}  // namespace halley::io
