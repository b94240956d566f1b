#include "gateway/passed_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace halley::gateway {
namespace {

constexpr uint64_t kPid = 77;
// Where nothing else of this process is.
constexpr int kFirst = 200;

// Puts a socket where the next one that is passed is looked for.
class PassedSocketsTest : public ::testing::Test {
 protected:
  ~PassedSocketsTest() override {
    for (int fd = kFirst; fd < next_; ++fd) ::close(fd);
  }

  // A socket of `type` at loopback, and what it is bound to.
  std::string Pass(int type = SOCK_STREAM, bool listening = true) {
    const int fd = ::socket(AF_INET, type, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(listening ? ::listen(fd, 8) : 0, 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    Place(fd);
    return absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }

  void Place(int fd) {
    EXPECT_EQ(::dup2(fd, next_), next_);
    ::close(fd);
    ++next_;
  }

  absl::StatusOr<PassedSockets> Create(const std::string& names) const {
    return PassedSockets::Create({"77", absl::StrCat(next_ - kFirst), names}, kPid, kFirst);
  }

  // What Create() and Match() say is wrong.
  std::string Wrong(const std::string& names, config::Options options = {}) const {
    auto passed = Create(names);
    if (!passed.ok()) return std::string(passed.status().message());
    return std::string(passed->Match(&options).message());
  }

  int next_ = kFirst;
};

TEST_F(PassedSocketsTest, TheEnvironmentIsTakenOnce) {
  ::setenv("LISTEN_PID", "77", 1);
  ::setenv("LISTEN_FDS", "2", 1);
  ::setenv("LISTEN_FDNAMES", "a:b", 1);
  const PassedEnvironment taken = PassedSockets::TakeEnvironment();
  EXPECT_EQ(taken.pid + taken.fds + taken.names, "772a:b");
  const PassedEnvironment again = PassedSockets::TakeEnvironment();
  EXPECT_EQ(again.pid + again.fds + again.names, "");
}

TEST_F(PassedSocketsTest, WhatIsForAnotherProcessIsNotOurs) {
  Pass();
  for (const std::string pid : {"", "78", "x"}) {
    const auto passed = PassedSockets::Create({pid, "1", ""}, kPid, kFirst);
    ASSERT_TRUE(passed.ok()) << passed.status();
    EXPECT_EQ(passed->count(), 0u);
  }
}

TEST_F(PassedSocketsTest, ANameIsAnOption) {
  const std::string first = Pass();
  const std::string second = Pass();
  auto passed = Create("listen.ws:listen.ws");
  ASSERT_TRUE(passed.ok()) << passed.status();
  EXPECT_EQ(::fcntl(kFirst, F_GETFD), FD_CLOEXEC);
  config::Options options;
  options.listen.ws = "127.0.0.1:1";
  const absl::Status matched = passed->Match(&options);
  ASSERT_TRUE(matched.ok()) << matched;
  EXPECT_EQ(options.listen.ws, absl::StrCat(first, ",", second));
  const std::vector<io::PassedListener> sockets = passed->Of("listen.ws");
  ASSERT_EQ(sockets.size(), 2u);
  EXPECT_EQ(sockets[1].address, second);
  EXPECT_EQ(sockets[1].fd, kFirst + 1);
  EXPECT_TRUE(passed->Of("listen.tcp").empty());

  config::Options again;
  passed->NameLists(&again);
  EXPECT_EQ(again.listen.ws, options.listen.ws);
  passed->Close();
  EXPECT_EQ(::fcntl(kFirst, F_GETFD), -1);
  next_ = kFirst;
}

TEST_F(PassedSocketsTest, AnAddressThatAnOptionListsSaysSo) {
  config::Options options;
  options.listen.tcp = absl::StrCat("127.0.0.1:1, ", Pass());
  auto passed = Create("halley.socket");
  ASSERT_TRUE(passed.ok()) << passed.status();
  const std::string before = options.listen.tcp;
  ASSERT_TRUE(passed->Match(&options).ok());
  EXPECT_EQ(options.listen.tcp, before);
  EXPECT_EQ(passed->Of("listen.tcp").size(), 1u);
  passed->Close();
  next_ = kFirst;
}

TEST_F(PassedSocketsTest, OneThatIsForNobodyIsNamed) {
  const std::string address = Pass();
  const std::string wrong = Wrong("web");
  EXPECT_TRUE(absl::StartsWith(wrong, absl::StrCat("socket 200 of LISTEN_FDS (named 'web', bound to ",
                                                   address, ") is for no listener: "))) << wrong;
}

TEST_F(PassedSocketsTest, GrpcOpensItsOwn) {
  Pass();
  EXPECT_TRUE(absl::StrContains(Wrong("listen.comet_grpc"), "where gRPC opens its sockets for itself"));
}

TEST_F(PassedSocketsTest, OptionsThatComeOfItMustGoTogether) {
  Pass();
  const std::string wrong = Wrong("listen.wss");
  EXPECT_TRUE(absl::StrContains(wrong, "of the sockets that were passed")) << wrong;
  EXPECT_TRUE(absl::StrContains(wrong, "tls.certificates")) << wrong;
}

TEST_F(PassedSocketsTest, OnlyListeningTcpSocketsWillDo) {
  Pass(SOCK_STREAM, false);
  EXPECT_TRUE(absl::StrContains(Wrong("a"), "is no TCP socket that listens")) << Wrong("a");
}

TEST_F(PassedSocketsTest, DatagramsFilesAndUnixSocketsWillNot) {
  Pass(SOCK_DGRAM, false);
  EXPECT_TRUE(absl::StrContains(Wrong("a"), "is no TCP socket that listens")) << Wrong("a");
  next_ = kFirst;
  Place(::open("/dev/null", O_RDONLY));
  EXPECT_TRUE(absl::StartsWith(Wrong("a"), "socket 200 of LISTEN_FDS (named 'a') is no TCP socket"));
  next_ = kFirst;
  Place(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_TRUE(absl::StrContains(Wrong("a"), "is no TCP socket that listens")) << Wrong("a");
}

TEST_F(PassedSocketsTest, OneThatTakesIpv4AsIpv6WillNot) {
  for (const int only : {0, 1}) {
    const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0) GTEST_SKIP() << "this host has no IPv6";
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd);
      GTEST_SKIP() << "this host has no IPv6";
    }
    ::listen(fd, 8);
    next_ = kFirst;
    Place(fd);
    EXPECT_EQ(absl::StrContains(Wrong("listen.tcp"), "BindIPv6Only=ipv6-only"), only == 0);
  }
}

TEST_F(PassedSocketsTest, WhatCannotBeIsSaid) {
  const auto wrong = [](const std::string& fds, const std::string& names) {
    return std::string(PassedSockets::Create({"77", fds, names}, kPid, kFirst).status().message());
  };
  EXPECT_TRUE(absl::StartsWith(wrong("many", ""), "LISTEN_FDS: 'many' is no number of sockets"));
  EXPECT_TRUE(absl::StartsWith(wrong("257", ""), "LISTEN_FDS: '257' is no number"));
  EXPECT_TRUE(absl::StartsWith(wrong("1", ""), "socket 200 of LISTEN_FDS is not open: "));
  Pass();
  EXPECT_EQ(wrong("1", "a:b"), "LISTEN_FDNAMES: there are 2 names for 1 sockets: give each one, or leave it out");
}

}  // namespace
}  // namespace halley::gateway
