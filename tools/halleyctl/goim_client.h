// GoimClient: a goim client over TCP or WebSocket for tools and tests. It may wait: every call has
// a timeout.
//
// Frames that come in goim's batches (op 9 on WebSocket) come out of Receive() one by one.
//
// Ownership  Owns the connection, which ends with it.
// Limits     kFrameBodyBytesMax per frame from the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "halleyctl/tcp_stream.h"
#include "halleyctl/web_socket.h"

namespace halley::ctl {

struct GoimMessage {
  int32_t op = 0;
  int32_t seq = 0;
  int16_t ver = 1;
  std::string body;
};

class GoimClient {
 public:
  static constexpr size_t kFrameBodyBytesMax = size_t{64} << 20;

  // `address` is host:port. kUnavailable, kDeadlineExceeded or kInvalidArgument, with a sentence.
  static absl::StatusOr<std::unique_ptr<GoimClient>> DialTcp(const std::string& address,
                                                             absl::Duration timeout,
                                                             const Security& security = {});
  // `url` is ws://host:port/sub, or wss://... with somebody to secure it.
  static absl::StatusOr<std::unique_ptr<GoimClient>> DialWebSocket(const std::string& url,
                                                                   absl::Duration timeout,
                                                                   const Security& security = {});

  // Sends the token and waits for the answer. kPermissionDenied: the node closed the connection
  // instead.
  absl::Status Login(const std::string& token, absl::Duration timeout);

  absl::Status Send(const GoimMessage& message, absl::Duration timeout);
  // Sends bytes as they are, below any framing: for tests that break rules.
  absl::Status SendRaw(std::string_view bytes, absl::Duration timeout);

  // Waits for the next frame. kDeadlineExceeded: none came, and nothing is lost. kUnavailable: the
  // connection is over. kDataLoss: the node broke a protocol.
  absl::StatusOr<GoimMessage> Receive(absl::Duration timeout);

  // What the node's WebSocket close frame said; 0: there was none.
  uint16_t close_code() const { return web_socket_ ? web_socket_->close_code() : uint16_t{0}; }

 private:
  GoimClient() = default;
  absl::Status Fill(Clock::time_point deadline);

  std::optional<TcpStream> tcp_;  // one of the two
  std::optional<WebSocket> web_socket_;
  std::string unread_;                // TCP only
  std::deque<GoimMessage> messages_;  // arrived and not taken yet
};

}  // namespace halley::ctl
