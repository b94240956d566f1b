// Histogram: how often each value was seen, in buckets that grow with the value.
//
// Values below 2 * kSubBuckets are counted exactly; above, each power of two is cut into
// kSubBuckets, so a percentile is never more than 1/64 above the value it stands for. Minimum and
// maximum are exact.
//
// Threads    One at a time. Every thread fills its own; Merge() adds them up.
// Limits     Values up to kValueMax (about 18 minutes in nanoseconds); larger ones count as that.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace halley::load {

class Histogram {
 public:
  static constexpr uint32_t kSubBucketBits = 6;
  static constexpr uint64_t kSubBuckets = uint64_t{1} << kSubBucketBits;
  static constexpr uint32_t kValueBits = 40;
  static constexpr uint64_t kValueMax = (uint64_t{1} << kValueBits) - 1;

  void Record(uint64_t value) {
    value = std::min(value, kValueMax);
    ++buckets_[BucketOf(value)];
    ++count_;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t min() const { return count_ == 0 ? 0 : min_; }
  uint64_t max() const { return max_; }

  // The smallest value that at least `fraction` of all values do not exceed, rounded up to the end
  // of its bucket and never above max(); 0 when nothing was recorded.
  uint64_t Percentile(double fraction) const;

  static constexpr size_t BucketOf(uint64_t value) {
    if (value < kSubBuckets) return value;
    const uint32_t shift = static_cast<uint32_t>(std::bit_width(value)) - 1 - kSubBucketBits;
    return (size_t{shift} << kSubBucketBits) + static_cast<size_t>(value >> shift);
  }
  // The largest value that falls into `bucket`.
  static constexpr uint64_t BucketEnd(size_t bucket) {
    if (bucket < kSubBuckets) return bucket;
    const uint32_t shift = static_cast<uint32_t>(bucket >> kSubBucketBits) - 1;
    const uint64_t top = kSubBuckets + (bucket & (kSubBuckets - 1));
    return ((top + 1) << shift) - 1;
  }

 private:
  std::array<uint64_t, (kValueBits - kSubBucketBits + 1) << kSubBucketBits> buckets_{};
  uint64_t count_ = 0;
  uint64_t min_ = kValueMax;
  uint64_t max_ = 0;
};
static_assert(Histogram::BucketEnd(Histogram::BucketOf(Histogram::kValueMax)) ==
              Histogram::kValueMax);

}  // namespace halley::load
