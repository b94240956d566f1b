// ClientSession's Gopusher: a request whose query is the login, answered when that has been decided;
// then pings, of which each pong keeps the client, and messages that mean nothing.
#include <algorithm>

#include "session/client_session.h"
#include "wire/gopusher.h"
#include "wire/http_answer.h"

namespace halley::session {
namespace {

using wire::CloseReason;

// What an event points to; it is the thread's, as is told in the header.
struct Asked {
  wire::GopusherLogin login;
  Opening opening;
};

}  // namespace

Event ClientSession::OpenGopusher(const wire::UpgradeRequest& request, wire::Inbox* inbox,
                                  const SessionLimits& limits, std::string* out) {
  thread_local Asked asked;
  phase_ = Phase::kAuthenticating;
  if (!wire::ReadGopusherLogin(request.query, limits.gopusher.app, &asked.login)) {
    return Close(CloseReason::kAuthRefused, out);
  }
  asked.opening.cookie = request.cookie;
  asked.opening.idle_ms = limits.gopusher.ping_ms;
  asked.opening.signed_at_s = asked.login.signed_at_s;
  asked.opening.answer.clear();
  wire::AppendUpgradeAccepted(request, &asked.opening.answer);
  encoding_ = wire::Encoding::kGopusher;
  inbox->begin += request.bytes;
  Event event = Authenticate(asked.login.token, asked.opening);
  event.forwarded_for = request.forwarded_for;
  return event;
}

Event ClientSession::NextGopusher(wire::Inbox* inbox, const SessionLimits& limits,
                                  std::string* out) {
  const Event event = NextWsFrame(inbox, limits, out);
  if (event.kind != EventKind::kMessage) return event;
  return {EventKind::kOutput, CloseReason::kNone, {}};
}

// Gopusher reads with a deadline that only pongs move.
Silence ClientSession::OnGopusherSilence(const GopusherLimits& limits, std::string* out) {
  if (pinged_) return {};
  pinged_ = true;
  wire::AppendWsPing(out);
  return {.next_ms = limits.pong_timeout_ms - limits.ping_ms, .asks = true};
}

MessageLimits ClientSession::MessageLimitsOf(const SessionLimits& limits) const {
  const uint32_t bytes = transport_ == Transport::kGopusher
                             ? std::min(limits.message_bytes, wire::kGopusherUplinkBytesMax)
                             : limits.message_bytes;
  return {bytes, limits.fragments};
}

}  // namespace halley::session
