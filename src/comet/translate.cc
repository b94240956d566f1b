#include "comet/translate.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "wire/goim_frame.h"

namespace halley::comet {
namespace {

// Of a frame that the node writes by itself.
constexpr int32_t kPushVer = 1;
constexpr int32_t kPushSeq = 0;

}  // namespace

absl::StatusOr<PushMessage> MessageOf(const goim::protocol::Proto& proto, int32_t watched_op) {
  PushMessage message;
  message.op = watched_op;
  if (proto.op() == wire::op::kRaw) {
    message.batch = true;
    message.body = proto.body();
    return message;
  }
  if (wire::IsProtocolOp(proto.op())) {
    return absl::InvalidArgumentError(
        absl::StrCat("op ", proto.op(), " belongs to goim's own protocol: use another, such as 1000"));
  }
  if (proto.op() == watched_op && proto.ver() == kPushVer && proto.seq() == kPushSeq) {
    message.body = proto.body();
    return message;
  }
  if (proto.ver() < std::numeric_limits<int16_t>::min() ||
      proto.ver() > std::numeric_limits<int16_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("ver ", proto.ver(), " does not fit into a frame's 16 bits: use 1"));
  }
  if (proto.body().size() > wire::kGoimBodyBytesMax) {
    return absl::InvalidArgumentError("the body does not fit into a frame: send less");
  }
  message.batch = true;
  message.body.resize(wire::kGoimHeaderBytes);
  wire::WriteGoimHeader(message.body.data(), static_cast<int16_t>(proto.ver()), proto.op(),
                        proto.seq(), proto.body().size());
  message.body.append(proto.body());
  return message;
}

}  // namespace halley::comet
