// JsonText: JSON written front to back, for what no protobuf message of ours describes. Protobuf's own
// Struct is not used: its map comes from a library that is built without our sanitizers, and in a
// program with one the two do not agree on where it lies.
//
// The caller keeps the order: a key before each value of an object, and every Begin has its End.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "admin/answer.h"

namespace halley::admin {

class JsonText {
 public:
  JsonText& Begin(char bracket) {
    Separate();
    text_ += bracket;
    fresh_ = true;
    return *this;
  }
  JsonText& End(char bracket) {
    text_ += bracket;
    fresh_ = false;
    return *this;
  }
  JsonText& Key(absl::string_view key) {
    String(key);
    text_ += ':';
    fresh_ = true;
    return *this;
  }
  JsonText& Number(double number) { return Bare(absl::StrCat(number)); }
  JsonText& Number(uint64_t number) { return Bare(absl::StrCat(number)); }
  // What is no UTF-8 of it is replaced.
  JsonText& String(absl::string_view value) {
    Separate();
    text_ += '"';
    for (const char c : ReadableText(value)) {
      if (c == '"' || c == '\\') text_ += '\\';
      if (static_cast<unsigned char>(c) >= 0x20) {
        text_ += c;
      } else {
        absl::StrAppend(&text_, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
      }
    }
    text_ += '"';
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  JsonText& Bare(absl::string_view value) {
    Separate();
    absl::StrAppend(&text_, value);
    return *this;
  }
  void Separate() {
    if (!fresh_) text_ += ',';
    fresh_ = false;
  }

  std::string text_;
  bool fresh_ = true;  // nothing stands before, on this level
};

}  // namespace halley::admin
