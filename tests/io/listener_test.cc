#include "io/listener.h"

#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/loopback.h"
#include "io/setup_error.h"

namespace halley::io {
namespace {

using testing::ConnectTo;
using testing::OptionOf;
using testing::OwnedFd;
using testing::PortOf;

// Closes what was opened.
struct Opened {
  explicit Opened(absl::StatusOr<std::vector<Listener>> result) : status(result.status()) {
    if (result.ok()) listeners = std::move(*result);
  }
  ~Opened() {
    for (const Listener& listener : listeners) {
      for (const int fd : listener.fds) ::close(fd);
    }
  }

  absl::Status status;
  std::vector<Listener> listeners;
};

bool HasIpv6Loopback() {
  const OwnedFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

TEST(Listener, PortZeroGivesEveryShardTheSamePort) {
  const Opened opened(OpenListeners("127.0.0.1:0", 4, {}));
  ASSERT_TRUE(opened.status.ok()) << opened.status;
  ASSERT_EQ(opened.listeners.size(), 1u);
  const Listener& listener = opened.listeners.front();
  EXPECT_EQ(listener.fds.size(), 4u);
  EXPECT_TRUE(absl::StartsWith(listener.address, "127.0.0.1:"));
  const uint16_t port = PortOf(listener.address);
  EXPECT_GT(port, 0);
  for (const int fd : listener.fds) {
    sockaddr_in bound{};
    socklen_t length = sizeof bound;
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length), 0);
    EXPECT_EQ(ntohs(bound.sin_port), port);
    EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  }
}

TEST(Listener, TheKernelSpreadsConnectionsOverTheShards) {
  const Opened opened(OpenListeners("127.0.0.1:0", 2, {}));
  ASSERT_TRUE(opened.status.ok());
  const Listener& listener = opened.listeners.front();
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(ConnectTo(PortOf(listener.address)));
  for (const int fd : listener.fds) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 1000), 1);
  }
}

TEST(Listener, SeveralAddressesAndSpaces) {
  const Opened opened(OpenListeners(" 127.0.0.1:0 , 127.0.0.2:0 ", 1, {}));
  ASSERT_TRUE(opened.status.ok()) << opened.status;
  ASSERT_EQ(opened.listeners.size(), 2u);
  EXPECT_TRUE(absl::StartsWith(opened.listeners[1].address, "127.0.0.2:"));
}

TEST(Listener, AnEmptyListIsNoListener) {
  const Opened opened(OpenListeners("", 2, {}));
  EXPECT_TRUE(opened.status.ok());
  EXPECT_TRUE(opened.listeners.empty());
}

TEST(Listener, Ipv6StandsBesideIpv4OnOnePort) {
  if (!HasIpv6Loopback()) GTEST_SKIP() << "this host has no IPv6";
  // The port is free for IPv6; for IPv4 some other program may use it just now.
  bool both = false;
  for (int attempt = 0; attempt < 20 && !both; ++attempt) {
    const Opened six(OpenListeners("[::]:0", 1, {}));
    ASSERT_TRUE(six.status.ok()) << six.status;
    EXPECT_TRUE(absl::StartsWith(six.listeners.front().address, "[::]:"));
    const uint16_t port = PortOf(six.listeners.front().address);
    both = Opened(OpenListeners(absl::StrCat("0.0.0.0:", port), 1, {})).status.ok();
  }
  EXPECT_TRUE(both);
}

TEST(Listener, ZerosLeaveTheKernelsDefaults) {
  const SocketOptions zeros{.backlog = 8,
                            .send_buffer_bytes = 0,
                            .receive_buffer_bytes = 0,
                            .notsent_lowat_bytes = 0,
                            .keepalive_s = 0,
                            .user_timeout_ms = 0};
  const Opened opened(OpenListeners("127.0.0.1:0", 1, zeros));
  ASSERT_TRUE(opened.status.ok());
  const int fd = opened.listeners.front().fds.front();
  const OwnedFd plain(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  for (const auto& [level, option] : std::vector<std::pair<int, int>>{
           {SOL_SOCKET, SO_SNDBUF}, {SOL_SOCKET, SO_RCVBUF}, {IPPROTO_TCP, TCP_USER_TIMEOUT}}) {
    EXPECT_EQ(OptionOf(fd, level, option), OptionOf(plain.get(), level, option));
  }
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_NODELAY), 1);
}

