// WebSocket: the client's side of RFC 6455 over a TcpStream, as far as goim's wire needs it: binary
// messages, no extensions.
//
// Pings are answered while reading. A close frame is answered and its code kept.
//
// Limits  kMessageBytesMax per message from the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "halleyctl/tcp_stream.h"

namespace halley::ctl {

// "ws://host:port/path" or "wss://...", split. Without a path it is goim's, "/sub"; without a port
// it is 80, or 443.
struct WsUrl {
  std::string address;  // host:port
  std::string path;
  bool secure = false;
};
absl::StatusOr<WsUrl> ParseWsUrl(const std::string& url);

class WebSocket {
 public:
  static constexpr size_t kMessageBytesMax = size_t{64} << 20;
  static constexpr size_t kHeaderBytesMax = 65536;  // of the node's answer to the upgrade

  // Connects and upgrades. kPermissionDenied: the node answers, but not with a WebSocket.
  static absl::StatusOr<WebSocket> Dial(const WsUrl& url, Clock::time_point deadline,
                                        const Security& security = {});

  // Sends one masked frame.
  absl::Status SendBinary(std::string_view payload, Clock::time_point deadline);
  // Sends bytes as they are, for tests that break rules.
  absl::Status SendRaw(std::string_view bytes, Clock::time_point deadline) {
    return stream_.Send(bytes, deadline);
  }
  // Waits for the next message. kUnavailable: the connection is over, see close_code(). kDataLoss:
  // the node broke RFC 6455.
  absl::Status Receive(std::string* message, Clock::time_point deadline);

  // What the node's close frame said; 0: there was none, or it had no code.
  uint16_t close_code() const { return close_code_; }

 private:
  enum class Opcode : uint8_t { kContinuation, kText, kBinary, kClose = 8, kPing, kPong };
  struct Frame {
    Opcode opcode;
    bool fin;
    std::string payload;
  };

  explicit WebSocket(TcpStream stream) : stream_(std::move(stream)) {}
  absl::Status Upgrade(const WsUrl& url, Clock::time_point deadline);
  absl::Status SendFrame(Opcode opcode, std::string_view payload, Clock::time_point deadline);
  absl::Status Need(size_t bytes, Clock::time_point deadline);
  absl::StatusOr<Frame> ReceiveFrame(Clock::time_point deadline);
  absl::Status OnClose(std::string_view payload, Clock::time_point deadline);

  TcpStream stream_;
  std::string unread_;
  std::string partial_;     // fragments of a message that is not whole yet
  bool in_message_ = false;
  uint16_t close_code_ = 0;
};

}  // namespace halley::ctl
