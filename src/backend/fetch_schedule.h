// FetchSchedule: when keys are fetched. Every now and then; soon after a failure; at once when asked;
// and early when a token names a key that is not there, but seldom, since anybody can write such a
// token. Sans-IO.
//
// Threads    One.
// Limits     Early not within kEarlyApartMs of a fetch that such a token wished for, too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

namespace halley::backend {

class FetchSchedule {
 public:
  static constexpr uint64_t kEarlyApartMs = 30'000;
  static constexpr uint64_t kRetryMs = 30'000;

  // `draw`: anything below 1000, so that nodes that started together do not ask together for long.
  FetchSchedule(uint64_t refresh_ms, std::function<uint64_t()> draw)
      : refresh_ms_(refresh_ms), draw_(std::move(draw)) {}

  // A fetch has ended, and with it every wish for one.
  void Fetched(uint64_t now_ms, bool good) {
    const uint64_t wait_ms = good ? refresh_ms_ : std::min(refresh_ms_, kRetryMs);
    next_ms_ = now_ms + wait_ms * (900 + draw_() * 200 / 1000) / 1000;
    if (missed_) early_from_ms_ = now_ms + kEarlyApartMs;
    asked_ = missed_ = false;
  }
  void Ask() { asked_ = true; }
  void MissKey() { missed_ = true; }

  // Whether to fetch now. What is wished too early stays wished.
  bool Due(uint64_t now_ms) const {
    return asked_ || now_ms >= next_ms_ || (missed_ && now_ms >= early_from_ms_);
  }

 private:
  const uint64_t refresh_ms_;
  const std::function<uint64_t()> draw_;
  uint64_t next_ms_ = 0;
  uint64_t early_from_ms_ = 0;
  bool asked_ = false;
  bool missed_ = false;
};

}  // namespace halley::backend
