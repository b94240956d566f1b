// DurationHistogram: how often something took how long, in buckets that double. Adding is a shift and
// three additions; nothing is allocated.
//
// Threads    One thread's; copied for others.
// Limits     Bucket 0 is for up to 4.096 us, each further one for up to twice as long, the last but
//            one for up to 17.2 s, the last for what took longer.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace halley::base {

class DurationHistogram {
 public:
  static constexpr size_t kBuckets = 24;

  // The longest that bucket `i` counts; the last one's has no meaning.
  static constexpr uint64_t BoundNs(size_t i) { return uint64_t{1} << (kFirstBits + i); }

  void Add(uint64_t ns) {
    const auto bits = static_cast<size_t>(std::bit_width(ns == 0 ? 0 : ns - 1));
    const size_t bucket = bits <= kFirstBits ? 0 : std::min(bits - kFirstBits, kBuckets - 1);
    ++counts_[bucket];
    sum_ns_ += ns;
  }

  const std::array<uint64_t, kBuckets>& counts() const { return counts_; }
  uint64_t sum_ns() const { return sum_ns_; }

 private:
  static constexpr size_t kFirstBits = 12;

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t sum_ns_ = 0;
};

}  // namespace halley::base
