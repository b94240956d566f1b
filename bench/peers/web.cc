#include "peers/web.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/assert.h"
#include "base/bytes.h"

namespace halley::peers {

using wire::DecodeStatus;

namespace {
constexpr uint64_t kBytesMax = 1 << 20;
constexpr size_t kHeadBytesMax = 8192;
}  // namespace

DecodeStatus TakeWebMessage(std::string_view bytes, WebMessage* message, size_t* used) {
  if (bytes.size() < 2) return DecodeStatus::kMore;
  const uint8_t first = static_cast<uint8_t>(bytes[0]);
  const uint8_t second = static_cast<uint8_t>(bytes[1]);
  // Whole, with no extension, unmasked.
  if ((first & 0xf0) != 0x80 || second >= 0x80) return DecodeStatus::kBad;
  const size_t header = second < 126 ? 2 : second == 126 ? 4 : 10;
  if (bytes.size() < header) return DecodeStatus::kMore;
  uint64_t size = second;
  if (second == 126) size = base::LoadBe16(bytes.data() + 2);
  if (second == 127) size = base::LoadBe64(bytes.data() + 2);
  if (size > kBytesMax) return DecodeStatus::kTooBig;
  if (bytes.size() - header < size) return DecodeStatus::kMore;
  *message = {static_cast<uint8_t>(first & 0x0f), bytes.substr(header, size)};
  *used = header + size;
  return DecodeStatus::kDone;
}

void AppendWebMessage(uint8_t opcode, std::string_view payload, std::string* out) {
  HALLEY_ASSERT(payload.size() < 126);
  out->push_back(static_cast<char>(0x80 | opcode));
  out->push_back(static_cast<char>(0x80 | payload.size()));
  out->append(4, '\0');
  out->append(payload);
}

void AppendPost(const std::string& path, const std::string& host, const std::string& headers,
                std::string_view body, std::string* out) {
  absl::StrAppend(out, "POST ", path, " HTTP/1.1\r\nHost: ", host, "\r\n", headers,
                  "Content-Length: ", body.size(), "\r\n\r\n");
  out->append(body);
}

DecodeStatus TakeHttpAnswer(std::string_view bytes, int* code, std::string_view* body,
                            size_t* used) {
  const size_t end = bytes.substr(0, kHeadBytesMax).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < kHeadBytesMax ? DecodeStatus::kMore : DecodeStatus::kBad;
  }
  const absl::string_view head(bytes.data(), end);
  if (!absl::StartsWith(head, "HTTP/1.1 ") || !absl::SimpleAtoi(head.substr(9, 3), code)) {
    return DecodeStatus::kBad;
  }
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (!absl::EqualsIgnoreCase(field.first, "Content-Length")) continue;
    size_t size = 0;
    if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(field.second), &size) || size > kBytesMax) {
      return DecodeStatus::kBad;
    }
    if (bytes.size() < end + 4 + size) return DecodeStatus::kMore;
    *body = bytes.substr(end + 4, size);
    *used = end + 4 + size;
    return DecodeStatus::kDone;
  }
  return DecodeStatus::kBad;
}

}  // namespace halley::peers
