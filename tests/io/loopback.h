// Loopback: real sockets and rings for tests of the kernel seam.
//
// Threads    One test's. A ring belongs to the thread that started it.
// Ownership  OwnedFd closes; TcpPair owns both of its ends.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/uring_ring.h"

namespace halley::io::testing {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() { Close(); }

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  // The peer sees a reset instead of the end of the stream.
  void Reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }

 private:
  int fd_ = -1;
};

inline int OptionOf(int fd, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  ::getsockopt(fd, level, option, &value, &length);
  return value;
}

inline bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

// A blocking client socket connected to 127.0.0.1:port; -1 inside when refused.
inline OwnedFd ConnectTo(uint16_t port) {
  OwnedFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.Close();
  return fd;
}

inline uint16_t PortOf(const std::string& address) {
  return static_cast<uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str()));
}

// Two ends of a TCP connection: ours as the gateway has it, theirs as a client has it.
struct TcpPair {
  OwnedFd ours;
  OwnedFd theirs;

  // A `buffer_bytes` of 0 leaves the buffers alone.
  static TcpPair Make(int buffer_bytes = 0) {
    const OwnedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    if (buffer_bytes > 0) {
      for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
        ::setsockopt(listener.get(), SOL_SOCKET, option, &buffer_bytes, sizeof buffer_bytes);
      }
    }
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    TcpPair pair;
    pair.theirs = ConnectTo(ntohs(address.sin_port));
    pair.ours = OwnedFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_GE(pair.ours.get(), 0);
    const int one = 1;
    ::setsockopt(pair.ours.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::setsockopt(pair.theirs.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return pair;
  }
};

// The same over AF_UNIX, where nothing happens by itself: what is full stays full until it is read.
inline TcpPair LocalPair(int buffer_bytes) {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  TcpPair pair;
  pair.ours = OwnedFd(ends[0]);
  pair.theirs = OwnedFd(ends[1]);
  return pair;
}

inline void SendAll(int fd, const std::string& bytes) {
  ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

// A ring's end interrupts the thread that made it, some time later (Linux 6.18).
inline ssize_t RecvThroughSignals(int fd, char* buffer, size_t bytes) {
  ssize_t taken;
  do {
    taken = ::recv(fd, buffer, bytes, 0);
  } while (taken < 0 && errno == EINTR);
  return taken;
}

// Blocks until `bytes` have come, the stream has ended or ten seconds have passed.
inline std::string ReceiveAll(int fd, size_t bytes) {
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string got(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    const ssize_t taken = RecvThroughSignals(fd, got.data() + have, bytes - have);
    if (taken <= 0) break;
    have += static_cast<size_t>(taken);
  }
  got.resize(have);
  return got;
}

// Whether the stream ends, within ten seconds and with nothing more in it.
inline bool Ends(int fd) {
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char byte;
  return RecvThroughSignals(fd, &byte, 1) == 0;
}

// What is there now.
inline std::string ReceiveNowAll(int fd, size_t bytes_max = SIZE_MAX) {
  std::string got;
  char buffer[16384];
  while (got.size() < bytes_max) {
    const ssize_t taken =
        ::recv(fd, buffer, std::min(sizeof buffer, bytes_max - got.size()), MSG_DONTWAIT);
    if (taken <= 0) break;
    got.append(buffer, static_cast<size_t>(taken));
  }
  return got;
}

// Lowers the soft RLIMIT_NOFILE so that `room` more descriptors fit (0 or 1), until destroyed.
class DescriptorShortage {
 public:
  explicit DescriptorShortage(uint32_t room) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(lowest_free) + room;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &now), 0);
  }
  DescriptorShortage(const DescriptorShortage&) = delete;
  DescriptorShortage& operator=(const DescriptorShortage&) = delete;
  ~DescriptorShortage() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// The next completion within ten seconds; op kNone when none came.
inline Completion Next(Ring* ring) {
  Completion completion;
  const uint64_t limit_ns = ring->NowNs() + 10'000'000'000;
  while (ring->NowNs() < limit_ns) {
    if (ring->Reap({&completion, 1}) == 1) return completion;
    ring->Enter(100'000'000);
  }
  return {};
}

// Everything that is ready without waiting.
inline std::vector<Completion> Ready(Ring* ring) {
  std::vector<Completion> all;
  Completion completion;
  ring->Enter(0);
  while (ring->Reap({&completion, 1}) == 1) all.push_back(completion);
  return all;
}

// How long Enter() waits where nothing happens. It may return early: rings that earlier tests
// destroyed end in the kernel later, several at once, and each of them interrupts its thread.
inline uint64_t WaitedNs(Ring* ring, uint64_t wait_ns) {
  const uint64_t limit_ns = ring->NowNs() + 5'000'000'000;
  uint64_t longest_ns = 0;
  for (uint64_t start_ns = ring->NowNs(); longest_ns < wait_ns && start_ns < limit_ns;) {
    ring->Enter(wait_ns);
    const uint64_t end_ns = ring->NowNs();
    longest_ns = std::max(longest_ns, end_ns - start_ns);
    start_ns = end_ns;
  }
  return longest_ns;
}

// A test of io_uring alone, skipped where the kernel does not let us have it.
class UringTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ring = UringRing::Create({});
    if (!ring.ok()) GTEST_SKIP() << ring.status().message();
  }

  // A started ring, owned by the calling thread.
  static std::unique_ptr<UringRing> StartRing(const UringOptions& options = {}) {
    auto ring = UringRing::Create(options);
    EXPECT_TRUE(ring.ok()) << ring.status();
    EXPECT_TRUE((*ring)->Start().ok());
    return std::move(*ring);
  }
};

}  // namespace halley::io::testing
