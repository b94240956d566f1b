#include "gateway/notifier.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "config/quote.h"

namespace halley::gateway {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

NotifyEnvironment Notifier::ReadEnvironment() {
  return {.socket = Variable("NOTIFY_SOCKET"),
          .watchdog_usec = Variable("WATCHDOG_USEC"),
          .watchdog_pid = Variable("WATCHDOG_PID")};
}

absl::StatusOr<Notifier> Notifier::Create(const NotifyEnvironment& environment, uint64_t pid) {
  Notifier notifier;
  const std::string& socket = environment.socket;
  if (socket.empty()) return notifier;
  const bool abstract = socket.front() == '@';
  // A path ends with a zero byte; an abstract name is as long as the address is.
  constexpr size_t kBytesMax = sizeof(sockaddr_un::sun_path);
  if ((!abstract && socket.front() != '/') || socket.size() < 2 ||
      socket.size() + (abstract ? 0 : 1) > kBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "NOTIFY_SOCKET: ", config::Quote(socket), " is no socket that can be told anything: it is to be ",
        "a path, or @ and a name, of at most ", kBytesMax, " bytes"));
  }
  notifier.address_ = socket;
  if (abstract) notifier.address_.front() = '\0';
  uint64_t ours = pid;
  if (!environment.watchdog_pid.empty() && !absl::SimpleAtoi(environment.watchdog_pid, &ours)) ours = 0;
  uint64_t every_us = 0;
  if (ours == pid && absl::SimpleAtoi(environment.watchdog_usec, &every_us)) {
    notifier.alive_every_us_ = every_us / 2;
  }
  return notifier;
}

void Notifier::Ready(const std::string& status) const { Send("READY=1\nSTATUS=" + status); }

void Notifier::Reloading(uint64_t now_us) const {
  Send(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", now_us));
}

void Notifier::Stopping(const std::string& status) const { Send("STOPPING=1\nSTATUS=" + status); }

void Notifier::Send(const std::string& message) const {
  if (address_.empty()) return;
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const timeval patience{kPatienceMs / 1000, kPatienceMs % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const size_t bytes = offsetof(sockaddr_un, sun_path) + address_.size() + (address_.front() == '\0' ? 0 : 1);
  ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to),
           static_cast<socklen_t>(bytes));
  ::close(fd);
}

}  // namespace halley::gateway
