// OnlineReporter: tells goim's logic how many are in which of this node's rooms (RenewOnline), as its
// comets do: every ten seconds, a second after that failed, in gzip. A node without rooms tells nothing,
// for goim forgets what it has not been told for five minutes.
//
// What logic answers, the rooms of all comets, is not used.
//
// Source     goim v2 internal/comet/server.go (onlineproc), internal/logic/online.go.
// Threads    One of its own, from construction to destruction; connections are opened on it.
// Ownership  `rooms` must be callable for as long.
// Limits     kReportMs for an answer, of one address after the other, one report at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "halley/push_types.h"

namespace halley::goim_logic {

struct OnlineReporterSetup {
  std::string server;  // what this node calls itself
  std::vector<std::string> addresses;
  std::function<absl::StatusOr<RoomList>()> rooms;
  std::chrono::milliseconds every{10'000};
  std::chrono::milliseconds again{1000};  // after a failure
};

class OnlineReporter {
 public:
  explicit OnlineReporter(OnlineReporterSetup setup);
  OnlineReporter(const OnlineReporter&) = delete;
  OnlineReporter& operator=(const OnlineReporter&) = delete;
  // Waits for the answer that is waited for.
  ~OnlineReporter();

 private:
  void Run();
  bool Report();

  const OnlineReporterSetup setup_;
  size_t turn_ = 0;  // whose it is

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace halley::goim_logic
