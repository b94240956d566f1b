#include "wire/json_frame.h"

#include <simdjson.h>

#include <limits>

#include "absl/strings/escaping.h"
#include "base/assert.h"
#include "base/bytes.h"

namespace halley::wire {
namespace {

// A token nests no deeper in what it means, and little deeper in what is ignored.
constexpr size_t kDepthMax = 64;

// Keeps its memory from frame to frame.
struct Json {
  simdjson::dom::parser parser;
  std::string body;

  Json() {
    const auto error = parser.allocate(simdjson::dom::MINIMAL_DOCUMENT_CAPACITY, kDepthMax);
    HALLEY_ASSERT(error == simdjson::SUCCESS);
  }
};

bool ReadNumber(simdjson::dom::element value, int32_t* number) {
  int64_t wide = 0;
  if (value.get(wide) != simdjson::SUCCESS) return false;
  if (wide < std::numeric_limits<int32_t>::min() || wide > std::numeric_limits<int32_t>::max()) {
    return false;
  }
  *number = static_cast<int32_t>(wide);
  return true;
}

bool ReadVer(simdjson::dom::element value, int16_t* ver) {
  int32_t number = 0;
  if (!ReadNumber(value, &number)) return false;
  *ver = static_cast<int16_t>(number);
  return *ver == number;
}

// "1000,1001" of [1000, 1001], as goim lists ops.
bool ReadOps(simdjson::dom::element value, std::string* text) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return false;
  for (const simdjson::dom::element item : list) {
    int32_t op = 0;
    if (!ReadNumber(item, &op)) return false;
    if (!text->empty()) text->push_back(',');
    text->append(std::to_string(op));
  }
  return true;
}

bool ReadBody(simdjson::dom::element value, int32_t op, std::string* text) {
  std::string_view plain;
  if (value.is_null()) return true;
  if (value.get(plain) == simdjson::SUCCESS) {
    text->assign(plain);
    return true;
  }
  if ((op == op::kSub || op == op::kUnsub) && value.is_array()) return ReadOps(value, text);
  *text = simdjson::minify(value);
  return true;
}

// `with_ver`: what stands there is read, too.
DecodeStatus Decode(std::string_view message, size_t body_bytes_max, bool with_ver,
                    GoimFrame* frame) {
  thread_local Json json;
  simdjson::dom::element document;
  simdjson::dom::object fields;
  if (json.parser.parse(message.data(), message.size()).get(document) != simdjson::SUCCESS ||
      document.get(fields) != simdjson::SUCCESS) {
    return DecodeStatus::kBad;
  }
  *frame = {};
  json.body.clear();
  simdjson::dom::element value;
  if (fields["op"].get(value) != simdjson::SUCCESS || !ReadNumber(value, &frame->op)) {
    return DecodeStatus::kBad;
  }
  if (fields["seq"].get(value) == simdjson::SUCCESS && !ReadNumber(value, &frame->seq)) {
    return DecodeStatus::kBad;
  }
  if (with_ver && fields["ver"].get(value) == simdjson::SUCCESS && !ReadVer(value, &frame->ver)) {
    return DecodeStatus::kBad;
  }
  if (fields["body"].get(value) == simdjson::SUCCESS && !ReadBody(value, frame->op, &json.body)) {
    return DecodeStatus::kBad;
  }
  if (json.body.size() > body_bytes_max) return DecodeStatus::kTooBig;
  frame->body = json.body;
  return DecodeStatus::kDone;
}

void AppendBody(std::string_view body, std::string* out) {
  if (body.empty()) return;
  if (simdjson::validate_utf8(body.data(), body.size())) {
    out->append(",\"body\":");
    AppendJsonString(body, out);
  } else {
    out->append(",\"body64\":\"");
    out->append(absl::Base64Escape({body.data(), body.size()})).append("\"");
  }
}

void AppendOp(int32_t op, std::string* out) {
  out->append("{\"op\":").append(std::to_string(op));
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (static_cast<uint8_t>(c) < ' ') {
      out->append("\\u00");
      out->push_back(kHex[static_cast<uint8_t>(c) >> 4]);
      out->push_back(kHex[c & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void AppendJsonLogin(std::string_view key, std::string_view token, std::string* out) {
  out->append("{\"key\":");
  AppendJsonString(key, out);
  out->append(",\"mid\":0");
  if (!token.empty()) {
    out->append(",\"token\":");
    AppendJsonString(token, out);
  }
  out->append("}");
}

bool AppendJsonValue(std::string_view text, std::string* out) {
  thread_local Json json;
  if (json.parser.parse(text.data(), text.size()).error() != simdjson::SUCCESS) return false;
  const size_t begin = out->size();
  // It writes whole registers, beyond what it keeps.
  out->resize(begin + text.size() + simdjson::SIMDJSON_PADDING);
  size_t bytes = 0;
  if (simdjson::minify(text.data(), text.size(), out->data() + begin, bytes) != simdjson::SUCCESS) {
    bytes = 0;
  }
  out->resize(begin + bytes);
  return bytes > 0;
}

DecodeStatus DecodeJsonFrame(std::string_view message, size_t body_bytes_max, GoimFrame* frame) {
  return Decode(message, body_bytes_max, /*with_ver=*/false, frame);
}

DecodeStatus DecodeGoimV1JsonFrame(std::string_view message, size_t body_bytes_max,
                                   GoimFrame* frame) {
  return Decode(message, body_bytes_max, /*with_ver=*/true, frame);
}

void AppendJsonReply(const GoimFrame& reply, std::string* out) {
  AppendOp(reply.op, out);
  out->append(",\"seq\":").append(std::to_string(reply.seq));
  if (reply.op == op::kHeartbeatReply && reply.body.size() == 4) {
    out->append(",\"body\":").append(std::to_string(base::LoadBe32(reply.body.data())));
  } else {
    AppendBody(reply.body, out);
  }
  out->push_back('}');
}

void AppendJsonPush(int32_t op, std::string_view body, bool batch, std::string* out) {
  if (!batch || !IsGoimBatch(body)) {
    AppendOp(batch ? op::kRaw : op, out);
    AppendBody(body, out);
    out->push_back('}');
    return;
  }
  char separator = '[';
  for (GoimFrame frame; !body.empty();) {
    size_t frame_bytes = 0;
    const DecodeStatus status = DecodeGoimFrame(body, body.size(), &frame, &frame_bytes);
    HALLEY_ASSERT(status == DecodeStatus::kDone);
    body.remove_prefix(frame_bytes);
    out->push_back(separator);
    AppendOp(frame.op, out);
    AppendBody(frame.body, out);
    out->push_back('}');
    separator = ',';
  }
  out->push_back(']');
}

}  // namespace halley::wire
