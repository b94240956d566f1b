// Notifier: tells the service manager how the gateway is, as sd_notify(3) of systemd does, without its
// library.
//
// Threads    The main thread's.
// Ownership  Nothing: the socket is opened for each message, so that no shard's table of descriptors
//            has a copy of it.
// Errors     Create() has one sentence for an address that cannot be one. A message that does not arrive
//            is nobody's failure: the manager notices by what it does not hear.
// Limits     A manager whose queue is full is waited for kPatienceMs.
// Source     sd_notify(3), sd_watchdog_enabled(3): NOTIFY_SOCKET is a path, or @ and an abstract name;
//            WATCHDOG_USEC and WATCHDOG_PID say how often who must be heard of.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace halley::gateway {

// As the environment has them; empty where it does not.
struct NotifyEnvironment {
  std::string socket;
  std::string watchdog_usec;
  std::string watchdog_pid;
};

class Notifier {
 public:
  static constexpr int kPatienceMs = 1000;

  static NotifyEnvironment ReadEnvironment();
  // `pid`: this process'. Nobody to tell, if `socket` is empty.
  static absl::StatusOr<Notifier> Create(const NotifyEnvironment& environment, uint64_t pid);

  // Each with one line for people, which `systemctl status` shows.
  void Ready(const std::string& status) const;
  // To be followed by Ready(). `now_us`: of CLOCK_MONOTONIC.
  void Reloading(uint64_t now_us) const;
  void Stopping(const std::string& status) const;
  // Says that all is well, where that is asked for, half the time for it is over, and `well` agrees. While
  // it does not it is asked again.
  template <typename Well, typename Status>
  void KeepAlive(uint64_t now_us, Well&& well, Status&& status) {
    if (alive_every_us_ == 0 || now_us < alive_next_us_) return;
    if (!well()) return;
    alive_next_us_ = now_us + alive_every_us_;
    Send("WATCHDOG=1\nSTATUS=" + status());
  }

  uint64_t alive_every_us() const { return alive_every_us_; }  // 0: nobody waits for it

 private:
  void Send(const std::string& message) const;

  std::string address_;  // of sockaddr_un, with a zero byte in front where it is abstract
  uint64_t alive_every_us_ = 0;
  uint64_t alive_next_us_ = 0;
};

}  // namespace halley::gateway
