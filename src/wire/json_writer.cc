#include "wire/json_writer.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "wire/utf8.h"

namespace halley::wire {
namespace {

bool IsControl(uint8_t byte) { return byte < 0x20 || byte == 0x7f; }

}  // namespace

void JsonWriter::Comma() {
  if (!first_) text_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Comma();
  text_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Text(name);
  text_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::Number(uint64_t value) {
  Comma();
  text_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::Signed(int64_t value) {
  Comma();
  text_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::Real(double value) {
  HALLEY_ASSERT(std::isfinite(value));
  Comma();
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  HALLEY_ASSERT(error == std::errc());
  text_.append(digits, end);
  return *this;
}

JsonWriter& JsonWriter::Value(const JsonWriter& value) {
  Comma();
  text_ += value.text_;
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Comma();
  text_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::Text(std::string_view utf8) {
  Comma();
  text_ += '"';
  for (char c : utf8) {
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (IsControl(static_cast<uint8_t>(c))) {
      absl::StrAppend(&text_, "\\u", absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad4));
    } else {
      text_ += c;
    }
  }
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::Bytes(std::string_view name, std::string_view bytes) {
  if (IsUtf8(bytes)) return Key(name).Text(bytes);
  return Key(std::string(name) + "_base64")
      .Text(absl::Base64Escape(absl::string_view(bytes.data(), bytes.size())));
}

}  // namespace halley::wire
