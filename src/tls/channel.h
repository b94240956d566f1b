// Channel: a Stream over a non-blocking socket, for clients that wait with poll(2) or epoll. What is
// encrypted and not sent yet, or received and not read yet, waits here: whoever polls asks unsent()
// and unread() too.
//
// Threads    One at a time.
// Ownership  Borrows the descriptor.
// Errors     kUnavailable: the connection is over. kPermissionDenied: over for TLS' sake, which the
//            text names.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tls/stream.h"

namespace halley::tls {

class Channel {
 public:
  Channel(std::unique_ptr<Stream> stream, int fd) : stream_(std::move(stream)), fd_(fd) {}

  // Does what can be done of the handshake without waiting; again until open(). A client begins it.
  absl::Status Shake();
  bool open() const { return stream_->open(); }

  // Encrypts one record at most and sends what can be sent; returns how much of `plain` was taken.
  // 0: something waits still.
  absl::StatusOr<size_t> Send(std::string_view plain);
  absl::Status Flush();
  // To be polled for writing, and flushed.
  bool unsent() const { return !out_.empty(); }

  // 0: nothing now. The end of the stream is an error.
  absl::StatusOr<size_t> Receive(char* to, size_t bytes);
  // More can be received without polling.
  bool unread() const { return full_; }

 private:
  absl::Status Failed() const;

  std::unique_ptr<Stream> stream_;
  int fd_;
  std::string in_;   // ciphertext that was not decrypted for want of room
  std::string out_;  // ciphertext that was not sent
  bool full_ = false;
};

}  // namespace halley::tls
