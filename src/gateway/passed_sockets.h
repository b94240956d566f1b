// PassedSockets: listening sockets that the service manager has opened and hands over at start, as
// sd_listen_fds(3) of systemd describes it, without its library. It goes on holding them, so that clients
// who come while the gateway is restarted wait in their backlogs.
//
// Each is for the one listener that its name says (FileDescriptorName=listen.tcp), or, with any other name,
// for the one whose option lists the address that it is bound to. Where sockets are named for an option,
// that option's list is their addresses.
//
// Threads    The main thread's, before any other is started; Addresses() of what is left of it, later, too.
// Ownership  Owns the descriptors; who uses them takes copies. Close() gives them up.
// Errors     One sentence, which names the socket.
// Limits     kPassedMax sockets. Only TCP over IPv4 or IPv6, and what takes both at once is refused: each
//            address of IPv4 would count as one of IPv6.
// Source     sd_listen_fds(3), systemd.socket(5): LISTEN_PID says whose they are, LISTEN_FDS how many,
//            from descriptor 3 on, LISTEN_FDNAMES what they are called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "config/options.h"
#include "io/listener.h"

namespace halley::gateway {

// As the environment has them; empty where it does not.
struct PassedEnvironment {
  std::string pid;
  std::string fds;
  std::string names;
};

class PassedSockets {
 public:
  static constexpr size_t kPassedMax = 256;
  static constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

  // Takes them out of it, so that no child believes that they are its own.
  static PassedEnvironment TakeEnvironment();
  // `pid`: this process'. None, where the environment means nobody or another. `first`: the descriptor of
  // the first of them.
  static absl::StatusOr<PassedSockets> Create(const PassedEnvironment& environment, uint64_t pid,
                                              int first = kFirst);
  PassedSockets() = default;
  PassedSockets(PassedSockets&&) = default;
  PassedSockets& operator=(PassedSockets&& other) {
    std::swap(sockets_, other.sockets_);
    std::swap(lists_, other.lists_);
    return *this;
  }
  ~PassedSockets() { Close(); }

  // Finds each its listener, and writes the addresses of those that are named into their options. Fails
  // when one has none, or when the options that come of it do not go together.
  absl::Status Match(config::Options* options);
  // What Match() did, for options that were read again.
  void NameLists(config::Options* options) const;

  // Those for an option ("listen.tcp"), after Match().
  std::vector<io::PassedListener> Of(absl::string_view option) const;
  // All of them.
  std::vector<int> fds() const;
  size_t count() const { return sockets_.size(); }
  // In this thread's table of descriptors.
  void Close();

 private:
  struct Socket {
    int fd;
    std::string name;     // as the service manager has it
    std::string address;  // that it is bound to: "1.2.3.4:5" or "[::1]:5"
    std::string option;   // that it is for; empty until Match()
  };

  absl::Status Add(int fd, absl::string_view name);
  static std::string Describe(const Socket& socket);

  std::vector<Socket> sockets_;
  std::vector<std::pair<std::string, std::string>> lists_;  // options, and what they are by their names
};

}  // namespace halley::gateway
