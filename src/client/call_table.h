// CallTable: the calls of one client that have not been answered yet, and the frames of those that
// have not left yet.
//
// Threads    Start() and Drain() on any thread. Everything else on the client's own thread, which
//            also runs every callback but those that Start() answers itself. Callbacks run without
//            the lock.
// Invariant  A call's callback runs exactly once. A call is unsent until TakeFrames() has handed
//            out its frame, and sent from then on.
// Limits     in_flight_max calls; queued_bytes_max bytes of unsent frames.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "halley/push.pb.h"

namespace halley::client {

using Clock = std::chrono::steady_clock;

// The reply is empty unless the status is OK.
using Done = absl::AnyInvocable<void(absl::Status, const push::v1::Reply&)>;

// A copy that shares no counted state with its original, so that it may go to another thread: the
// count is in abseil's packaged library, where ThreadSanitizer cannot see that it is atomic.
inline absl::Status Detached(const absl::Status& status) {
  return absl::Status(status.code(), status.message());
}

class CallTable {
 public:
  CallTable(size_t in_flight_max, size_t queued_bytes_max);
  ~CallTable();

  // Enters a call. When there is no room it waits for some until the deadline if it `may_wait`, and
  // else answers kResourceExhausted. True: the client's thread sleeps and must be woken.
  [[nodiscard]] bool Start(uint64_t id, std::string frame, Clock::time_point deadline,
                           bool may_wait, Done done);

  // Waits until no call is left and no callback runs.
  void Drain();

  // Appends frames of unsent calls to `out` while it holds fewer than `bytes_max`.
  void TakeFrames(size_t bytes_max, std::string* out);

  // Announces that the client's thread is about to wait: until EndSleep(), a Start() asks for it to
  // be woken.
  struct Outlook {
    bool unsent = false;              // there are calls to send
    Clock::time_point next_deadline;  // no call expires before
  };
  Outlook BeginSleep();
  void EndSleep();

  // Answers the call. False when there is none of this id: it expired.
  bool Finish(uint64_t id, absl::Status status, const push::v1::Reply& reply);

  // Answers calls whose deadline has passed. `not_sent` explains why unsent ones never left.
  void Expire(Clock::time_point now, const std::string& not_sent);

  void FailSent(const absl::Status& status);
  void FailUnsent(const absl::Status& status);
  // Answers all calls with `status`, and every later one at its start.
  void Close(const absl::Status& status);

 private:
  struct Call {
    Clock::time_point deadline;
    std::string frame;  // empty once sent
    Done done;
  };
  using Lock = std::unique_lock<std::mutex>;

  bool HasRoom(size_t frame_bytes) const;
  // OK, or why the call cannot be entered.
  absl::Status WaitForRoom(Lock* lock, size_t frame_bytes, Clock::time_point deadline,
                           bool may_wait);
  Call Remove(absl::flat_hash_map<uint64_t, Call>::iterator found);
  template <typename Wanted>
  std::vector<Call> RemoveIf(Wanted wanted);
  static void Answer(std::vector<Call> calls, const absl::Status& status);
  void CallbacksRan();  // and are destroyed: what they captured is the caller's again

  const size_t in_flight_max_;
  const size_t queued_bytes_max_;

  std::mutex mutex_;
  std::condition_variable changed_;  // room was made, the table closed, or a drain may be over

  // Under mutex_.
  absl::flat_hash_map<uint64_t, Call> calls_;
  std::deque<uint64_t> unsent_;  // ids in order of leaving; those that expired are skipped
  size_t queued_bytes_ = 0;      // frames of unsent calls
  size_t waiters_count_ = 0;     // threads in changed_
  Clock::time_point next_deadline_ = Clock::time_point::max();  // a lower bound
  absl::Status closed_;          // not OK: the table is closed
  bool sleeping_ = false;
  bool in_callbacks_ = false;
};

}  // namespace halley::client
