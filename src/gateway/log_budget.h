// LogBudget: how often the log is told of one kind of thing: kRate.burst times at once, and then once a
// second, however often it happens. What is left out is counted, and the next line says how many were.
//
// Threads    Any.
// Ownership  Owns its counts.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "base/token_bucket.h"

namespace halley::gateway {

class LogBudget {
 public:
  static constexpr base::Rate kRate{1, 10};

  // How many were left out since the last that was written; nothing: this one is to be left out, too.
  std::optional<uint64_t> Take(uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    if (bucket_.Take(kRate, 1, now_ns)) return std::exchange(left_out_, 0);
    ++left_out_;
    ++left_out_ever_;
    return std::nullopt;
  }

  uint64_t left_out_ever() const {
    const std::lock_guard lock(mutex_);
    return left_out_ever_;
  }

 private:
  mutable std::mutex mutex_;
  base::TokenBucket bucket_;
  uint64_t left_out_ = 0;
  uint64_t left_out_ever_ = 0;
};

}  // namespace halley::gateway
