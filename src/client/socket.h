// A non-blocking TCP connection to a node, plain or inside TLS: opening it, and its bytes.
//
// Ownership  Owns its descriptor.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tls/channel.h"

namespace halley::client {

// "host:port" or "[v6]:port", split. The port may be a name; both must be there.
struct HostPort {
  std::string host;
  std::string port;
};
absl::StatusOr<HostPort> ParseHostPort(const std::string& address);

class Socket {
 public:
  Socket() = default;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // Waits until the descriptor is ready for these poll(2) events; not OK: give up with that.
  using Wait = std::function<absl::Status(int fd, short events)>;

  // Resolves, and tries each address in turn. `wait` bounds each of them.
  static absl::StatusOr<Socket> Dial(const HostPort& to, const Wait& wait);

  // Takes over a connected stream socket, whatever its family.
  static Socket Adopt(int fd);

  // From here on everything is encrypted. `wait` bounds the handshake.
  absl::Status Secure(std::unique_ptr<tls::Stream> stream, const Wait& wait);

  int fd() const { return fd_; }
  // Bytes that Send() took wait for room: poll for writing, and Flush().
  bool unsent() const { return tls_ != nullptr && tls_->unsent(); }
  absl::Status Flush() { return tls_ == nullptr ? absl::OkStatus() : tls_->Flush(); }
  // There is more to receive, whatever poll(2) says.
  bool unread() const { return tls_ != nullptr && tls_->unread(); }

  // Takes what can be sent now and returns how much that was.
  absl::StatusOr<size_t> Send(std::string_view bytes);
  // Reads what is there now; 0: nothing. The end of the stream is an error.
  absl::StatusOr<size_t> Receive(char* to, size_t bytes);

 private:
  explicit Socket(int fd) : fd_(fd) {}

  int fd_ = -1;
  std::unique_ptr<tls::Channel> tls_;  // null: plain
};

}  // namespace halley::client
