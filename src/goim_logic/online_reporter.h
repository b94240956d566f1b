// OnlineReporter: tells goim's logic how many are in which of this node's rooms (RenewOnline), as its
// comets do: every ten seconds, a second after that failed, in gzip. A node without rooms tells nothing,
// for goim forgets what it has not been told for five minutes.
//
// What logic answers, the rooms of all comets, is not used.
//
// Source     goim v2 internal/comet/server.go (onlineproc), internal/logic/online.go.
// Threads    One of its own, from construction to Stop(); connections are opened on it. Figures on any.
// Ownership  `addresses` and `rooms` must be callable until Stop().
// Errors     None: what became of reports is counted.
// Limits     kReportMs for an answer, of one address after the other, one report at a time; kAnswerBytesMax
//            of an answer.
#pragma once

#include <atomic>
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

namespace grpc {
class ClientContext;
}

namespace goim::logic {
class OnlineReq;
}

namespace halley::goim_logic {

struct OnlineReporterSetup {
  std::string server;  // what this node calls itself
  std::function<std::vector<std::string>()> addresses;  // those that there are now
  std::function<absl::StatusOr<RoomList>()> rooms;
  std::chrono::milliseconds every{10'000};
  std::chrono::milliseconds again{1000};  // after a failure
};

// Any thread.
struct OnlineFigures {
  std::atomic<uint64_t> told{0};
  std::atomic<uint64_t> no_rooms{0};        // there was nothing to tell
  std::atomic<uint64_t> failed{0};          // the rooms were not known, or nobody took the report
  std::atomic<uint64_t> rooms_left_out{0};  // of reports: their ids are not UTF-8
};

class OnlineReporter {
 public:
  explicit OnlineReporter(OnlineReporterSetup setup);
  OnlineReporter(const OnlineReporter&) = delete;
  OnlineReporter& operator=(const OnlineReporter&) = delete;
  ~OnlineReporter() { Stop(); }

  // Gives up a report that is under way, and makes no more. Figures stay.
  void Stop();
  const OnlineFigures& figures() const { return figures_; }

 private:
  void Run();
  bool Report();
  bool Tell(const std::string& address, const goim::logic::OnlineReq& request);

  const OnlineReporterSetup setup_;
  OnlineFigures figures_;
  size_t turn_ = 0;  // whose it is

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;                        // under mutex_
  grpc::ClientContext* under_way_ = nullptr;  // likewise
  std::thread thread_;
};

}  // namespace halley::goim_logic
