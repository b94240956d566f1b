#include "wire/goim_v1.h"

#include "absl/strings/escaping.h"
#include "base/assert.h"
#include "wire/json_frame.h"
#include "wire/utf8.h"
#include "wire/websocket.h"

namespace halley::wire {
namespace {

constexpr std::string_view kTestBody = "{\"test\":\"come on\"}";

GoimFrame Pushed(std::string_view body) { return {op::kSendSmsReply, 0, 1, body}; }

// Takes the first frame off a batch, as it is pushed.
GoimFrame TakeFrame(std::string_view* batch) {
  GoimFrame frame;
  size_t frame_bytes = 0;
  const DecodeStatus status = DecodeGoimFrame(*batch, batch->size(), &frame, &frame_bytes);
  HALLEY_ASSERT(status == DecodeStatus::kDone);
  batch->remove_prefix(frame_bytes);
  return Pushed(frame.body);
}

bool IsUtf8(std::string_view text) {
  Utf8Validator validator;
  return validator.Feed(text) && validator.complete();
}

void AppendObject(const GoimFrame& frame, std::string* out) {
  out->append("{\"ver\":").append(std::to_string(frame.ver));
  out->append(",\"op\":").append(std::to_string(frame.op));
  out->append(",\"seq\":").append(std::to_string(frame.seq));
  if (frame.body.empty()) {
    out->append(",\"body\":{}");
  } else if (!IsUtf8(frame.body)) {
    out->append(",\"body64\":\"");
    out->append(absl::Base64Escape({frame.body.data(), frame.body.size()})).append("\"");
  } else {
    out->append(",\"body\":");
    if (!AppendJsonValue(frame.body, out)) AppendJsonString(frame.body, out);
  }
  out->push_back('}');
}

// What stands behind `begin` becomes a text message.
void FrameText(size_t begin, std::string* out) {
  char header[kWsServerHeaderBytesMax];
  out->insert(begin, header, WriteWsHeader(WsOpcode::kText, out->size() - begin, header));
}

void AppendMessage(Encoding encoding, const GoimFrame& frame, std::string* out) {
  const size_t begin = out->size();
  const bool array = encoding == Encoding::kGoimV1JsonArray;
  if (array) out->push_back('[');
  AppendObject(frame, out);
  if (array) out->push_back(']');
  if (!IsLongPoll(encoding)) FrameText(begin, out);
}

}  // namespace

GoimFrame GoimV1Answer(const GoimFrame& request) {
  const bool test = request.op == op::kTest;
  HALLEY_ASSERT(test || request.op == op::kSendSms);
  return {test ? op::kTestReply : op::kSendSmsReply, request.seq, request.ver,
          test ? kTestBody : request.body};
}

void AppendGoimV1Reply(Encoding encoding, const GoimFrame& reply, std::string* out) {
  GoimFrame answer = reply;
  if (answer.op == op::kHeartbeatReply) answer.body = {};
  if (encoding == Encoding::kGoimV1Tcp) {
    AppendReply(Encoding::kGoimTcp, answer, out);
  } else if (encoding == Encoding::kGoimV1WebSocket) {
    AppendReply(Encoding::kGoimWebSocket, answer, out);
  } else if (!IsLongPoll(encoding)) {
    AppendMessage(encoding, answer, out);
  }
}

size_t WriteGoimV1Prefix(Encoding encoding, size_t body_bytes, bool framed,
                         char (&to)[kPushPrefixBytesMax]) {
  const size_t message_bytes = body_bytes + (framed ? 0 : kGoimHeaderBytes);
  size_t bytes = 0;
  if (encoding == Encoding::kGoimV1WebSocket) {
    bytes = WriteWsHeader(WsOpcode::kBinary, message_bytes, to);
  }
  if (framed) return bytes;
  const GoimFrame frame = Pushed({});
  WriteGoimHeader(to + bytes, frame.ver, frame.op, frame.seq, body_bytes);
  return bytes + kGoimHeaderBytes;
}

void AppendGoimV1Frames(std::string_view batch, std::string* out) {
  while (!batch.empty()) AppendReply(Encoding::kGoimTcp, TakeFrame(&batch), out);
}

void AppendGoimV1JsonPush(Encoding encoding, std::string_view body, bool batch, std::string* out) {
  if (!batch || !IsGoimBatch(body)) {
    AppendMessage(encoding, Pushed(body), out);
    return;
  }
  if (encoding == Encoding::kGoimV1Json) {
    while (!body.empty()) AppendMessage(encoding, TakeFrame(&body), out);
    return;
  }
  const size_t begin = out->size();
  for (char separator = '['; !body.empty(); separator = ',') {
    out->push_back(separator);
    AppendObject(TakeFrame(&body), out);
  }
  out->push_back(']');
  if (!IsLongPoll(encoding)) FrameText(begin, out);
}

}  // namespace halley::wire
