#include "io/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/assert.h"
#include "io/sockets.h"

namespace halley::io {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
  sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
  const sockaddr_in& v4() const { return reinterpret_cast<const sockaddr_in&>(storage); }
  const sockaddr_in6& v6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }
};

// "1.2.3.4:5" or "[::1]:5".
bool ParseAddress(absl::string_view text, Address* address) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return false;
  const absl::string_view port_text = text.substr(colon + 1);
  std::string host(text.substr(0, colon));
  uint32_t port;
  if (!std::all_of(port_text.begin(), port_text.end(), absl::ascii_isdigit)) return false;
  if (!absl::SimpleAtoi(port_text, &port) || port > 65535) return false;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    address->storage.ss_family = AF_INET6;
    address->v6().sin6_port = htons(static_cast<uint16_t>(port));
    address->length = sizeof(sockaddr_in6);
    return ::inet_pton(AF_INET6, host.c_str(), &address->v6().sin6_addr) == 1;
  }
  address->storage.ss_family = AF_INET;
  address->v4().sin_port = htons(static_cast<uint16_t>(port));
  address->length = sizeof(sockaddr_in);
  return ::inet_pton(AF_INET, host.c_str(), &address->v4().sin_addr) == 1;
}

absl::StatusOr<std::vector<Address>> ParseAddresses(absl::string_view list) {
  std::vector<Address> addresses;
  if (absl::StripAsciiWhitespace(list).empty()) return addresses;
  for (absl::string_view text : absl::StrSplit(list, ',')) {
    text = absl::StripAsciiWhitespace(text);
    Address address;
    if (!ParseAddress(text, &address)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", text, "' is not an address to listen on; write it in numbers, as in ",
                       "0.0.0.0:3101 or [::]:3101, several separated by commas"));
    }
    if (addresses.size() == kAddressesMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "there are more than ", kAddressesMax, " addresses to listen on; list fewer"));
    }
    addresses.push_back(address);
  }
  return addresses;
}

uint16_t PortOf(const Address& address) {
  return ntohs(address.storage.ss_family == AF_INET ? address.v4().sin_port
                                                    : address.v6().sin6_port);
}

absl::Status ListenError(const Address& address, absl::string_view what, int error) {
  std::string cure;
  switch (error) {
    case EADDRINUSE:
      cure = absl::StrCat("another program listens there; stop it (`ss -ltnp sport = :",
                          PortOf(address), "` names it) or choose another port");
      break;
    case EADDRNOTAVAIL:
      cure = "no interface of this host has that address; correct it, or listen on 0.0.0.0 or [::]";
      break;
    case EACCES:
      cure = "a port below 1024 needs CAP_NET_BIND_SERVICE; grant it or choose a higher port";
      break;
    case EAFNOSUPPORT:
      cure = "this host has IPv6 switched off; listen on an IPv4 address";
      break;
    case EMFILE:
      cure = "the process is out of file descriptors; raise RLIMIT_NOFILE (ulimit -n)";
      break;
    default:
      cure = absl::StrCat(what, " failed (", std::strerror(error), "); check the address and the ",
                          "[listen] options");
  }
  return absl::FailedPreconditionError(
      absl::StrCat("cannot listen on ", FormatAddress(address.storage), ": ", cure));
}

