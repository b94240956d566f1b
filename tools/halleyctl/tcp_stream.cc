#include "halleyctl/tcp_stream.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace halley::ctl {
namespace {

constexpr size_t kReadBytes = 65536;

std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

absl::Status CannotConnect(const std::string& address, const std::string& cause) {
  return absl::UnavailableError(absl::StrCat("cannot connect to ", address, ": ", cause,
                                             "; check that Halley listens there"));
}

}  // namespace

Clock::time_point DeadlineAfter(absl::Duration timeout) {
  return Clock::now() + absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(24 * 365)));
}

TcpStream::TcpStream(TcpStream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}

TcpStream& TcpStream::operator=(TcpStream&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(tls_, other.tls_);
  return *this;
}

TcpStream::~TcpStream() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<TcpStream> TcpStream::Dial(const std::string& address,
                                          Clock::time_point deadline,
                                          const Security& security) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (colon == std::string::npos || host.empty() || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", address, "' is no address: write host:port or [ipv6]:port"));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &list);
  if (failed != 0) return CannotConnect(address, gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, &freeaddrinfo);

  absl::Status last = CannotConnect(address, "the name has no address");
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    TcpStream stream(socket(entry->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (stream.fd_ < 0) return CannotConnect(address, ErrnoText(errno));
    const int on = 1;
    setsockopt(stream.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int error = connect(stream.fd_, entry->ai_addr, entry->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      if (absl::Status waited = stream.Wait(POLLOUT, deadline); !waited.ok()) {
        return absl::DeadlineExceededError(
            absl::StrCat("no answer from ", address, " in time: check the address"));
      }
      socklen_t bytes = sizeof error;
      getsockopt(stream.fd_, SOL_SOCKET, SO_ERROR, &error, &bytes);
    }
    if (error == 0 && security.client != nullptr) {
      const std::string& name = security.server_name.empty() ? host : security.server_name;
      absl::Status secured = stream.Secure(security.client->Connect(name), deadline);
      if (!secured.ok()) return secured;
    }
    if (error == 0) return stream;
    last = CannotConnect(address, ErrnoText(error));
  }
  return last;
}

absl::Status TcpStream::Wait(short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      return absl::DeadlineExceededError(
          "the node did nothing in time: check that this is the right port, or wait longer");
    }
    pollfd polled{fd_, events, 0};
    const auto wait_ms = static_cast<int>(std::min<int64_t>(left.count(), 3'600'000));
    if (poll(&polled, 1, wait_ms) > 0) return absl::OkStatus();
  }
}

absl::Status TcpStream::Secure(std::unique_ptr<tls::Stream> stream, Clock::time_point deadline) {
  tls_ = std::make_unique<tls::Channel>(std::move(stream), fd_);
  for (;;) {
    if (absl::Status shaken = tls_->Shake(); !shaken.ok()) {
      return absl::UnavailableError(absl::StrCat(
          "no secure connection: ", shaken.message(),
          "; check the port, --tls-ca and that the certificate is for the name (--tls-name)"));
    }
    if (tls_->open()) return absl::OkStatus();
    if (absl::Status status = Wait(POLLIN, deadline); !status.ok()) return status;
  }
}

absl::Status TcpStream::SendSecure(std::string_view bytes, Clock::time_point deadline) {
  while (!bytes.empty() || tls_->unsent()) {
    const absl::StatusOr<size_t> sent = tls_->Send(bytes);
    if (!sent.ok()) {
      return absl::UnavailableError(
          absl::StrCat("the connection is lost: ", sent.status().message(), "; connect again"));
    }
    bytes.remove_prefix(*sent);
    if (!tls_->unsent()) continue;
    if (absl::Status status = Wait(POLLOUT, deadline); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status TcpStream::ReceiveSecure(std::string* unread, Clock::time_point deadline) {
  const size_t had = unread->size();
  for (;;) {
    unread->resize(had + kReadBytes);
    const absl::StatusOr<size_t> received = tls_->Receive(unread->data() + had, kReadBytes);
    unread->resize(had + received.value_or(0));
    if (!received.ok()) {
      return absl::UnavailableError(absl::StrCat("the connection is over: ",
                                                 received.status().message(),
                                                 "; look at the node for its reason"));
    }
    if (*received > 0) return absl::OkStatus();
    if (absl::Status status = Wait(POLLIN, deadline); !status.ok()) return status;
  }
}

absl::Status TcpStream::Send(std::string_view bytes, Clock::time_point deadline) {
  if (tls_ != nullptr) return SendSecure(bytes, deadline);
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      if (absl::Status status = Wait(POLLOUT, deadline); !status.ok()) return status;
    } else if (errno != EINTR) {
      return absl::UnavailableError(
          absl::StrCat("the connection is lost: ", ErrnoText(errno), "; connect again"));
    }
  }
  return absl::OkStatus();
}

absl::Status TcpStream::Receive(std::string* unread, Clock::time_point deadline) {
  if (tls_ != nullptr) return ReceiveSecure(unread, deadline);
  const size_t had = unread->size();
  for (;;) {
    unread->resize(had + kReadBytes);
    const ssize_t received = recv(fd_, unread->data() + had, kReadBytes, 0);
    const int error = errno;
    unread->resize(had + static_cast<size_t>(std::max<ssize_t>(received, 0)));
    if (received > 0) return absl::OkStatus();
    if (received == 0) {
      return absl::UnavailableError("the node closed the connection: look there for its reason");
    }
    if (error == EAGAIN) {
      if (absl::Status status = Wait(POLLIN, deadline); !status.ok()) return status;
    } else if (error != EINTR) {
      return absl::UnavailableError(
          absl::StrCat("the connection is lost: ", ErrnoText(error), "; connect again"));
    }
  }
}

}  // namespace halley::ctl
