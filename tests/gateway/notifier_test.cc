#include "gateway/notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace halley::gateway {
namespace {

constexpr uint64_t kPid = 77;

// A service manager's end.
class Manager {
 public:
  explicit Manager(const std::string& name) : name_(name) {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const size_t bytes = offsetof(sockaddr_un, sun_path) + name.size();
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(bytes)), 0)
        << std::strerror(errno);
  }
  ~Manager() {
    ::close(fd_);
    if (name_.front() == '/') ::unlink(name_.c_str());
  }
  // Empty: nothing has come.
  std::string Heard() const {
    char buffer[512];
    const ssize_t bytes = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    return bytes < 0 ? "" : std::string(buffer, static_cast<size_t>(bytes));
  }

 private:
  std::string name_;
  int fd_;
};

std::string Own(absl::string_view prefix) {
  return absl::StrCat(prefix, "halley-notifier-", ::getpid());
}

TEST(Notifier, TellsAPathAndAnAbstractName) {
  for (const std::string& name : {Own(testing::TempDir()), Own("@")}) {
    const Manager manager(name);
    const auto notifier = Notifier::Create({.socket = name}, kPid);
    ASSERT_TRUE(notifier.ok()) << notifier.status();
    notifier->Ready("serving");
    notifier->Reloading(1234567);
    notifier->Stopping("closing");
    EXPECT_EQ(manager.Heard(), "READY=1\nSTATUS=serving") << name;
    EXPECT_EQ(manager.Heard(), "RELOADING=1\nMONOTONIC_USEC=1234567");
    EXPECT_EQ(manager.Heard(), "STOPPING=1\nSTATUS=closing");
    EXPECT_EQ(manager.Heard(), "");
  }
}

TEST(Notifier, NobodyToTellIsNoFailure) {
  auto nobody = Notifier::Create({}, kPid);
  ASSERT_TRUE(nobody.ok());
  nobody->Ready("serving");
  const auto gone = Notifier::Create({.socket = Own("@gone-")}, kPid);
  ASSERT_TRUE(gone.ok());
  gone->Ready("serving");
}

TEST(Notifier, AddressesHaveAFormAndALength) {
  const size_t most = sizeof(sockaddr_un::sun_path);
  EXPECT_TRUE(Notifier::Create({.socket = "@" + std::string(most - 1, 'x')}, kPid).ok());
  EXPECT_TRUE(Notifier::Create({.socket = "/" + std::string(most - 2, 'x')}, kPid).ok());
  for (const std::string& bad : {"@" + std::string(most, 'x'), "/" + std::string(most - 1, 'x'),
                                 std::string("vsock:2:1"), std::string("@"), std::string("/")}) {
    EXPECT_FALSE(Notifier::Create({.socket = bad}, kPid).ok()) << bad;
  }
  EXPECT_EQ(Notifier::Create({.socket = "run/notify"}, kPid).status().message(),
            "NOTIFY_SOCKET: 'run/notify' is no socket that can be told anything: it is to be a path, or @ "
            "and a name, of at most 108 bytes");
}

TEST(Notifier, IsWatchedWhereTheEnvironmentSaysSo) {
  const auto every_us = [](const std::string& usec, const std::string& pid) {
    return Notifier::Create({.socket = "@x", .watchdog_usec = usec, .watchdog_pid = pid}, kPid)
        ->alive_every_us();
  };
  EXPECT_EQ(every_us("30000000", "77"), 15'000'000u);
  EXPECT_EQ(every_us("30000000", ""), 15'000'000u);
  EXPECT_EQ(every_us("30000000", "78"), 0u) << "it is meant for another process";
  EXPECT_EQ(every_us("30000000", "x"), 0u);
  EXPECT_EQ(every_us("", "77"), 0u);
  EXPECT_EQ(every_us("-1", "77"), 0u);
}

TEST(Notifier, SaysThatAllIsWellInTimeAndOnlyThen) {
  const std::string name = Own("@well-");
  const Manager manager(name);
  auto notifier = Notifier::Create({.socket = name, .watchdog_usec = "2000"}, kPid);
  ASSERT_TRUE(notifier.ok());
  int asked = 0;
  const auto alive = [&](uint64_t now_us, bool well) {
    notifier->KeepAlive(now_us, [&] { return ++asked, well; }, [] { return std::string("3 clients"); });
    return manager.Heard();
  };
  EXPECT_EQ(alive(5000, true), "WATCHDOG=1\nSTATUS=3 clients");
  EXPECT_EQ(alive(5999, true), "");
  EXPECT_EQ(asked, 1) << "not before half the time is over";
  EXPECT_EQ(alive(6000, false), "") << "a shard is stuck";
  EXPECT_EQ(alive(6001, true), "WATCHDOG=1\nSTATUS=3 clients") << "and goes on";
  EXPECT_EQ(alive(7000, true), "");
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace halley::gateway
