#include "wire/gopush.h"

#include <charconv>

#include "absl/strings/escaping.h"
#include "base/assert.h"
#include "wire/json_frame.h"
#include "wire/utf8.h"
#include "wire/websocket.h"

namespace halley::wire {
namespace {

constexpr uint32_t kHeartbeatSecondsMin = 30;
constexpr uint32_t kHeartbeatSecondsMax = 1'000'000;
constexpr uint32_t kGraceSeconds = 5;
constexpr size_t kDigitsMax = 9;

// Takes "<kind><number>\r\n" off the front. Only a number above `max` is too big.
DecodeStatus TakeNumber(std::string_view* bytes, char kind, size_t max, size_t* number) {
  if (bytes->empty()) return DecodeStatus::kMore;
  if (bytes->front() != kind) return DecodeStatus::kBad;
  size_t value = 0;
  size_t at = 1;
  for (; at < bytes->size() && (*bytes)[at] >= '0' && (*bytes)[at] <= '9'; ++at) {
    if (at > kDigitsMax || (at == 2 && value == 0)) return DecodeStatus::kBad;
    value = value * 10 + static_cast<size_t>((*bytes)[at] - '0');
    if (value > max) return DecodeStatus::kTooBig;
  }
  if (at == bytes->size()) return DecodeStatus::kMore;
  if (at == 1 || (*bytes)[at] != '\r') return DecodeStatus::kBad;
  if (at + 1 == bytes->size()) return DecodeStatus::kMore;
  if ((*bytes)[at + 1] != '\n') return DecodeStatus::kBad;
  bytes->remove_prefix(at + 2);
  *number = value;
  return DecodeStatus::kDone;
}

// Takes "<data>\r\n" off the front.
DecodeStatus TakeData(std::string_view* bytes, size_t size, std::string_view* data) {
  *data = bytes->substr(0, size);
  if (data->find('\n') != std::string_view::npos) return DecodeStatus::kBad;
  const std::string_view end = bytes->substr(data->size()).substr(0, 2);
  if (data->size() < size || end.empty()) return DecodeStatus::kMore;
  if (end[0] != '\r' || (end.size() == 2 && end[1] != '\n')) return DecodeStatus::kBad;
  if (end.size() < 2) return DecodeStatus::kMore;
  bytes->remove_prefix(size + 2);
  return DecodeStatus::kDone;
}

DecodeStatus TakeCommand(std::string_view* rest, size_t bytes_max, GopushCommand* command) {
  size_t count = 0;
  DecodeStatus status = TakeNumber(rest, '*', kGopushArgumentsMax, &count);
  if (status == DecodeStatus::kTooBig) return DecodeStatus::kBad;
  if (status != DecodeStatus::kDone) return status;
  if (count == 0) return DecodeStatus::kBad;
  while (command->count < count) {
    size_t size = 0;
    status = TakeNumber(rest, '$', bytes_max, &size);
    if (status != DecodeStatus::kDone) return status;
    status = TakeData(rest, size, &command->arguments[command->count]);
    if (status != DecodeStatus::kDone) return status;
    ++command->count;
  }
  return DecodeStatus::kDone;
}

bool OnWebSocket(Encoding encoding) {
  return encoding == Encoding::kGopushWebSocket || encoding == Encoding::kGopushWebSocketText;
}

void AppendMessage(Encoding encoding, std::string_view body, uint64_t message_id,
                   std::string* out) {
  const size_t begin = out->size();
  const bool value =
      encoding == Encoding::kGopushTcp || encoding == Encoding::kGopushWebSocket;
  if (!IsUtf8(body)) {
    out->append("{\"msg64\":\"").append(absl::Base64Escape({body.data(), body.size()}));
    out->append("\"");
  } else {
    out->append("{\"msg\":");
    if (!value || !AppendJsonValue(body, out)) AppendJsonString(body, out);
  }
  out->append(",\"mid\":").append(std::to_string(message_id)).append(",\"gid\":0}");
  const size_t bytes = out->size() - begin;
  if (OnWebSocket(encoding)) {
    char header[kWsServerHeaderBytesMax];
    out->insert(begin, header, WriteWsHeader(WsOpcode::kText, bytes, header));
  } else {
    out->insert(begin, "$" + std::to_string(bytes) + "\r\n");
    out->append("\r\n");
  }
}

}  // namespace

DecodeStatus DecodeGopushCommand(std::string_view bytes, size_t bytes_max, GopushCommand* command,
                                 size_t* command_bytes) {
  *command = {};
  // What lies behind is not looked at, so that it is the same whatever has arrived of it.
  bytes = bytes.substr(0, bytes_max);
  std::string_view rest = bytes;
  const DecodeStatus status = TakeCommand(&rest, bytes_max, command);
  if (status == DecodeStatus::kMore && bytes.size() == bytes_max) return DecodeStatus::kTooBig;
  *command_bytes = bytes.size() - rest.size();
  return status;
}

bool ReadGopushSubscription(const GopushSubscription& subscription, std::string* token,
                            uint32_t* idle_ms) {
  uint32_t seconds = 0;
  const std::string_view text = subscription.heartbeat;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || stop != text.data() + text.size()) return false;
  if (seconds < kHeartbeatSecondsMin || seconds > kHeartbeatSecondsMax) return false;
  if (subscription.key.empty() || !IsUtf8(subscription.key) || !IsUtf8(subscription.token)) {
    return false;
  }
  *idle_ms = (seconds + kGraceSeconds) * 1000;
  AppendJsonLogin(subscription.key, subscription.token, token);
  return true;
}

void AppendGopushReply(Encoding encoding, GopushReply reply, std::string* out) {
  static constexpr std::string_view kReplies[] = {"+h\r\n", "-p\r\n", "-a\r\n"};
  const std::string_view text = kReplies[static_cast<size_t>(reply)];
  if (OnWebSocket(encoding)) {
    char header[kWsServerHeaderBytesMax];
    out->append(header, WriteWsHeader(WsOpcode::kText, text.size(), header));
  }
  out->append(text);
}

void AppendGopushPush(Encoding encoding, std::string_view body, bool batch, uint64_t message_id,
                      std::string* out) {
  if (!batch || !IsGoimBatch(body)) {
    AppendMessage(encoding, body, message_id, out);
    return;
  }
  for (GoimFrame frame; !body.empty();) {
    size_t frame_bytes = 0;
    const DecodeStatus status = DecodeGoimFrame(body, body.size(), &frame, &frame_bytes);
    HALLEY_ASSERT(status == DecodeStatus::kDone);
    body.remove_prefix(frame_bytes);
    AppendMessage(encoding, frame.body, message_id++, out);
  }
}

}  // namespace halley::wire
