#include "tls/channel.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace halley::tls {
namespace {

constexpr size_t kReadBytes = 65536;

absl::Status Lost(int error) {
  char buffer[128];
  return absl::UnavailableError(strerror_r(error, buffer, sizeof buffer));
}

}  // namespace

absl::Status Channel::Failed() const {
  return absl::PermissionDeniedError(absl::StrCat("TLS: ", stream_->error()));
}

absl::Status Channel::Shake() {
  char none;
  const absl::StatusOr<size_t> received = Receive(&none, 0);
  return received.status();
}

absl::Status Channel::Flush() {
  while (!out_.empty()) {
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      out_.erase(0, static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      return absl::OkStatus();
    } else if (errno != EINTR) {
      return Lost(errno);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> Channel::Send(std::string_view plain) {
  if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
  if (unsent() || !open()) return size_t{0};
  const std::string_view record = plain.substr(0, kRecordBytesMax);
  if (!stream_->Write(record, &out_)) return Failed();
  if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
  return record.size();
}

// With no room at all it does the handshake and nothing else.
absl::StatusOr<size_t> Channel::Receive(char* to, size_t bytes) {
  std::string cipher = std::move(in_);
  in_.clear();
  full_ = false;
  for (;;) {
    std::string_view left = cipher;
    size_t read = 0;
    const ReadOutcome outcome = stream_->Read(&left, to, bytes, &read, &out_);
    const absl::Status flushed = Flush();
    if (outcome == ReadOutcome::kFull) {
      in_.assign(left);
      full_ = true;
    }
    if (read > 0 || outcome == ReadOutcome::kFull) return read;
    if (outcome == ReadOutcome::kFailed) return Failed();
    if (outcome == ReadOutcome::kEnd) return absl::UnavailableError("the node closed it");
    if (!flushed.ok()) return flushed;
    cipher.resize(kReadBytes);
    const ssize_t received = ::recv(fd_, cipher.data(), cipher.size(), 0);
    cipher.resize(static_cast<size_t>(std::max<ssize_t>(received, 0)));
    if (received == 0) return absl::UnavailableError("the node closed it");
    if (received < 0 && errno == EAGAIN) return size_t{0};
    if (received < 0 && errno != EINTR) return Lost(errno);
  }
}

}  // namespace halley::tls
