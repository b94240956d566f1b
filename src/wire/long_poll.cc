#include "wire/long_poll.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "base/char_set.h"
#include "wire/http_text.h"
#include "wire/query.h"

namespace halley::wire {
namespace {

constexpr size_t kCallbackBytesMax = 64;
constexpr base::CharSet kNameChars("$_");

// Nothing that could be anything but what is assigned to.
bool IsCallback(std::string_view text) {
  if (text.size() > kCallbackBytesMax) return false;
  for (;;) {
    const size_t dot = text.find('.');
    const std::string_view name = text.substr(0, dot);
    if (name.empty() || (name[0] >= '0' && name[0] <= '9') || !kNameChars.HasAllOf(name)) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// Without the parameter, or with nothing in it, it is 0.
template <typename Number>
std::optional<Number> ReadNumber(std::string_view query, std::string_view name) {
  std::string text;
  if (!DecodeParameter(FindParameter(query, name).value_or(""), &text)) return std::nullopt;
  Number number = 0;
  if (text.empty()) return number;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

void AppendHeaders(const LongPoll& poll, std::string* out) {
  out->append(
      "Cache-Control: no-store\r\n"
      "Connection: close\r\n");
  AppendAllowedOrigin(poll.origin, out);
}

}  // namespace

bool ReadLongPoll(std::string_view query, std::string* token, std::string* callback) {
  token->clear();
  callback->clear();
  return ReadNumber<int32_t>(query, "op") == 7 && ReadNumber<int16_t>(query, "ver").has_value() &&
         ReadNumber<int32_t>(query, "seq").has_value() &&
         DecodeParameter(FindParameter(query, "t").value_or(""), token) &&
         DecodeParameter(FindParameter(query, "cb").value_or(""), callback) &&
         (callback->empty() || IsCallback(*callback));
}

void AppendLongPollHead(const LongPoll& poll, size_t message_bytes, std::string* out) {
  const bool script = !poll.callback.empty();
  out->append("HTTP/1.1 200 OK\r\nContent-Type: ");
  out->append(script ? "text/javascript; charset=utf-8" : "application/json");
  out->append("\r\nX-Content-Type-Options: nosniff\r\n");
  AppendHeaders(poll, out);
  const size_t before_bytes = script ? poll.callback.size() + 1 : 0;
  out->append("Content-Length: ").append(std::to_string(before_bytes + message_bytes));
  out->append("\r\n\r\n");
  if (script) out->append(poll.callback).append("=");
}

void AppendLongPollEmpty(const LongPoll& poll, std::string* out) {
  out->append("HTTP/1.1 204 No Content\r\n");
  AppendHeaders(poll, out);
  out->append("\r\n");
}

}  // namespace halley::wire
