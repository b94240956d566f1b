// ClientSession's server-sent events: one request, which is the login, and a response that does not
// end. Nothing more is expected of the client.
#include "session/client_session.h"
#include "wire/event_stream.h"
#include "wire/http_answer.h"
#include "wire/query.h"

namespace halley::session {
namespace {

using wire::CloseReason;

// What a client may send behind its request before it is thought to mean something by it.
constexpr size_t kIgnoredBytesMax = 1024;

// What an event points to; it is the thread's, as is told in the header.
struct Asked {
  std::string token;
  Opening opening;
};

}  // namespace

Event ClientSession::OpenEventStream(const wire::UpgradeRequest& request, wire::Inbox* inbox,
                                     const SessionLimits& limits, std::string* out) {
  thread_local Asked asked;
  asked.token.clear();
  const std::string_view value = wire::FindParameter(request.query, "token").value_or("");
  if (!wire::DecodeParameter(value, &asked.token)) {
    wire::AppendUpgradeRefused(wire::UpgradeRefusal::kBadQuery, out);
    return Close(CloseReason::kBadHandshake, out);
  }
  asked.opening.cookie = request.cookie;
  asked.opening.idle_ms = limits.event_heartbeat_ms;
  asked.opening.answer.clear();
  wire::AppendEventStreamHead(request.origin, &asked.opening.answer);
  inbox->begin += request.bytes;
  transport_ = Transport::kEventStream;
  encoding_ = wire::Encoding::kEventStream;
  Event event = Authenticate(asked.token, asked.opening);
  event.forwarded_for = request.forwarded_for;
  return event;
}

Event ClientSession::NextIgnored(wire::Inbox* inbox) {
  const size_t bytes = ignored_bytes_ + inbox->size();
  inbox->begin = inbox->end;
  if (bytes > kIgnoredBytesMax) return {EventKind::kClose, CloseReason::kFrameTooBig, {}};
  ignored_bytes_ = static_cast<uint16_t>(bytes);
  return {};
}

void ClientSession::AppendEventStreamFarewell(CloseReason reason, bool answered,
                                              uint32_t retry_ms, std::string* out) {
  if (answered) {
    wire::AppendEventClose(reason, retry_ms, out);
  } else {
    wire::AppendUpgradeRefused(wire::RefusalOf(reason), out);
  }
}

}  // namespace halley::session
