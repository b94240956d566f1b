// Gopusher's protocol for clients. Who a client is stands in the query of its upgrade request. What it
// is sent is what the pusher wrote, a WebSocket message each; what it sends means nothing.
//
//   1.0   GET /any/path?client_id=7&time=1732842000&token=<base64 of HMAC-SHA256>
//   0.x   GET /ws?c=7&t=<what the backend makes of it>
//
// 1.0 never held the token against what it had computed; here it must be right.
//
// Source     Gopusher 1.0.0 app/gateway/app/protocols/websocket, 0.2.0 connection/websocket.
// Threads    Any.
// Ownership  Borrow for the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/websocket.h"

namespace halley::wire {

// Of a message from a client: the most that it may say to nobody.
inline constexpr uint32_t kGopusherUplinkBytesMax = 512;

// What clients must know, or name, to be let in.
struct GopusherApp {
  std::string key;
  std::string secret;  // empty: nobody can sign
  std::string node;
  std::string id_name = "client_id";  // of 1.0's parameters
  std::string time_name = "time";
  std::string token_name = "token";
  bool unsigned_logins = true;  // whether 0.x's are taken: only the backend judges their tokens
};

// Who a client says it is.
struct GopusherLogin {
  std::string token;  // what a backend is shown: {"key":"7","mid":0,"token":"..."}
  // When it was signed, in seconds since 1970: the caller holds it against its clock with
  // IsGopusherTimely(). Nothing for a login of 0.x, which is not signed.
  std::optional<uint64_t> signed_at_s;
};

// The standard base64 of HMAC-SHA256(secret, id + time + node + key).
std::string GopusherToken(const GopusherApp& app, std::string_view id, std::string_view time);

// A query with 1.0's id is 1.0's, any other 0.x's. False: something is missing or malformed, the
// token was not signed with the secret, or such logins are not taken. The time taken tells nothing of
// the token that would have been right.
bool ReadGopusherLogin(std::string_view query, const GopusherApp& app, GopusherLogin* login);

// Whether the two are no further apart than that, either way.
bool IsGopusherTimely(uint64_t signed_at_s, uint64_t now_s, uint32_t window_s);

// Text, or binary where the body is not UTF-8, which text must be.
WsOpcode GopusherOpcode(std::string_view body);

// Appends each of a batch's bodies as a message.
void AppendGopusherBatch(std::string_view batch, std::string* out);

}  // namespace halley::wire
