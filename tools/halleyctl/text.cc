#include "halleyctl/text.h"

#include "absl/strings/str_format.h"
#include "wire/utf8.h"

namespace halley::ctl {
namespace {

bool IsControl(uint8_t byte) { return byte < 0x20 || byte == 0x7f; }

void AppendEscaped(uint8_t byte, std::string* out) {
  switch (byte) {
    case '\n':
      *out += "\\n";
      break;
    case '\t':
      *out += "\\t";
      break;
    case '\\':
      *out += "\\\\";
      break;
    default:
      absl::StrAppendFormat(out, "\\x%02x", byte);
  }
}

}  // namespace

std::string Printable(std::string_view text) {
  const bool utf8 = wire::IsUtf8(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    // U+0080 to U+009F, which terminals obey too.
    const bool c1 = utf8 && byte == 0xc2 && static_cast<uint8_t>(text[i + 1]) < 0xa0;
    if (IsControl(byte) || byte == '\\' || (!utf8 && byte >= 0x80)) {
      AppendEscaped(byte, &out);
    } else if (c1) {
      AppendEscaped(byte, &out);
      AppendEscaped(static_cast<uint8_t>(text[++i]), &out);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string HumanBytes(uint64_t bytes) {
  if (bytes < 1024) return absl::StrFormat("%d B", bytes);
  double value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return absl::StrFormat("%.1f %s", value, unit);
}

}  // namespace halley::ctl
