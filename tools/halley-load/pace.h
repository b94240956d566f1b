// Pace: how often something may happen by now, for a rate per second.
//
// What was not used up is not saved: after a pause there is no burst beyond 20 ms' worth.
#pragma once

#include <algorithm>
#include <cstdint>

namespace halley::load {

class Pace {
 public:
  // `per_second` 0: never.
  explicit Pace(double per_second) : per_ns_(per_second / 1e9) {}

  void Start(uint64_t now_ns) {
    then_ns_ = now_ns;
    due_ = 0;
  }

  // Whether one more is due at `now_ns`; if so it is used up.
  [[nodiscard]] bool Take(uint64_t now_ns) {
    if (now_ns > then_ns_) {
      due_ += static_cast<double>(now_ns - then_ns_) * per_ns_;
      due_ = std::min(due_, std::max(1.0, per_ns_ * kSavedNs));
      then_ns_ = now_ns;
    }
    if (due_ < 1.0) return false;
    due_ -= 1.0;
    return true;
  }

 private:
  static constexpr double kSavedNs = 20e6;

  const double per_ns_;
  double due_ = 0;
  uint64_t then_ns_ = 0;
};

}  // namespace halley::load
