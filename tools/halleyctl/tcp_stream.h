// TcpStream: a TCP connection for programs that may wait: every call has a deadline.
//
// Ownership  Owns its descriptor.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace halley::ctl {

using Clock = std::chrono::steady_clock;

// Now and `timeout`; "for ever" is bounded so that it does not overflow the clock.
Clock::time_point DeadlineAfter(absl::Duration timeout);

class TcpStream {
 public:
  // `address` is "host:port" or "[v6]:port". kInvalidArgument when it is neither, kUnavailable when
  // nobody is there.
  static absl::StatusOr<TcpStream> Dial(const std::string& address, Clock::time_point deadline);

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

  int fd_ = -1;
};

}  // namespace halley::ctl
