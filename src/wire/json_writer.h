// JsonWriter: one JSON value (RFC 8259), written piece by piece; for what programs print and answer.
// What clients are sent is written by json_frame.h, without a writer's state.
//
// Text must be UTF-8; DEL is escaped like other control characters, since terminals obey it.
// Ownership  Owns its text. Names and texts are borrowed for the call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace halley::wire {

class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view name);
  JsonWriter& Number(uint64_t value);
  JsonWriter& Signed(int64_t value);
  // As short as tells it from every other; finite.
  JsonWriter& Real(double value);
  JsonWriter& Bool(bool value);
  JsonWriter& Text(std::string_view utf8);
  // "name":"text" when the bytes are UTF-8, else "name_base64":"...".
  JsonWriter& Bytes(std::string_view name, std::string_view bytes);
  // Another writer's value, as it stands.
  JsonWriter& Value(const JsonWriter& value);

  const std::string& text() const { return text_; }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Comma();

  std::string text_;
  bool first_ = true;  // no comma before the next value
};

}  // namespace halley::wire
