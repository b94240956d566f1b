#include "wire/goim_frame.h"

#include <charconv>
#include <iterator>
#include <limits>
#include <system_error>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/goim_v1.h"
#include "wire/gopush.h"
#include "wire/json_frame.h"
#include "wire/websocket.h"

namespace halley::wire {
namespace {

constexpr int16_t kPushVer = 1;
constexpr size_t kReplyHeaderBytesMax = kWsServerHeaderBytesMax + kGoimHeaderBytes;
static_assert(kPushPrefixBytesMax == kWsServerHeaderBytesMax + 2 * kGoimHeaderBytes);
static_assert(kGoimBodyBytesMax + 2 * kGoimHeaderBytes <= std::numeric_limits<int32_t>::max());

// Go's strconv.ParseInt(item, 10, 32): one optional sign, digits, nothing else.
bool ParseOp(std::string_view item, int32_t* op) {
  if (item.size() > 1 && item[0] == '+' && item[1] != '-') item.remove_prefix(1);
  const char* const end = item.data() + item.size();
  const auto [stop, error] = std::from_chars(item.data(), end, *op);
  return error == std::errc() && stop == end;
}

void AppendOtherReply(Encoding encoding, const GoimFrame& reply, std::string* out) {
  if (IsGopush(encoding)) {
    AppendGopushReply(encoding, GopushReply::kHeartbeat, out);
  } else if (IsGoimV1(encoding)) {
    AppendGoimV1Reply(encoding, reply, out);
  } else if (IsJson(encoding)) {
    const size_t begin = out->size();
    AppendJsonReply(reply, out);
    char header[kWsServerHeaderBytesMax];
    out->insert(begin, header, WriteWsHeader(WsOpcode::kText, out->size() - begin, header));
  }
}

}  // namespace

std::string_view EncodingName(Encoding encoding) {
  constexpr std::string_view kNames[] = {
      "goim_tcp",        "goim_ws",       "goim_ws_deflate", "json",
      "json_deflate",    "sse",           "gopush_tcp",      "gopush_tcp_text",
      "gopush_ws",       "gopush_ws_text", "gopusher",       "goim_v1_tcp",
      "goim_v1_ws",      "goim_v1_json",  "goim_v1_json_object", "goim_v1_poll"};
  static_assert(std::size(kNames) == kEncodingsCount);
  return kNames[static_cast<size_t>(encoding)];
}

DecodeStatus DecodeGoimFrame(std::string_view bytes, size_t body_bytes_max, GoimFrame* frame,
                             size_t* frame_bytes) {
  if (bytes.size() < 4) return DecodeStatus::kMore;
  const auto pack_bytes = static_cast<int32_t>(base::LoadBe32(bytes.data()));
  // goim took a packLen below the header, even a negative one, for an empty frame. We do not.
  if (pack_bytes < static_cast<int32_t>(kGoimHeaderBytes)) return DecodeStatus::kBad;
  const auto body_bytes = static_cast<size_t>(pack_bytes) - kGoimHeaderBytes;
  if (body_bytes > body_bytes_max) return DecodeStatus::kTooBig;
  if (bytes.size() < 6) return DecodeStatus::kMore;
  if (base::LoadBe16(bytes.data() + 4) != kGoimHeaderBytes) return DecodeStatus::kBad;
  if (bytes.size() < kGoimHeaderBytes + body_bytes) return DecodeStatus::kMore;
  frame->ver = static_cast<int16_t>(base::LoadBe16(bytes.data() + 6));
  frame->op = static_cast<int32_t>(base::LoadBe32(bytes.data() + 8));
  frame->seq = static_cast<int32_t>(base::LoadBe32(bytes.data() + 12));
  frame->body = bytes.substr(kGoimHeaderBytes, body_bytes);
  *frame_bytes = kGoimHeaderBytes + body_bytes;
  return DecodeStatus::kDone;
}

void WriteGoimHeader(char* to, int16_t ver, int32_t op, int32_t seq, size_t body_bytes) {
  // A push wraps frames in a frame, so the outermost body may exceed the limit by one header.
  HALLEY_ASSERT(body_bytes <= kGoimBodyBytesMax + kGoimHeaderBytes);
  base::StoreBe32(to, static_cast<uint32_t>(kGoimHeaderBytes + body_bytes));
  base::StoreBe16(to + 4, static_cast<uint16_t>(kGoimHeaderBytes));
  base::StoreBe16(to + 6, static_cast<uint16_t>(ver));
  base::StoreBe32(to + 8, static_cast<uint32_t>(op));
  base::StoreBe32(to + 12, static_cast<uint32_t>(seq));
}

void AppendReply(Encoding encoding, const GoimFrame& reply, std::string* out) {
  char header[kReplyHeaderBytesMax];
  if (!IsGoim(encoding)) {
    AppendOtherReply(encoding, reply, out);
    return;
  }
  size_t bytes = 0;
  if (encoding != Encoding::kGoimTcp) {
    bytes = WriteWsHeader(WsOpcode::kBinary, kGoimHeaderBytes + reply.body.size(), header);
  }
  WriteGoimHeader(header + bytes, reply.ver, reply.op, reply.seq, reply.body.size());
  out->append(header, bytes + kGoimHeaderBytes);
  out->append(reply.body);
}

size_t WritePushPrefix(Encoding encoding, int32_t op, size_t body_bytes, bool batch,
                       char (&to)[kPushPrefixBytesMax]) {
  HALLEY_ASSERT(body_bytes <= kGoimBodyBytesMax && IsGoim(encoding));
  const size_t inner_bytes = body_bytes + (batch ? 0 : kGoimHeaderBytes);
  size_t bytes = 0;
  if (encoding != Encoding::kGoimTcp) {
    bytes = WriteWsHeader(WsOpcode::kBinary, kGoimHeaderBytes + inner_bytes, to);
    WriteGoimHeader(to + bytes, kPushVer, op::kRaw, 0, inner_bytes);
    bytes += kGoimHeaderBytes;
  }
  if (!batch) {
    WriteGoimHeader(to + bytes, kPushVer, op, 0, body_bytes);
    bytes += kGoimHeaderBytes;
  }
  return bytes;
}

bool IsGoimBatch(std::string_view body) {
  if (body.empty()) return false;
  while (!body.empty()) {
    GoimFrame frame;
    size_t frame_bytes = 0;
    if (DecodeGoimFrame(body, body.size(), &frame, &frame_bytes) != DecodeStatus::kDone) {
      return false;
    }
    body.remove_prefix(frame_bytes);
  }
  return true;
}

bool ParseOpList(std::string_view text, int32_t (&ops)[kOpListMax], size_t* count) {
  *count = 0;
  // Nothing at all is an empty list; an empty item within a list is an error. Both as in goim.
  if (text.empty()) return true;
  for (;;) {
    const size_t comma = text.find(',');
    if (*count == kOpListMax || !ParseOp(text.substr(0, comma), &ops[*count])) return false;
    ++*count;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace halley::wire
