#include "client/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace halley::client {
namespace {

// strerror() is not thread-safe; this GNU variant is.
std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

absl::Status ConnectError(const HostPort& to, const std::string& cause) {
  return absl::UnavailableError(absl::StrCat("cannot connect to ", to.host, ":", to.port, ": ",
                                             cause,
                                             "; check that Halley runs and its push address"));
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(const std::string& address) {
  const size_t colon = address.rfind(':');
  HostPort result;
  if (colon != std::string::npos) {
    result = {address.substr(0, colon), address.substr(colon + 1)};
    if (result.host.size() >= 2 && result.host.front() == '[' && result.host.back() == ']') {
      result.host = result.host.substr(1, result.host.size() - 2);
    } else if (result.host.find(':') != std::string::npos) {
      result.host.clear();  // a bare IPv6 address: which colon is meant is a guess
    }
  }
  if (result.host.empty() || result.port.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the push address '", address, "' is not host:port or [ipv6]:port"));
  }
  return result;
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(tls_, other.tls_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<Socket> Socket::Dial(const HostPort& to, const Wait& wait) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &list);
  if (failed != 0) return ConnectError(to, gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, &freeaddrinfo);

  absl::Status last = ConnectError(to, "the name has no address");
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    Socket socket(::socket(entry->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.fd_ < 0) {
      last = ConnectError(to, ErrnoText(errno));
      continue;
    }
    const int on = 1;
    setsockopt(socket.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int error = connect(socket.fd_, entry->ai_addr, entry->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      if (absl::Status waited = wait(socket.fd_, POLLOUT); !waited.ok()) return waited;
      socklen_t bytes = sizeof error;
      getsockopt(socket.fd_, SOL_SOCKET, SO_ERROR, &error, &bytes);
    }
    if (error == 0) return socket;
    last = ConnectError(to, ErrnoText(error));
  }
  return last;
}

Socket Socket::Adopt(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return Socket(fd);
}

absl::Status Socket::Secure(std::unique_ptr<tls::Stream> stream, const Wait& wait) {
  tls_ = std::make_unique<tls::Channel>(std::move(stream), fd_);
  for (;;) {
    if (absl::Status shaken = tls_->Shake(); !shaken.ok()) return shaken;
    if (tls_->open()) return absl::OkStatus();
    const short events = tls_->unsent() ? POLLIN | POLLOUT : POLLIN;
    if (absl::Status waited = wait(fd_, events); !waited.ok()) return waited;
  }
}

absl::StatusOr<size_t> Socket::Send(std::string_view bytes) {
  if (tls_ != nullptr) return tls_->Send(bytes);
  for (;;) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<size_t>(sent);
    if (errno == EAGAIN) return size_t{0};
    if (errno != EINTR) return absl::UnavailableError(ErrnoText(errno));
  }
}

absl::StatusOr<size_t> Socket::Receive(char* to, size_t bytes) {
  if (tls_ != nullptr) return tls_->Receive(to, bytes);
  for (;;) {
    const ssize_t received = recv(fd_, to, bytes, 0);
    if (received > 0) return static_cast<size_t>(received);
    if (received == 0) return absl::UnavailableError("the node closed it");
    if (errno == EAGAIN) return size_t{0};
    if (errno != EINTR) return absl::UnavailableError(ErrnoText(errno));
  }
}

}  // namespace halley::client
