#include "wire/event_stream.h"

#include "wire/http_text.h"

namespace halley::wire {
namespace {

constexpr uint32_t kRetryMs = 5000;

bool ComesBack(CloseReason reason) {
  switch (reason) {
    case CloseReason::kServerClosing:
    case CloseReason::kDraining:
    case CloseReason::kLifetimeOver:
    case CloseReason::kServerFull:
    case CloseReason::kAuthUnavailable:
    case CloseReason::kMoveFailed: return true;
    default: return IsOfLimits(reason);
  }
}

}  // namespace

void AppendEventStreamHead(std::string_view origin, std::string* out) {
  // Its length is not known and it is not in chunks: it ends with the connection (RFC 9112 6.3).
  out->append(
      "HTTP/1.1 200 OK\r\n"
      "Content-Type: text/event-stream\r\n"
      "Cache-Control: no-store\r\n"
      "X-Accel-Buffering: no\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "Connection: close\r\n");
  AppendAllowedOrigin(origin, out);
  out->append("\r\n");
}

void AppendEventClose(CloseReason reason, uint32_t retry_ms, std::string* out) {
  if (ComesBack(reason)) {
    out->append("retry: ").append(std::to_string(retry_ms == 0 ? kRetryMs : retry_ms)).append("\n");
  }
  out->append("event: close\ndata: {\"code\":");
  out->append(std::to_string(WebSocketCloseCode(reason))).append(",\"reason\":\"");
  out->append(CloseReasonName(reason)).append("\"}").append(kEventEnd);
}

}  // namespace halley::wire
