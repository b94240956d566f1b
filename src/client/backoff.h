// Backoff: how long to wait before the next attempt. Exponential ceilings with full jitter: each
// delay is drawn evenly between nothing and a ceiling that doubles, so that clients that lost their
// node together do not come back together.
#pragma once

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace halley::client {

class Backoff {
 public:
  // `min` is the first ceiling, `max` the last.
  Backoff(absl::Duration min, absl::Duration max, uint64_t seed);

  absl::Duration Next();
  void Reset();

 private:
  const absl::Duration min_;
  const absl::Duration max_;
  absl::Duration ceiling_;
  std::mt19937_64 random_;
};

}  // namespace halley::client
