// ClientSession's goim v1: goim's frames with fewer ops, and less patience.
#include <algorithm>

#include "session/client_session.h"
#include "wire/goim_v1.h"

namespace halley::session {

using wire::CloseReason;

size_t ClientSession::BodyBytesMax(const SessionLimits& limits) const {
  if (!wire::IsGoimV1(encoding_)) return limits.frame_body_bytes;
  return std::min<size_t>(limits.frame_body_bytes, wire::kGoimV1BodyBytesMax);
}

// What goim v1 did not know ends the session. The rest goes on as kMessage, to be named as goim's.
Event ClientSession::OnGoimV1Frame(const wire::GoimFrame& frame, std::string* out) const {
  const Event known{EventKind::kMessage, CloseReason::kNone, frame};
  const Event unknown{EventKind::kClose, CloseReason::kBadFrame, {}};
  if (!authenticated_) return frame.op == wire::op::kAuth ? known : unknown;
  switch (frame.op) {
    case wire::op::kHeartbeat:
    case wire::op::kSendSms: return known;
    case wire::op::kTest: {
      wire::AppendReply(encoding_, wire::GoimV1Answer(frame), out);
      return {EventKind::kOutput, CloseReason::kNone, {}};
    }
    default: return unknown;
  }
}

}  // namespace halley::session