// A socket under construction; closed unless released.
class Socket {
 public:
  explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  static Socket CopyOf(int fd) { return Socket(::fcntl(fd, F_DUPFD_CLOEXEC, 0), Copied{}); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  bool Set(int level, int option, uint32_t value) const {
    const int as_int = static_cast<int>(std::min<uint32_t>(value, INT32_MAX));
    return ::setsockopt(fd_, level, option, &as_int, sizeof as_int) == 0;
  }

 private:
  struct Copied {};
  Socket(int fd, Copied) : fd_(fd) {}

  int fd_;
};

// What its connections are to have.
bool SetOptions(const Socket& socket, const SocketOptions& options) {
  bool good = socket.Set(IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.send_buffer_bytes > 0) {
    good = good && socket.Set(SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
  }
  if (options.receive_buffer_bytes > 0) {
    good = good && socket.Set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  }
  if (options.notsent_lowat_bytes > 0) {
    good = good && socket.Set(IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.notsent_lowat_bytes);
  }
  if (options.user_timeout_ms > 0) {
    good = good && socket.Set(IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout_ms);
  }
  if (options.keepalive_s > 0) {
    // Four probes: a silent peer is given up after twice the idle time.
    good = good && socket.Set(SOL_SOCKET, SO_KEEPALIVE, 1) &&
           socket.Set(IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_s) &&
           socket.Set(IPPROTO_TCP, TCP_KEEPINTVL, std::max(1u, options.keepalive_s / 4)) &&
           socket.Set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  }
  if (options.defer_accept_s > 0) {
    good = good && socket.Set(IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_s);
  }
  return good;
}

// SO_REUSEPORT would quietly share a port with another gateway of the same user, and each would get
// half of the clients. Without it the kernel tells.
absl::Status CheckPortIsFree(const Address& address) {
  const Socket socket(address.storage.ss_family);
  if (socket.fd() < 0) return ListenError(address, "socket", errno);
  if (address.storage.ss_family == AF_INET6) socket.Set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  // Connections of an earlier run that linger in TIME_WAIT are not in the way.
  socket.Set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(socket.fd(), address.get(), address.length) != 0) {
    return ListenError(address, "bind", errno);
  }
  return absl::OkStatus();
}

// Opens one listening socket and writes into `address` what it was bound to.
absl::StatusOr<int> OpenOne(Address* address, const SocketOptions& options) {
  const int family = address->storage.ss_family;
  Socket socket(family);
  if (socket.fd() < 0) return ListenError(*address, "socket", errno);
  bool good = SetOptions(socket, options) && socket.Set(SOL_SOCKET, SO_REUSEADDR, 1) &&
              socket.Set(SOL_SOCKET, SO_REUSEPORT, 1);
  // "[::]" beside "0.0.0.0", and no IPv4 address in IPv6 clothes.
  if (family == AF_INET6) good = good && socket.Set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (!good) return ListenError(*address, "setsockopt", errno);
  if (::bind(socket.fd(), address->get(), address->length) != 0) {
    return ListenError(*address, "bind", errno);
  }
  if (::getsockname(socket.fd(), address->get(), &address->length) != 0) {
    return ListenError(*address, "getsockname", errno);
  }
  const auto backlog = static_cast<int>(std::min<uint32_t>(options.backlog, INT32_MAX));
  if (::listen(socket.fd(), backlog) != 0) return ListenError(*address, "listen", errno);
  return socket.Release();
}

absl::Status OpenListener(Address address, uint32_t shards, const SocketOptions& options,
                          Listener* listener) {
  if (PortOf(address) != 0) {
    absl::Status free = CheckPortIsFree(address);
    if (!free.ok()) return free;
  }
  for (uint32_t shard = 0; shard < shards; ++shard) {
    absl::StatusOr<int> fd = OpenOne(&address, options);
    if (!fd.ok()) return fd.status();
    listener->fds.push_back(*fd);
  }
  listener->address = FormatAddress(address.storage);
  return absl::OkStatus();
}

// Its connections wait in one queue for whichever shard is first, where one socket serves several. All of
// `fds` are read.
absl::Status ShareListeners(const Address& address, absl::Span<const int> fds, uint32_t shards,
                            const SocketOptions& options, std::vector<Listener>* listeners) {
  for (size_t first = 0; first < fds.size(); first += shards) {
    Listener& listener = listeners->emplace_back();
    listener.address = FormatAddress(address.storage);
    listener.passed = true;
    const size_t count = std::min<size_t>(fds.size() - first, shards);
    for (uint32_t shard = 0; shard < shards; ++shard) {
      Socket copy = Socket::CopyOf(fds[first + shard % count]);
      if (copy.fd() < 0) return ListenError(address, "fcntl", errno);
      if (!SetOptions(copy, options)) return ListenError(address, "setsockopt", errno);
      listener.fds.push_back(copy.Release());
    }
  }
  return absl::OkStatus();
}

std::vector<int> BoundTo(const Address& address, absl::Span<const PassedListener> passed) {
  const std::string text = FormatAddress(address.storage);
  std::vector<int> fds;
  for (const PassedListener& each : passed) {
    if (each.address == text) fds.push_back(each.fd);
  }
  return fds;
}

}  // namespace

absl::StatusOr<std::vector<Listener>> OpenListeners(const std::string& addresses, uint32_t shards,
                                                    const SocketOptions& options,
                                                    absl::Span<const PassedListener> passed) {
  HALLEY_ASSERT(shards >= 1);
  absl::StatusOr<std::vector<Address>> parsed = ParseAddresses(addresses);
  if (!parsed.ok()) return parsed.status();
  std::vector<Listener> listeners;
  for (const Address& address : *parsed) {
    const std::vector<int> fds = BoundTo(address, passed);
    absl::Status opened = fds.empty()
                              ? OpenListener(address, shards, options, &listeners.emplace_back())
                              : ShareListeners(address, fds, shards, options, &listeners);
    if (opened.ok()) continue;
    for (const Listener& listener : listeners) {
      for (const int fd : listener.fds) ::close(fd);
    }
    return opened;
  }
  return listeners;
}

bool IsLoopbackOnly(const std::string& addresses) {
  const absl::StatusOr<std::vector<Address>> parsed = ParseAddresses(addresses);
  if (!parsed.ok()) return false;
  return std::all_of(parsed->begin(), parsed->end(), [](const Address& address) {
    if (address.storage.ss_family == AF_INET) {
      return (ntohl(address.v4().sin_addr.s_addr) >> 24) == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&address.v6().sin6_addr) != 0;
  });
}

}  // namespace halley::io
