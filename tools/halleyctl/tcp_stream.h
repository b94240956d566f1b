// TcpStream: a TCP connection, plain or inside TLS, for programs that may wait: every call has a
// deadline.
//
// Ownership  Owns its descriptor.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tls/channel.h"
#include "tls/client.h"

namespace halley::ctl {

using Clock = std::chrono::steady_clock;

// Now and `timeout`; "for ever" is bounded so that it does not overflow the clock.
Clock::time_point DeadlineAfter(absl::Duration timeout);

// How a connection is secured: not at all without a client.
struct Security {
  tls::Client* client = nullptr;
  std::string server_name;  // empty: the address' host
};

class TcpStream {
 public:
  // `address` is "host:port" or "[v6]:port". kInvalidArgument when it is neither, kUnavailable when
  // nobody is there.
  static absl::StatusOr<TcpStream> Dial(const std::string& address, Clock::time_point deadline,
                                        const Security& security = {});

  TcpStream(TcpStream&& other) noexcept;
  TcpStream& operator=(TcpStream&& other) noexcept;
  ~TcpStream();

  // Sends all of it. kUnavailable: the connection is over.
  absl::Status Send(std::string_view bytes, Clock::time_point deadline);
  // Appends what comes, one byte at least. kUnavailable: the connection is over.
  absl::Status Receive(std::string* unread, Clock::time_point deadline);

  int fd() const { return fd_; }

 private:
  explicit TcpStream(int fd) : fd_(fd) {}
  absl::Status Wait(short events, Clock::time_point deadline);
  absl::Status Secure(std::unique_ptr<tls::Stream> stream, Clock::time_point deadline);
  absl::Status SendSecure(std::string_view bytes, Clock::time_point deadline);
  absl::Status ReceiveSecure(std::string* unread, Clock::time_point deadline);

  int fd_ = -1;
  std::unique_ptr<tls::Channel> tls_;  // null: plain
};

}  // namespace halley::ctl
