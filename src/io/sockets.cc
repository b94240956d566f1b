#include "io/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::io {

Outcome OutcomeOfError(int error) {
  switch (error) {
    case EAGAIN:
    case EINTR:
      return Outcome::kAgain;
    case ECANCELED:
      return Outcome::kEnd;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
      return Outcome::kReset;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Outcome::kExhausted;
    default:
      return Outcome::kFailed;
  }
}

Outcome OutcomeOfError(Op op, int error) {
  const Outcome outcome = OutcomeOfError(error);
  // A listener has no peer to be reset by.
  if (op != Op::kAccept || outcome == Outcome::kEnd || outcome == Outcome::kExhausted) {
    return outcome;
  }
  return Outcome::kFailed;
}

uint32_t ReadinessOf(uint32_t events) {
  uint32_t readiness = 0;
  if (events & (POLLIN | POLLRDHUP)) readiness |= kReadable;
  if (events & POLLRDHUP) readiness |= kEnded;
  if (events & POLLOUT) readiness |= kWritable;
  if (events & (POLLERR | POLLHUP)) readiness |= kHangup;
  return readiness;
}

Received ReceiveNow(int fd, char* buffer, size_t bytes) {
  HALLEY_ASSERT(bytes > 0);
  ssize_t taken;
  do {
    taken = ::recv(fd, buffer, bytes, MSG_DONTWAIT);
  } while (taken < 0 && errno == EINTR);
  if (taken > 0) return {Outcome::kOk, static_cast<size_t>(taken)};
  if (taken == 0) return {Outcome::kEnd, 0};
  return {OutcomeOfError(errno), 0};
}

int32_t SendNow(int fd, const msghdr& message) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t taken;
  do {
    const iovec& part = *message.msg_iov;
    taken = message.msg_iovlen == 1 ? ::send(fd, part.iov_base, part.iov_len, kFlags)
                                    : ::sendmsg(fd, &message, kFlags);
  } while (taken < 0 && errno == EINTR);
  return static_cast<int32_t>(taken < 0 ? -errno : taken);
}

uint64_t BytesOf(const iovec* parts, size_t count) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += parts[i].iov_len;
  return bytes;
}

msghdr MessageOf(const iovec* parts, size_t count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  return message;
}

int32_t SendResultOf(int32_t result) {
  const bool full = result == -EAGAIN || result == -ENOBUFS || result == -ENOMEM;
  return full ? 0 : result;
}

void CloseDescriptor(int fd) {
  // EINTR, too, leaves the descriptor closed.
  const bool closed = ::close(fd) == 0 || errno != EBADF;
  HALLEY_ASSERT(closed);
}

std::string FormatAddress(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN];
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return absl::StrCat(text, ":", ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return absl::StrCat("[", text, "]:", ntohs(v6.sin6_port));
  }
  return {};
}

std::string PeerAddressOf(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return FormatAddress(address);
}

uint64_t MonotonicNowNs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t WallNowS() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec);
}

}  // namespace halley::io
