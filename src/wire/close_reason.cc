#include "wire/close_reason.h"

#include <array>

#include "base/assert.h"

namespace halley::wire {
namespace {

struct Row {
  std::string_view name;
  uint16_t code;
};

// In the order of the enum. Codes 1001..1013 are RFC 6455 7.4.1 and IANA's registry; 3000 and 3008
// ("unauthorized", "timeout") are registered there too; 3001..3006 are ours.
constexpr std::array<Row, kCloseReasonsCount> kRows = {{
    {"none", 0},
    {"peer_closed", 0},
    {"peer_reset", 0},
    {"handshake_timeout", 3008},
    {"idle_timeout", 3008},
    {"bad_frame", 1008},
    {"frame_too_big", 1009},
    {"bad_handshake", 0},
    {"page_served", 0},
    {"poll_answered", 0},
    {"ws_protocol_error", 1002},
    {"ws_bad_utf8", 1007},
    {"auth_refused", 3000},
    {"auth_unavailable", 1013},
    {"token_expired", 3006},
    {"replaced", 3001},
    {"duplicate_refused", 3002},
    {"kicked", 3003},
    {"slow_consumer", 3004},
    {"stalled", 3005},
    {"server_full", 1013},
    {"address_full", 1013},
    {"address_rate", 1013},
    {"connect_rate", 1013},
    {"handshakes_full", 1013},
    {"rooms_full", 1013},
    {"rate_limited", 1008},
    {"server_closing", 1001},
    {"draining", 1012},
    {"lifetime_over", 1012},
    {"move_failed", 1013},
    {"proxy_header", 0},
    {"tls_failed", 0},
    {"rpc_bad_request", 0},
    {"rpc_unauthorized", 0},
    {"internal", 1011},
}};
static_assert(!kRows.back().name.empty(), "every reason has a row");

const Row& RowOf(CloseReason reason) {
  const auto index = static_cast<size_t>(reason);
  HALLEY_ASSERT(index < kRows.size());
  return kRows[index];
}

}  // namespace

std::string_view CloseReasonName(CloseReason reason) { return RowOf(reason).name; }

bool IsOfLimits(CloseReason reason) {
  return reason >= CloseReason::kAddressFull && reason <= CloseReason::kRateLimited;
}

uint16_t WebSocketCloseCode(CloseReason reason) { return RowOf(reason).code; }

}  // namespace halley::wire
