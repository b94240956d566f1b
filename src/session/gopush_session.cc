// ClientSession's gopush-cluster: a subscription, on TCP or in the query of an upgrade request, and
// heartbeats of one byte.
#include "session/client_session.h"
#include "wire/gopush.h"
#include "wire/http_answer.h"
#include "wire/query.h"

namespace halley::session {
namespace {

using wire::CloseReason;
using wire::DecodeStatus;

Event Closing(CloseReason reason) { return {EventKind::kClose, reason, {}}; }

// What an event points to; it is the thread's, as is told in the header.
struct Asked {
  std::string key, heartbeat, token, version;  // of a query, decoded
  std::string login;
  Opening opening;
};
Asked& AskedHere() {
  thread_local Asked asked;
  return asked;
}

}  // namespace

Event ClientSession::Subscribe(const wire::GopushSubscription& subscription,
                               std::string_view cookie, std::string* out) {
  encoding_ = wire::GopushEncoding(transport_ == Transport::kWebSocket, subscription.version);
  Asked& asked = AskedHere();
  asked.login.clear();
  asked.opening.cookie = cookie;
  if (!wire::ReadGopushSubscription(subscription, &asked.login, &asked.opening.idle_ms)) {
    wire::AppendGopushReply(encoding_, wire::GopushReply::kBadParameter, out);
    return Closing(CloseReason::kBadFrame);
  }
  return Authenticate(asked.login, asked.opening);
}

Event ClientSession::NextGopush(wire::Inbox* inbox, const SessionLimits& limits,
                                std::string* out) {
  if (phase_ == Phase::kLive) return NextGopushHeartbeat(inbox);
  wire::GopushCommand command;
  size_t bytes = 0;
  // As large as a frame of goim's.
  const size_t bytes_max = wire::kGoimHeaderBytes + limits.frame_body_bytes;
  switch (wire::DecodeGopushCommand(inbox->view(), bytes_max, &command, &bytes)) {
    case DecodeStatus::kMore: return {};
    case DecodeStatus::kTooBig: return Closing(CloseReason::kFrameTooBig);
    case DecodeStatus::kBad: return Closing(CloseReason::kBadFrame);
    case DecodeStatus::kDone: break;
  }
  inbox->begin += bytes;
  const auto& arguments = command.arguments;
  wire::GopushSubscription subscription;
  // Any other command is one without parameters that are good.
  if (arguments[0] == "sub") {
    subscription = {arguments[1], arguments[2], arguments[3], !arguments[4].empty()};
  }
  return Subscribe(subscription, {}, out);
}

Event ClientSession::NextGopushHeartbeat(wire::Inbox* inbox) {
  if (inbox->size() == 0) return {};
  if (inbox->view().front() != wire::kGopushHeartbeat.front()) {
    return Closing(CloseReason::kBadFrame);
  }
  ++inbox->begin;
  Event event;
  event.kind = EventKind::kHeartbeat;
  return event;
}

// The answer to the upgrade comes first, whatever stands in the query, as in gopush-cluster.
Event ClientSession::OpenGopush(const wire::UpgradeRequest& request, wire::Inbox* inbox,
                                std::string* out) {
  wire::AppendUpgradeAccepted(request, out);
  inbox->begin += request.bytes;
  phase_ = Phase::kLogin;
  Asked& asked = AskedHere();
  bool good = true;
  const auto read = [&](std::string_view name, std::string* value) {
    value->clear();
    good &= wire::DecodeParameter(wire::FindParameter(request.query, name).value_or(""), value);
  };
  read("key", &asked.key);
  read("heartbeat", &asked.heartbeat);
  read("token", &asked.token);
  read("ver", &asked.version);
  wire::GopushSubscription subscription;
  if (good) {
    subscription = {asked.key, asked.heartbeat, asked.token, !asked.version.empty()};
  }
  Event event = Subscribe(subscription, request.cookie, out);
  event.forwarded_for = request.forwarded_for;
  return event.kind == EventKind::kClose ? Close(event.reason, out) : event;
}

}  // namespace halley::session
