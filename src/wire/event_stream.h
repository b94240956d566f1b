// Server-sent events (HTML Living Standard 9.2), the server's side: an HTTP response that goes on
// until the connection ends. A push is
//
//   event: push
//   data: {"op":1000,"body":"hello"}
//
// with the JSON text of wire/json_frame.h, which has no line breaks. There are no ids yet.
//
// Ownership  Borrow for the call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/close_reason.h"

namespace halley::wire {

// Appends the head of the response. `origin`: of the page, which may read it; empty: no page asked.
void AppendEventStreamHead(std::string_view origin, std::string* out);

// What stands before and behind the JSON text of a push.
inline constexpr std::string_view kEventPushBegin = "event: push\ndata: ";
inline constexpr std::string_view kEventEnd = "\n\n";

// A comment, which says that the stream is alive.
inline constexpr std::string_view kEventHeartbeat = ":\n\n";

// Appends the last event, which says why the stream ends: {"code":1001,"reason":"server_closing"},
// as a WebSocket would be told. Where the client should come back, how long it should wait first:
// `retry_ms`, or as long as is usual.
void AppendEventClose(CloseReason reason, uint32_t retry_ms, std::string* out);

}  // namespace halley::wire