// Sharing the port quietly, as SO_REUSEPORT would have it, takes half of the clients away from the
// gateway that runs there.
TEST(Listener, APortOfAnotherGatewayIsInUse) {
  const Opened first(OpenListeners("127.0.0.1:0", 2, {}));
  ASSERT_TRUE(first.status.ok());
  const std::string address = first.listeners.front().address;
  const Opened second(OpenListeners(address, 2, {}));
  EXPECT_EQ(second.status.code(), absl::StatusCode::kFailedPrecondition);
  const std::string text(second.status.message());
  EXPECT_TRUE(absl::StrContains(text, address)) << text;
  EXPECT_TRUE(absl::StrContains(text, "another program listens there")) << text;
}

TEST(Listener, APortWithLingeringConnectionsCanBeUsedAgain) {
  std::string address;
  {
    const Opened first(OpenListeners("127.0.0.1:0", 1, {}));
    ASSERT_TRUE(first.status.ok());
    address = first.listeners.front().address;
    const OwnedFd client = ConnectTo(PortOf(address));
    // Closed by the server first: TIME_WAIT is on its side.
    ::close(::accept(first.listeners.front().fds.front(), nullptr, nullptr));
    EXPECT_TRUE(testing::Ends(client.get()));
  }
  const Opened again(OpenListeners(address, 1, {}));
  EXPECT_TRUE(again.status.ok()) << again.status;
}

TEST(Listener, AnAddressOfAnotherHostIsNamed) {
  const Opened opened(OpenListeners("192.0.2.1:0", 1, {}));
  EXPECT_EQ(opened.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(opened.status.message(), "no interface of this host"))
      << opened.status;
}

TEST(ListenerDeathTest, APrivilegedPortIsNamed) {
  const std::string first_free = ReadProcFile("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  if (std::atoi(first_free.c_str()) <= 1) GTEST_SKIP() << "every port is free for all here";
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        constexpr uid_t kNobody = 65534;
        if (::getuid() == 0 && ::setuid(kNobody) != 0) ::_exit(1);
        const Opened opened(OpenListeners("127.0.0.1:1", 1, {}));
        std::fprintf(stderr, "%s\n", opened.status.ToString().c_str());
        ::_exit(78);
      },
      ::testing::ExitedWithCode(78), "127.0.0.1:1: a port below 1024 needs CAP_NET_BIND_SERVICE");
}

TEST(Listener, FailureLeavesNothingOpen) {
  const int before = ::dup(0);
  ::close(before);
  const Opened opened(OpenListeners("127.0.0.1:0,192.0.2.1:0", 3, {}));
  EXPECT_FALSE(opened.status.ok());
  const int after = ::dup(0);
  ::close(after);
  EXPECT_EQ(after, before);
}

TEST(Listener, OutOfDescriptorsSaysSo) {
  absl::Status status;
  {
    const testing::DescriptorShortage shortage(0);
    status = Opened(OpenListeners("127.0.0.1:0", 1, {})).status;
  }
  EXPECT_TRUE(absl::StrContains(status.message(), "RLIMIT_NOFILE")) << status;
}

