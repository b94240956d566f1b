#include "halley-load/dialect.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "wire/permessage_deflate.h"

namespace halley::load {
namespace {

using wire::DecodeStatus;

// RFC 6455 1.3: the sample nonce and its answer.
constexpr char kWebSocketKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr char kWebSocketAccept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kRsv1 = 0x40;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kBinary = 2;
constexpr uint8_t kClose = 8;
constexpr uint8_t kPing = 9;
constexpr uint8_t kPong = 10;
constexpr size_t kControlBytesMax = 125;

void AppendMasked(uint8_t opcode, std::string_view payload, uint32_t mask, std::string* out) {
  HALLEY_ASSERT(payload.size() <= UINT16_MAX);
  out->push_back(static_cast<char>(kFin | opcode));
  if (payload.size() <= kControlBytesMax) {
    out->push_back(static_cast<char>(kMasked | payload.size()));
  } else {
    char length[2];
    base::StoreBe16(length, static_cast<uint16_t>(payload.size()));
    out->push_back(static_cast<char>(kMasked | 126));
    out->append(length, sizeof length);
  }
  char key[4];
  base::StoreBe32(key, mask);
  out->append(key, sizeof key);
  for (size_t i = 0; i < payload.size(); ++i) {
    out->push_back(static_cast<char>(payload[i] ^ key[i & 3]));
  }
}

DecodeStatus NextFrame(std::string_view bytes, Downlink* downlink, size_t* used) {
  wire::GoimFrame frame;
  const DecodeStatus status = wire::DecodeGoimFrame(bytes, kMessageBytesMax, &frame, used);
  if (status == DecodeStatus::kDone) {
    downlink->kind = DownlinkKind::kFrames;
    downlink->payload = bytes.substr(0, *used);
  }
  return status;
}

// The header of an unmasked WebSocket frame: its own size in `*header`, its payload's in `*length`.
DecodeStatus ReadHeader(std::string_view bytes, size_t* header, uint64_t* length) {
  if (bytes.size() < 2) return DecodeStatus::kMore;
  const uint8_t second = static_cast<uint8_t>(bytes[1]);
  if ((second & kMasked) != 0) return DecodeStatus::kBad;
  *header = second < 126 ? 2 : second == 126 ? 4 : 10;
  if (bytes.size() < *header) return DecodeStatus::kMore;
  if (second < 126) {
    *length = second;
  } else if (second == 126) {
    *length = base::LoadBe16(bytes.data() + 2);
    if (*length < 126) return DecodeStatus::kBad;
  } else {
    *length = base::LoadBe64(bytes.data() + 2);
    if (*length <= UINT16_MAX) return DecodeStatus::kBad;
  }
  return *length > kMessageBytesMax ? DecodeStatus::kTooBig : DecodeStatus::kDone;
}

DecodeStatus NextMessage(std::string_view bytes, bool deflate, Downlink* downlink, size_t* used) {
  size_t header = 0;
  uint64_t length = 0;
  const DecodeStatus status = ReadHeader(bytes, &header, &length);
  if (status != DecodeStatus::kDone) return status;
  const uint8_t first = static_cast<uint8_t>(bytes[0]);
  const uint8_t opcode = first & 0x0f;
  const bool compressed = deflate && opcode == kBinary && (first & kRsv1) != 0;
  if ((first & 0xf0) != (compressed ? kFin | kRsv1 : kFin)) return DecodeStatus::kBad;
  if (opcode >= kClose && length > kControlBytesMax) return DecodeStatus::kBad;
  if (bytes.size() - header < length) return DecodeStatus::kMore;
  downlink->payload = bytes.substr(header, length);
  *used = header + length;
  if (compressed && wire::InflateMessage(downlink->payload, kMessageBytesMax,
                                         &downlink->payload) != wire::InflateStatus::kDone) {
    return DecodeStatus::kBad;
  }
  switch (opcode) {
    case kBinary: downlink->kind = DownlinkKind::kFrames; return DecodeStatus::kDone;
    case kPing: downlink->kind = DownlinkKind::kPing; return DecodeStatus::kDone;
    case kPong: downlink->kind = DownlinkKind::kPong; return DecodeStatus::kDone;
    case kClose:
      downlink->kind = DownlinkKind::kClose;
      downlink->close_code = length >= 2 ? base::LoadBe16(downlink->payload.data()) : 0;
      return DecodeStatus::kDone;
    default: return DecodeStatus::kBad;
  }
}

}  // namespace

void AppendUpgradeRequest(const std::string& host, Transport transport, std::string* out) {
  absl::StrAppend(out, "GET /sub HTTP/1.1\r\nHost: ", host,
                  "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ",
                  kWebSocketKey, "\r\nSec-WebSocket-Version: 13\r\n",
                  transport == Transport::kWebSocketDeflate
                      ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                      : "",
                  "\r\n");
}

DecodeStatus TakeUpgradeAnswer(std::string_view bytes, size_t* used) {
  constexpr std::string_view kStatusLine = "HTTP/1.1 101";
  const size_t compared = std::min(bytes.size(), kStatusLine.size());
  if (bytes.substr(0, compared) != kStatusLine.substr(0, compared)) return DecodeStatus::kBad;
  const size_t end = bytes.substr(0, kUpgradeBytesMax).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < kUpgradeBytesMax ? DecodeStatus::kMore : DecodeStatus::kTooBig;
  }
  const absl::string_view head(bytes.data(), end);
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::EqualsIgnoreCase(field.first, "Sec-WebSocket-Accept") &&
        absl::StripAsciiWhitespace(field.second) == kWebSocketAccept) {
      *used = end + 4;
      return DecodeStatus::kDone;
    }
  }
  return DecodeStatus::kBad;
}

std::string Token(int64_t mid, const std::string& key, const std::string& room,
                  absl::Span<const int32_t> accepts) {
  std::string token = absl::StrCat("{\"mid\":", mid, ",\"key\":\"", key, "\"");
  if (!room.empty()) absl::StrAppend(&token, ",\"room_id\":\"", room, "\"");
  absl::StrAppend(&token, ",\"platform\":\"load\",\"accepts\":[", absl::StrJoin(accepts, ","),
                  "]}");
  return token;
}

void AppendUplink(Transport transport, const wire::GoimFrame& frame, uint32_t mask,
                  std::string* out) {
  char header[wire::kGoimHeaderBytes];
  wire::WriteGoimHeader(header, frame.ver, frame.op, frame.seq, frame.body.size());
  std::string plain(header, sizeof header);
  plain.append(frame.body);
  if (transport == Transport::kTcp) {
    out->append(plain);
  } else {
    AppendMasked(kBinary, plain, mask, out);
  }
}

DecodeStatus NextDownlink(Transport transport, std::string_view bytes, Downlink* downlink,
                          size_t* used) {
  if (transport == Transport::kTcp) return NextFrame(bytes, downlink, used);
  return NextMessage(bytes, transport == Transport::kWebSocketDeflate, downlink, used);
}

void AppendPong(std::string_view payload, uint32_t mask, std::string* out) {
  HALLEY_ASSERT(payload.size() <= kControlBytesMax);
  AppendMasked(kPong, payload, mask, out);
}

}  // namespace halley::load
