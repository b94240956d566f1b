// Bell: lets one thread sleep until another has something for it, or until a time has come.
//
// Not an eventfd, because client threads have descriptor tables of their own.
//
// Threads    Ring() on any, Wait() on one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace halley::load {

class Bell {
 public:
  void Ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    ringing_.notify_one();
  }

  // Returns when rung since the last Wait(), or at `until_ns` on the monotonic clock.
  void Wait(uint64_t until_ns) {
    const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(until_ns)};
    std::unique_lock lock(mutex_);
    ringing_.wait_until(lock, until, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ringing_;
  bool rung_ = false;
};

}  // namespace halley::load
