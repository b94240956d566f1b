// CloseReason: every way a connection can end, as one closed list.
//
// The same value is counted in metrics, shown in status, documented in README.md and, where the
// protocol has a place for it, told to the peer (WebSocket close code, RFC 6455 7.4.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace halley::wire {

enum class CloseReason : uint8_t {
  kNone = 0,
  kPeerClosed,         // end of stream, or a WebSocket close handshake begun by the client
  kPeerReset,          // the connection broke under us
  kHandshakeTimeout,   // not logged in before the handshake deadline
  kIdleTimeout,        // no heartbeat within the idle time
  kBadFrame,           // goim framing violated
  kFrameTooBig,        // a frame or message above its limit
  kBadHandshake,       // the HTTP upgrade was refused; the peer got an HTTP status
  kPageServed,         // no client: a file was asked for over HTTP, and sent
  kPollAnswered,       // a long poll got its message, or was told that none came
  kWsProtocolError,    // RFC 6455 violated: close code 1002
  kWsBadUtf8,          // text that is not UTF-8: close code 1007
  kAuthRefused,        // the backend said no: close code 3000
  kAuthUnavailable,    // the backend could not answer: close code 1013
  kTokenExpired,       // what the client logged in with holds no longer: close code 3006
  kReplaced,           // the same key logged in again: close code 3001
  kDuplicateRefused,   // the same key is already here and the policy keeps it: close code 3002
  kKicked,             // kicked through the push port: close code 3003
  kSlowConsumer,       // could not follow, and the policy is to close: close code 3004
  kStalled,            // its socket stayed full for too long: close code 3005
  kServerFull,         // connection limit reached: close code 1013
  kAddressFull,        // its address has as many connections as it may: close code 1013
  kAddressRate,        // its address connects too often: close code 1013
  kConnectRate,        // too many connect to the node: close code 1013
  kHandshakesFull,     // too many have not logged in yet: close code 1013
  kRoomsFull,          // it would open one room more than the node may have: close code 1013
  kRateLimited,        // it sends too many messages or bytes: close code 1008
  kServerClosing,      // shutting down: close code 1001
  kDraining,           // the node is being drained, come back elsewhere: close code 1012
  kLifetimeOver,       // it was here for as long as connections may be: close code 1012
  kMoveFailed,         // could not be handed to the shard that owns its key: close code 1013
  kProxyHeader,        // a proxy in listen.proxies did not begin with a good PROXY header
  kTlsFailed,          // what came was not TLS, or not from somebody whom we let in
  kRpcBadRequest,      // push port: framing or message violated
  kRpcUnauthorized,    // push port: wrong or missing secret
  kInternal,           // a kernel operation failed in a way that has no better name
  kCount_,
};

inline constexpr size_t kCloseReasonsCount = static_cast<size_t>(CloseReason::kCount_);

// "peer_closed" and so on: the name in metrics, status and documentation.
std::string_view CloseReasonName(CloseReason reason);

// Whether it is one of the operator's limits that was reached. They share codes, so a close frame
// names the reason, too.
bool IsOfLimits(CloseReason reason);

// The WebSocket close code to send; 0: close without a close frame.
uint16_t WebSocketCloseCode(CloseReason reason);

}  // namespace halley::wire
