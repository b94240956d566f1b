#include "gateway/passed_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/address.h"
#include "config/check.h"
#include "config/quote.h"
#include "config/table.h"
#include "io/sockets.h"

namespace halley::gateway {
namespace {

// gRPC listens on no socket that it has not opened.
constexpr absl::string_view kNeverPassed = "listen.comet_grpc";

std::string TakeVariable(const char* name) {
  const char* const value = std::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);
  return taken;
}

// Of SOL_SOCKET, or of `level`; -1: it has none.
int OptionOf(int fd, int option, int level = SOL_SOCKET) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, level, option, &value, &length) == 0 ? value : -1;
}

bool Lists(absl::string_view list, absl::string_view address) {
  const absl::StatusOr<std::vector<config::Address>> addresses = config::ParseAddresses(list);
  return addresses.ok() && std::ranges::any_of(*addresses, [&](const config::Address& each) {
           return each.ToString() == address;
         });
}

template <typename Visit>
void ForEachList(config::Options& options, Visit visit) {
  for (const config::OptionSpec& spec : config::OptionTable()) {
    if (spec.kind == config::Kind::kAddresses) visit(spec.Key(), spec.text(options));
  }
}

}  // namespace

PassedEnvironment PassedSockets::TakeEnvironment() {
  return {.pid = TakeVariable("LISTEN_PID"),
          .fds = TakeVariable("LISTEN_FDS"),
          .names = TakeVariable("LISTEN_FDNAMES")};
}

absl::StatusOr<PassedSockets> PassedSockets::Create(const PassedEnvironment& environment,
                                                    uint64_t pid, int first) {
  PassedSockets passed;
  uint64_t whose = 0;
  if (!absl::SimpleAtoi(environment.pid, &whose) || whose != pid) return passed;
  size_t count = 0;
  if (!absl::SimpleAtoi(environment.fds, &count) || count > kPassedMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_FDS: ", config::Quote(environment.fds), " is no number of sockets that can be ",
                     "passed: pass ", kPassedMax, " at most, by a socket unit of systemd"));
  }
  std::vector<std::string> names(count);
  if (!environment.names.empty()) names = absl::StrSplit(environment.names, ':');
  if (names.size() != count) {
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_FDNAMES: there are ", names.size(), " names for ", count,
                     " sockets: give each one, or leave it out"));
  }
  for (size_t i = 0; i < count; ++i) {
    absl::Status added = passed.Add(first + static_cast<int>(i), names[i]);
    if (!added.ok()) return added;
  }
  return passed;
}

absl::Status PassedSockets::Add(int fd, absl::string_view name) {
  // Kept whatever is wrong with it, so that it is closed; what is not open has no address either.
  Socket& socket = sockets_.emplace_back(Socket{.fd = fd, .name = std::string(name)});
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags < 0) {
    const std::string which = Describe(socket);
    sockets_.pop_back();
    return absl::FailedPreconditionError(
        absl::StrCat(which, " is not open: have it passed by a socket unit of systemd, or unset LISTEN_FDS"));
  }
  ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    socket.address = io::FormatAddress(address);
  }
  const bool stream = OptionOf(fd, SO_TYPE) == SOCK_STREAM && OptionOf(fd, SO_PROTOCOL) == IPPROTO_TCP;
  if (!stream || socket.address.empty() || OptionOf(fd, SO_ACCEPTCONN) != 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(Describe(socket), " is no TCP socket that listens: give its unit ListenStream= with an ",
                     "address and a port, and Accept=no"));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (address.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) &&
      OptionOf(fd, IPV6_V6ONLY, IPPROTO_IPV6) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(Describe(socket), " takes IPv4, too, whose addresses would be taken for one of IPv6: set ",
                     "BindIPv6Only=ipv6-only in its unit, and pass 0.0.0.0 beside it"));
  }
  return absl::OkStatus();
}

absl::Status PassedSockets::Match(config::Options* options) {
  for (Socket& socket : sockets_) {
    ForEachList(*options, [&](std::string option, const std::string&) {
      if (option == socket.name) socket.option = std::move(option);
    });
    if (socket.option.empty()) continue;
    auto list = std::ranges::find(lists_, socket.option, [](const auto& each) { return each.first; });
    if (list == lists_.end()) list = lists_.insert(lists_.end(), {socket.option, ""});
    // Several of one address are one in the list.
    if (Lists(list->second, socket.address)) continue;
    absl::StrAppend(&list->second, list->second.empty() ? "" : ",", socket.address);
  }
  NameLists(options);
  for (Socket& socket : sockets_) {
    if (socket.option.empty()) {
      ForEachList(*options, [&](std::string option, const std::string& list) {
        if (Lists(list, socket.address)) socket.option = std::move(option);
      });
    }
    if (socket.option.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat(Describe(socket), " is for no listener: set an option of [listen] to that address, or ",
                       "name it in its unit, as in FileDescriptorName=listen.tcp"));
    }
    if (socket.option == kNeverPassed) {
      return absl::FailedPreconditionError(
          absl::StrCat(Describe(socket), " is for ", kNeverPassed, ", where gRPC opens its sockets for itself: ",
                       "take it out of its unit"));
    }
  }
  if (lists_.empty()) return absl::OkStatus();
  const absl::Status together = config::CheckTogether(*options, {});
  if (together.ok()) return together;
  return absl::FailedPreconditionError(
      absl::StrCat("with the addresses of the sockets that were passed, ", together.message()));
}

void PassedSockets::NameLists(config::Options* options) const {
  ForEachList(*options, [&](const std::string& option, std::string& list) {
    for (const auto& [named, addresses] : lists_) {
      if (named == option) list = addresses;
    }
  });
}

std::vector<io::PassedListener> PassedSockets::Of(absl::string_view option) const {
  std::vector<io::PassedListener> found;
  for (const Socket& socket : sockets_) {
    if (socket.option == option) found.push_back({socket.address, socket.fd});
  }
  return found;
}

std::vector<int> PassedSockets::fds() const {
  std::vector<int> all;
  for (const Socket& socket : sockets_) all.push_back(socket.fd);
  return all;
}

void PassedSockets::Close() {
  for (const Socket& socket : sockets_) ::close(socket.fd);
  sockets_.clear();
}

std::string PassedSockets::Describe(const Socket& socket) {
  std::string text = absl::StrCat("socket ", socket.fd, " of LISTEN_FDS");
  if (socket.name.empty() && socket.address.empty()) return text;
  absl::StrAppend(&text, " (");
  if (!socket.name.empty()) absl::StrAppend(&text, "named ", config::Quote(socket.name));
  if (!socket.address.empty()) {
    absl::StrAppend(&text, socket.name.empty() ? "" : ", ", "bound to ", socket.address);
  }
  return text + ")";
}

}  // namespace halley::gateway
