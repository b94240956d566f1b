#include "wire/websocket.h"

#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/utf8.h"

namespace halley::wire {
namespace {

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kRsv1 = 0x40;
constexpr uint8_t kRsv23 = 0x30;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;
static_assert(std::endian::native == std::endian::little, "UnmaskWs() rotates the mask");

bool IsKnown(uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

}  // namespace

DecodeStatus DecodeWsHeader(std::string_view bytes, WsHeader* header, bool deflate) {
  if (bytes.empty()) return DecodeStatus::kMore;
  const auto first = static_cast<uint8_t>(bytes[0]);
  if ((first & kRsv23) != 0 || !IsKnown(first & 0x0F)) return DecodeStatus::kBad;
  header->fin = (first & kFin) != 0;
  header->opcode = static_cast<WsOpcode>(first & 0x0F);
  header->compressed = (first & kRsv1) != 0;
  const bool control = IsWsControl(header->opcode);
  if (control && !header->fin) return DecodeStatus::kBad;
  const bool begins = !control && header->opcode != WsOpcode::kContinuation;
  if (header->compressed && !(deflate && begins)) return DecodeStatus::kBad;

  if (bytes.size() < 2) return DecodeStatus::kMore;
  const auto second = static_cast<uint8_t>(bytes[1]);
  const uint8_t length = second & 0x7F;
  if ((second & kMasked) == 0) return DecodeStatus::kBad;
  if (control && length > kWsControlBytesMax) return DecodeStatus::kBad;

  size_t at = 2;
  header->payload_bytes = length;
  if (length == kLength16) {
    if (bytes.size() < 4) return DecodeStatus::kMore;
    header->payload_bytes = base::LoadBe16(bytes.data() + 2);
    if (header->payload_bytes < kLength16) return DecodeStatus::kBad;
    at = 4;
  } else if (length == kLength64) {
    if (bytes.size() < 10) return DecodeStatus::kMore;
    header->payload_bytes = base::LoadBe64(bytes.data() + 2);
    if (header->payload_bytes <= 0xFFFF || header->payload_bytes >> 63 != 0) {
      return DecodeStatus::kBad;
    }
    at = 10;
  }
  if (bytes.size() < at + 4) return DecodeStatus::kMore;
  std::memcpy(&header->mask, bytes.data() + at, 4);
  header->header_bytes = static_cast<uint8_t>(at + 4);
  return DecodeStatus::kDone;
}

uint32_t UnmaskWs(char* to, const char* from, size_t bytes, uint32_t mask) {
  const uint64_t wide = uint64_t{mask} << 32 | mask;
  size_t at = 0;
  for (; bytes - at >= 8; at += 8) {
    // Read before written: `to` may lie less than a word before `from`.
    uint64_t word;
    std::memcpy(&word, from + at, 8);
    word ^= wide;
    std::memcpy(to + at, &word, 8);
  }
  for (; at < bytes; ++at) {
    to[at] = static_cast<char>(static_cast<uint8_t>(from[at]) ^ static_cast<uint8_t>(mask));
    mask = std::rotr(mask, 8);
  }
  return mask;
}

size_t WriteWsHeader(WsOpcode opcode, size_t payload_bytes, char* to) {
  to[0] = static_cast<char>(kFin | static_cast<uint8_t>(opcode));
  if (payload_bytes < kLength16) {
    to[1] = static_cast<char>(payload_bytes);
    return 2;
  }
  if (payload_bytes <= 0xFFFF) {
    to[1] = static_cast<char>(kLength16);
    base::StoreBe16(to + 2, static_cast<uint16_t>(payload_bytes));
    return 4;
  }
  to[1] = static_cast<char>(kLength64);
  base::StoreBe64(to + 2, payload_bytes);
  return 10;
}

size_t WriteWsDeflatedHeader(WsOpcode opcode, size_t payload_bytes, char* to) {
  const size_t bytes = WriteWsHeader(opcode, payload_bytes, to);
  to[0] = static_cast<char>(static_cast<uint8_t>(to[0]) | kRsv1);
  return bytes;
}

bool IsWsCloseCode(uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

WsCloseStatus ParseWsClose(std::string_view payload, uint16_t* code) {
  *code = 0;
  if (payload.empty()) return WsCloseStatus::kGood;
  if (payload.size() == 1) return WsCloseStatus::kBad;
  *code = base::LoadBe16(payload.data());
  if (!IsWsCloseCode(*code)) return WsCloseStatus::kBad;
  Utf8Validator reason;
  if (!reason.Feed(payload.substr(2)) || !reason.complete()) return WsCloseStatus::kBadUtf8;
  return WsCloseStatus::kGood;
}

void AppendWsClose(uint16_t code, std::string* out, std::string_view reason) {
  HALLEY_ASSERT(reason.size() <= kWsControlBytesMax - 2);
  char frame[4];
  const size_t code_bytes = code == 0 ? 0 : 2;
  const size_t payload_bytes = code == 0 ? 0 : code_bytes + reason.size();
  const size_t header_bytes = WriteWsHeader(WsOpcode::kClose, payload_bytes, frame);
  if (code != 0) base::StoreBe16(frame + header_bytes, code);
  out->append(frame, header_bytes + code_bytes);
  if (code != 0) out->append(reason);
}

void AppendWsPing(std::string* out) {
  char header[2];
  out->append(header, WriteWsHeader(WsOpcode::kPing, 0, header));
}

void AppendWsPong(std::string_view payload, std::string* out) {
  HALLEY_ASSERT(payload.size() <= kWsControlBytesMax);
  char header[2];
  out->append(header, WriteWsHeader(WsOpcode::kPong, payload.size(), header));
  out->append(payload);
}

}  // namespace halley::wire
