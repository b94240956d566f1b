#include "client/backoff.h"

#include <algorithm>

#include "base/assert.h"

namespace halley::client {

Backoff::Backoff(absl::Duration min, absl::Duration max, uint64_t seed)
    : min_(min), max_(max), ceiling_(min), random_(seed) {
  HALLEY_ASSERT(min > absl::ZeroDuration() && min <= max);
}

absl::Duration Backoff::Next() {
  const double part = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  const absl::Duration delay = ceiling_ * part;
  ceiling_ = std::min(ceiling_ * 2, max_);
  return delay;
}

void Backoff::Reset() { ceiling_ = min_; }

}  // namespace halley::client
