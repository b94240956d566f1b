// ClientSession's long poll: one request, which is the login, and one response, which is for the hub
// to make of a message. Nothing more is expected of the client.
#include "session/client_session.h"
#include "wire/http_answer.h"
#include "wire/long_poll.h"

namespace halley::session {
namespace {

// What an event points to; it is the thread's, as is told in the header.
struct Asked {
  std::string token;
  Opening opening;
};

}  // namespace

Event ClientSession::OpenLongPoll(const wire::UpgradeRequest& request, wire::Inbox* inbox,
                                  std::string* out) {
  thread_local Asked asked;
  wire::LongPoll& poll = asked.opening.poll.emplace();
  if (!wire::ReadLongPoll(request.query, &asked.token, &poll.callback)) {
    wire::AppendUpgradeRefused(wire::UpgradeRefusal::kBadPoll, out);
    return Close(wire::CloseReason::kBadHandshake, out);
  }
  poll.origin = request.origin;
  // A script may be asked for by any page, without an Origin that would say so, and cookies go along:
  // they must not open what that page then could read.
  asked.opening.cookie = poll.callback.empty() ? request.cookie : std::string_view();
  inbox->begin += request.bytes;
  transport_ = Transport::kLongPoll;
  encoding_ = wire::Encoding::kGoimV1LongPoll;
  Event event = Authenticate(asked.token, asked.opening);
  event.forwarded_for = request.forwarded_for;
  return event;
}

}  // namespace halley::session
