// What halleyctl prints: text that is safe on a terminal, and JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace halley::ctl {

bool IsUtf8(std::string_view text);

// `text` with control bytes, and everything when it is not UTF-8, written as \n, \t, \\ or \xNN:
// names and bodies come from strangers, and a terminal obeys what it prints.
std::string Printable(std::string_view text);

// "1.5 MiB".
std::string HumanBytes(uint64_t bytes);

// Writes one JSON value (RFC 8259), piece by piece. Commas are its own business.
class Json {
 public:
  Json& BeginObject() { return Open('{'); }
  Json& EndObject() { return Close('}'); }
  Json& BeginArray() { return Open('['); }
  Json& EndArray() { return Close(']'); }
  Json& Key(std::string_view name);
  Json& Number(uint64_t value);
  Json& Signed(int64_t value);
  Json& Bool(bool value);
  Json& Text(std::string_view utf8);
  // "name":"text" when the bytes are UTF-8, else "name_base64":"...".
  Json& Bytes(std::string_view name, std::string_view bytes);

  const std::string& text() const { return text_; }

 private:
  Json& Open(char bracket);
  Json& Close(char bracket);
  void Comma();

  std::string text_;
  bool first_ = true;  // no comma before the next value
};

}  // namespace halley::ctl
