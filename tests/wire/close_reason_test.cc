#include "wire/close_reason.h"

#include <gtest/gtest.h>

#include <set>

#include "wire/websocket.h"

namespace halley::wire {
namespace {

TEST(CloseReason, EveryReasonHasItsOwnNameAndACodeThatMayBeSent) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kCloseReasonsCount; ++i) {
    const auto reason = static_cast<CloseReason>(i);
    EXPECT_FALSE(CloseReasonName(reason).empty()) << i;
    EXPECT_TRUE(names.insert(CloseReasonName(reason)).second) << CloseReasonName(reason);
    const uint16_t code = WebSocketCloseCode(reason);
    EXPECT_TRUE(code == 0 || IsWsCloseCode(code)) << CloseReasonName(reason);
  }
}

TEST(CloseReason, NamesAndCodesAreThoseOfTheDocumentation) {
  const struct {
    CloseReason reason;
    std::string_view name;
    uint16_t code;
  } kRows[] = {
      {CloseReason::kNone, "none", 0},
      {CloseReason::kPeerClosed, "peer_closed", 0},
      {CloseReason::kPeerReset, "peer_reset", 0},
      {CloseReason::kHandshakeTimeout, "handshake_timeout", 3008},
      {CloseReason::kIdleTimeout, "idle_timeout", 3008},
      {CloseReason::kBadFrame, "bad_frame", 1008},
      {CloseReason::kFrameTooBig, "frame_too_big", 1009},
      {CloseReason::kBadHandshake, "bad_handshake", 0},
      {CloseReason::kPageServed, "page_served", 0},
      {CloseReason::kPollAnswered, "poll_answered", 0},
      {CloseReason::kWsProtocolError, "ws_protocol_error", 1002},
      {CloseReason::kWsBadUtf8, "ws_bad_utf8", 1007},
      {CloseReason::kAuthRefused, "auth_refused", 3000},
      {CloseReason::kAuthUnavailable, "auth_unavailable", 1013},
      {CloseReason::kTokenExpired, "token_expired", 3006},
      {CloseReason::kReplaced, "replaced", 3001},
      {CloseReason::kDuplicateRefused, "duplicate_refused", 3002},
      {CloseReason::kKicked, "kicked", 3003},
      {CloseReason::kSlowConsumer, "slow_consumer", 3004},
      {CloseReason::kStalled, "stalled", 3005},
      {CloseReason::kServerFull, "server_full", 1013},
      {CloseReason::kAddressFull, "address_full", 1013},
      {CloseReason::kAddressRate, "address_rate", 1013},
      {CloseReason::kConnectRate, "connect_rate", 1013},
      {CloseReason::kHandshakesFull, "handshakes_full", 1013},
      {CloseReason::kRoomsFull, "rooms_full", 1013},
      {CloseReason::kRateLimited, "rate_limited", 1008},
      {CloseReason::kServerClosing, "server_closing", 1001},
      {CloseReason::kDraining, "draining", 1012},
      {CloseReason::kLifetimeOver, "lifetime_over", 1012},
      {CloseReason::kMoveFailed, "move_failed", 1013},
      {CloseReason::kProxyHeader, "proxy_header", 0},
      {CloseReason::kTlsFailed, "tls_failed", 0},
      {CloseReason::kRpcBadRequest, "rpc_bad_request", 0},
      {CloseReason::kRpcUnauthorized, "rpc_unauthorized", 0},
      {CloseReason::kInternal, "internal", 1011},
  };
  static_assert(std::size(kRows) == kCloseReasonsCount);
  for (const auto& row : kRows) {
    EXPECT_EQ(CloseReasonName(row.reason), row.name);
    EXPECT_EQ(WebSocketCloseCode(row.reason), row.code) << row.name;
  }
}

TEST(CloseReason, ThoseOfLimitsAreTold) {
  size_t count = 0;
  for (size_t i = 0; i < kCloseReasonsCount; ++i) count += IsOfLimits(static_cast<CloseReason>(i));
  EXPECT_EQ(count, 6u);
  for (const CloseReason reason : {CloseReason::kAddressFull, CloseReason::kAddressRate, CloseReason::kConnectRate,
                                   CloseReason::kHandshakesFull, CloseReason::kRoomsFull,
                                   CloseReason::kRateLimited}) {
    EXPECT_TRUE(IsOfLimits(reason)) << CloseReasonName(reason);
  }
}

TEST(CloseReasonDeathTest, AValueOutsideTheListIsAProgrammersError) {
  EXPECT_DEATH(CloseReasonName(CloseReason::kCount_), "assertion failed");
}

}  // namespace
}  // namespace halley::wire
