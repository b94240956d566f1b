#include "admin/answer.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "base/assert.h"
#include "halley/admin.pb.h"
#include "wire/utf8.h"

namespace halley::admin {

Answer JsonAnswer(const google::protobuf::Message& message, int status) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  Answer answer;
  answer.status = status;
  HALLEY_ASSERT(google::protobuf::util::MessageToJsonString(message, &answer.body, options).ok());
  return answer;
}

Answer TextAnswer(std::string text, int status) {
  return {status, "text/plain; charset=utf-8", std::move(text)};
}

int HttpStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk: return 200;
    case absl::StatusCode::kInvalidArgument: return 400;
    case absl::StatusCode::kNotFound: return 404;
    case absl::StatusCode::kFailedPrecondition: return 409;
    case absl::StatusCode::kResourceExhausted: return 429;
    case absl::StatusCode::kDeadlineExceeded: return 504;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled: return 503;
    default: return 500;
  }
}

Answer ErrorAnswer(const absl::Status& status) {
  v1::ErrorReply reply;
  reply.set_error(ReadableText({status.message().data(), status.message().size()}));
  return JsonAnswer(reply, HttpStatusOf(status));
}

std::string ReadableText(absl::string_view text) {
  const auto is_utf8 = [](absl::string_view part) {
    return wire::IsUtf8({part.data(), part.size()});
  };
  if (is_utf8(text)) return std::string(text);
  std::string readable;
  // The longest character has four bytes.
  for (size_t at = 0; at < text.size();) {
    size_t bytes = 1;
    while (bytes <= 4 && at + bytes <= text.size() && !is_utf8(text.substr(at, bytes))) ++bytes;
    if (bytes > 4 || at + bytes > text.size()) {
      readable += "\xef\xbf\xbd";
      ++at;
    } else {
      readable.append(text.data() + at, bytes);
      at += bytes;
    }
  }
  return readable;
}

}  // namespace halley::admin
