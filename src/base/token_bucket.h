// TokenBucket: how often something may happen: `per_s` times a second in the long run, and `burst`
// times at once. Exact: what a bucket has is counted in billionths of a token and nanoseconds, all
// whole numbers, so that no fraction is lost however small the steps are in which time goes.
//
// Threads    One at a time.
// Ownership  A value. One of zeros is full, whatever its rate.
// Invariant  missing <= burst * 10^9.
// Limits     A rate and a burst of up to 2^32 - 1. Time that goes back is no time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace halley::base {

struct Rate {
  uint32_t per_s = 0;  // 0: without a limit
  uint32_t burst = 0;  // at least 1 where there is a limit

  bool limited() const { return per_s != 0; }
};

// A rate that one thread may change while others go by it.
class ChangingRate {
 public:
  explicit ChangingRate(const Rate& rate) { Set(rate); }

  Rate Get() const {
    const uint64_t both = both_.load(std::memory_order_relaxed);
    return {static_cast<uint32_t>(both >> 32), static_cast<uint32_t>(both)};
  }
  void Set(const Rate& rate) {
    both_.store(uint64_t{rate.per_s} << 32 | rate.burst, std::memory_order_relaxed);
  }
  bool limited() const { return Get().limited(); }

 private:
  std::atomic<uint64_t> both_;
};

class TokenBucket {
 public:
  // Takes `count` tokens, or none: false.
  bool Take(const Rate& rate, uint64_t count, uint64_t now_ns) {
    Fill(rate, now_ns);
    // It may have been made for a larger burst.
    const uint64_t full = uint64_t{rate.burst} * kBillion;
    missing_ = std::min(missing_, full);
    const uint64_t room = full - missing_;
    if (count > room / kBillion) return false;
    missing_ += count * kBillion;
    return true;
  }

  bool IsFull(const Rate& rate, uint64_t now_ns) {
    Fill(rate, now_ns);
    return missing_ == 0;
  }

 private:
  static constexpr uint64_t kBillion = 1'000'000'000;

  void Fill(const Rate& rate, uint64_t now_ns) {
    if (now_ns <= filled_ns_) return;
    const uint64_t elapsed_ns = now_ns - filled_ns_;
    filled_ns_ = now_ns;
    if (missing_ == 0) return;
    // A token a second is a billionth in each nanosecond. The product is no more than what is missing.
    missing_ = elapsed_ns > missing_ / rate.per_s ? 0 : missing_ - elapsed_ns * rate.per_s;
  }

  uint64_t filled_ns_ = 0;
  uint64_t missing_ = 0;  // billionths of a token, until it is full
};

}  // namespace halley::base
