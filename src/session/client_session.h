// ClientSession: one client's protocol state, from its first byte to its last: goim's frames on TCP
// or WebSocket, or as JSON text on WebSocket, or server-sent events, or the protocols of
// gopush-cluster, of Gopusher and of goim v1. Sans-IO: bytes in, events and bytes out; no socket, no
// clock, and nothing allocated that is a session's own: what is inflated, or was JSON, lies in
// memory of the thread.
//
// The shard feeds it through Next() until it asks for more, answers what the events ask, and closes
// when told. Between kAuthenticate and OnAuthenticated() it must not be fed.
//
// Threads    One shard's.
// Ownership  Keeps no bytes. An event's views point into the inbox's memory or the thread's, and die
//            with the thread's next call of Next() or the next change of the inbox's memory.
// Limits     SessionLimits; beyond them the session ends with a named reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "session/websocket_reader.h"
#include "wire/close_reason.h"
#include "wire/goim_frame.h"
#include "wire/gopush.h"
#include "wire/gopusher.h"
#include "wire/http_upgrade.h"
#include "wire/inbox.h"
#include "wire/long_poll.h"

namespace halley::session {

struct GopusherLimits {
  wire::GopusherApp app;
  uint32_t ping_ms = 9000;           // from a login or a pong to the next ping
  uint32_t pong_timeout_ms = 10'000;  // and until the client is given up; more than that
  wire::UpgradeLimits upgrade{.gopusher = true};
};

struct SessionLimits {
  uint32_t frame_body_bytes = 4096;    // goim body of an uplink frame
  uint32_t message_bytes = 8192;       // WebSocket message, all fragments together
  uint32_t fragments = 64;             // fragments of one WebSocket message
  uint32_t event_heartbeat_ms = 15'000;  // between two signs of life on an event stream
  bool refreshes = false;  // whether goim's clients may show a new token
  bool v1_json_arrays = true;  // what goim v1's JSON clients are sent, else objects
  wire::UpgradeLimits upgrade;
  GopusherLimits gopusher;
  wire::UpgradeLimits v1_upgrade = {.goim_v1 = true};  // of kGoimV1WebSocket
  uint32_t v1_idle_timeout_ms = 300'000;  // for a long poll to take its response
};

enum class Transport : uint8_t {
  kTcp,
  kWebSocket,
  kGopush,       // gopush-cluster's TCP
  kGoimV1Tcp,
  kGoimV1WebSocket,  // until its upgrade; then it is as kWebSocket
  kEventStream,  // what kWebSocket becomes when it is server-sent events that were asked for
  kGopusher,     // Gopusher's WebSocket
  kLongPoll,     // what kGoimV1WebSocket becomes when it is one message that was asked for
};

enum class EventKind : uint8_t {
  kNeedMore,      // present the inbox again with more bytes
  kOutput,        // nothing to decide; `out` may have bytes for the peer (a pong, the answer to goim
                  // v1's test). Call Next() again
  kUpgraded,      // the WebSocket upgrade was accepted, `out` has the 101; frame.body is the value
                  // of the Cookie header (empty when there was none), for the backend
  kFile,          // no WebSocket was asked for, but a file: frame.body is the whole response, which
                  // lives as long as the limits. To be sent and closed behind; not to be fed again
  kAuthenticate,  // op 7 before login, or an opening request that is one: body is the token
  kHeartbeat,     // op 2 (or 3), or what stands for it: answer with the room's online count
  kChangeRoom,    // op 12: body is the room id, empty to leave
  kSub,           // op 14: body is the list of ops
  kUnsub,         // op 16
  kRefresh,       // op 18, where SessionLimits::refreshes: body is a new token
  kMessage,       // any other op: for the backend; answered with the same op and no body
  kClose,         // the session is over for `reason`; `out` may hold farewell bytes (close frame,
                  // HTTP error). Not to be fed again
};

// What a request that is a login says besides its token. `answer` and `poll` are never both there.
struct Opening {
  std::string_view cookie;  // for the backend
  std::string answer;       // the first bytes for the client, once it is logged in
  uint32_t idle_ms = 0;     // time that may pass without a word from the client, or until OnSilence()
  // When the client says that it signed the login, in seconds since 1970: only good within
  // gopusher.time_window_s of now.
  std::optional<uint64_t> signed_at_s;
  std::optional<wire::LongPoll> poll;  // the client gets one message, as the response to this
};

// What happens when a client's time is up.
struct Silence {
  uint32_t next_ms = 0;      // until it is up again; 0: it is over
  bool asks = false;         // the sign of life must be answered: until then it shows nothing
};

struct Event {
  EventKind kind = EventKind::kNeedMore;
  wire::CloseReason reason = wire::CloseReason::kNone;
  wire::GoimFrame frame;  // for the kinds that carry one
  const Opening* opening = nullptr;  // for kAuthenticate: null where the login is but a frame
  // X-Forwarded-For of a request that was accepted (kUpgraded, or an opening), where it is asked for.
  std::string_view forwarded_for;
};

class ClientSession {
 public:
  explicit ClientSession(Transport transport);