TEST(Listener, BadSyntaxIsQuotedAndExplained) {
  for (const std::string text :
       {"3101", "localhost:3101", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1: 1", "::1:3101", "[::1]", "[]:1", "[127.0.0.1]:1", ":3101",
        "1.2.3:4", "*:3101", "127.0.0.1:99999999999"}) {
    const Opened opened(OpenListeners(text, 1, {}));
    EXPECT_EQ(opened.status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_TRUE(absl::StrContains(opened.status.message(), absl::StrCat("'", text, "'")))
        << opened.status;
    EXPECT_FALSE(IsLoopbackOnly(text)) << text;
  }
  for (const std::string text : {"127.0.0.1:0,", ",127.0.0.1:0", ","}) {
    EXPECT_EQ(Opened(OpenListeners(text, 1, {})).status.code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(Listener, AddressesAreCounted) {
  std::string list = "127.0.0.1:0";
  for (size_t i = 1; i < kAddressesMax; ++i) list += ",127.0.0.1:0";
  EXPECT_EQ(Opened(OpenListeners(list, 1, {})).listeners.size(), kAddressesMax);
  EXPECT_EQ(Opened(OpenListeners(list + ",127.0.0.1:0", 1, {})).status.code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Listener, APassedSocketIsSharedInPlaceOfAnOwnOne) {
  const Opened theirs(OpenListeners("127.0.0.1:0", 1, {}));
  ASSERT_TRUE(theirs.status.ok()) << theirs.status;
  const std::string address = theirs.listeners.front().address;
  const int held = theirs.listeners.front().fds.front();
  const int keepalive = OptionOf(held, IPPROTO_TCP, TCP_KEEPIDLE) + 7;
  {
    const Opened opened(OpenListeners(absl::StrCat("127.0.0.1:0,", address), 3,
                                      {.keepalive_s = static_cast<uint32_t>(keepalive)},
                                      {{address, held}}));
    ASSERT_TRUE(opened.status.ok()) << opened.status;
    ASSERT_EQ(opened.listeners.size(), 2u);
    EXPECT_FALSE(opened.listeners[0].passed);
    const Listener& shared = opened.listeners[1];
    EXPECT_TRUE(shared.passed);
    EXPECT_EQ(shared.address, address);
    ASSERT_EQ(shared.fds.size(), 3u);
    for (const int fd : shared.fds) {
      EXPECT_NE(fd, held);
      EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    EXPECT_EQ(OptionOf(held, IPPROTO_TCP, TCP_KEEPIDLE), keepalive);
    const OwnedFd client = ConnectTo(PortOf(address));
    for (const int fd : shared.fds) {
      pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
      EXPECT_EQ(::poll(&waiting, 1, 1000), 1);
    }
  }
  // Whoever passed it has it still, with who waits there.
  const OwnedFd accepted(::accept(held, nullptr, nullptr));
  EXPECT_GE(accepted.get(), 0);
}

TEST(Listener, EveryPassedSocketIsRead) {
  const Opened theirs(OpenListeners("127.0.0.1:0", 5, {}));
  ASSERT_TRUE(theirs.status.ok()) << theirs.status;
  const Listener& held = theirs.listeners.front();
  std::vector<PassedListener> passed;
  for (const int fd : held.fds) passed.push_back({held.address, fd});
  const Opened opened(OpenListeners(held.address, 2, {}, passed));
  ASSERT_TRUE(opened.status.ok()) << opened.status;
  ASSERT_EQ(opened.listeners.size(), 3u);
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(ConnectTo(PortOf(held.address)));
  for (const Listener& listener : opened.listeners) {
    ASSERT_EQ(listener.fds.size(), 2u);
    for (const int fd : listener.fds) {
      pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
      EXPECT_EQ(::poll(&waiting, 1, 1000), 1);
    }
  }
}

TEST(Listener, LoopbackOnly) {
  EXPECT_TRUE(IsLoopbackOnly("127.0.0.1:3108"));
  EXPECT_TRUE(IsLoopbackOnly("127.9.9.9:3108,[::1]:3108"));
  EXPECT_TRUE(IsLoopbackOnly(""));
  EXPECT_FALSE(IsLoopbackOnly("0.0.0.0:3108"));
  EXPECT_FALSE(IsLoopbackOnly("127.0.0.1:3108,10.0.0.1:3108"));
  EXPECT_FALSE(IsLoopbackOnly("[::]:3108"));
  EXPECT_FALSE(IsLoopbackOnly("[::ffff:10.0.0.1]:3108"));
}

}  // namespace
}  // namespace halley::io