  // Consumes from the front of `inbox`, appends bytes for the peer to `out`, and returns the next
  // event. Frames other than op 7 before login are consumed and not answered, as in goim, and end
  // the session, as in goim v1.
  // The largest inbox it can need is InboxBytesMax(limits): with that many bytes present it never
  // answers kNeedMore.
  Event Next(wire::Inbox* inbox, const SessionLimits& limits, std::string* out);
  static size_t InboxBytesMax(const SessionLimits& limits);

  // The login was accepted: from here on frames are live.
  void OnAuthenticated();
  bool authenticated() const { return authenticated_; }

  // The client's time is up. Where in its protocol it is the server that gives signs of life, `out`
  // has one. One that polls is to have its response now, and as much time to take it. Elsewhere it
  // is over.
  Silence OnSilence(const SessionLimits& limits, std::string* out);

  // Appends a farewell for a close that the server decides (WebSocket close frame with the reason's
  // code, an event that tells it, an HTTP status while the request is unanswered, nothing on TCP). The session is over: what
  // has said goodbye already, here or with kClose, says nothing more. `retry_ms`: when to come back, where
  // there is a place to say so; 0: is not said.
  void AppendFarewell(wire::CloseReason reason, std::string* out, uint32_t retry_ms = 0);

  Transport transport() const { return transport_; }
  // Known when the login is.
  wire::Encoding encoding() const { return encoding_; }

 private:
  enum class Phase : uint8_t {
    kUpgrade,         // WebSocket: the HTTP request is not all there
    kLogin,           // frames are read, but only op 7 matters
    kAuthenticating,  // the token is with the backend
    kLive,
    kClosed,
  };

  Event NextTcpFrame(wire::Inbox* inbox, const SessionLimits& limits);
  Event Close(wire::CloseReason reason, std::string* out);

  // WebSocket. A frame or kNeedMore is the answer, or what interrupts (kOutput, kClose).
  Event Upgrade(wire::Inbox* inbox, const SessionLimits& limits, std::string* out);
  const wire::UpgradeLimits& UpgradeLimitsOf(const SessionLimits& limits) const;
  // The request was the login. `token` and `opening` outlive the event.
  Event Authenticate(std::string_view token, const Opening& opening);
  Event File(const wire::UpgradeRequest& request, wire::Inbox* inbox);
  Event OpenWebSocket(const wire::UpgradeRequest& request, wire::Inbox* inbox, std::string* out);
  Event NextWsFrame(wire::Inbox* inbox, const SessionLimits& limits, std::string* out);
  Event OnWsMessage(const WsEvent& message, const SessionLimits& limits);
  wire::DecodeStatus DecodeFrame(std::string_view message, const SessionLimits& limits,
                                 wire::GoimFrame* frame) const;
  size_t BodyBytesMax(const SessionLimits& limits) const;

  // Server-sent events.
  Event OpenEventStream(const wire::UpgradeRequest& request, wire::Inbox* inbox,
                        const SessionLimits& limits, std::string* out);
  Event NextIgnored(wire::Inbox* inbox);
  static void AppendEventStreamFarewell(wire::CloseReason reason, bool answered, uint32_t retry_ms,
                                        std::string* out);

  // gopush-cluster.
  Event OpenGopush(const wire::UpgradeRequest& request, wire::Inbox* inbox, std::string* out);
  Event Subscribe(const wire::GopushSubscription& subscription, std::string_view cookie,
                  std::string* out);
  Event NextGopush(wire::Inbox* inbox, const SessionLimits& limits, std::string* out);
  Event NextGopushHeartbeat(wire::Inbox* inbox);

  // Gopusher.
  Event OpenGopusher(const wire::UpgradeRequest& request, wire::Inbox* inbox,
                     const SessionLimits& limits, std::string* out);
  Event NextGopusher(wire::Inbox* inbox, const SessionLimits& limits, std::string* out);
  Silence OnGopusherSilence(const GopusherLimits& limits, std::string* out);
  MessageLimits MessageLimitsOf(const SessionLimits& limits) const;
  // goim v1.
  Event OnGoimV1Frame(const wire::GoimFrame& frame, std::string* out) const;
  Event OpenLongPoll(const wire::UpgradeRequest& request, wire::Inbox* inbox, std::string* out);

  // Its last bytes, which are padding, are ours.
  [[no_unique_address]] WebSocketReader reader_;
  Transport transport_;
  Phase phase_;
  wire::Encoding encoding_ = wire::Encoding::kGoimTcp;
  bool authenticated_ : 1 = false;
  bool pinged_ : 1 = false;  // Gopusher: and no pong has come since
  bool waited_ : 1 = false;  // a long poll, for as long as it may
  uint16_t ignored_bytes_ = 0;  // behind a request that is all there is to say
};
static_assert(sizeof(ClientSession) <= 28);

}  // namespace halley::session
