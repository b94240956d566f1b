// SegmentedVector: a vector of plain records that never moves more than one segment's worth of them,
// and keeps little in reserve: what is small doubles, what is large grows a segment at a time.
//
// Threads    None of its own.
// Invariant  capacity_ <= kSegment: `small_` holds everything. Else capacity_ is a whole number of
//            segments, listed in `segments_`.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/types/span.h"
#include "base/assert.h"

namespace halley::base {

template <typename T, uint32_t kSegment = 1024>
class SegmentedVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(std::has_single_bit(kSegment));

 public:
  SegmentedVector() = default;
  SegmentedVector(const SegmentedVector&) = delete;
  SegmentedVector& operator=(const SegmentedVector&) = delete;
  ~SegmentedVector() {
    if (capacity_ <= kSegment) {
      delete[] small_;
      return;
    }
    for (uint32_t i = 0; i < capacity_ / kSegment; ++i) delete[] segments_[i];
    delete[] segments_;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }

  T& operator[](size_t index) {
    return capacity_ <= kSegment ? small_[index] : segments_[index / kSegment][index % kSegment];
  }
  const T& operator[](size_t index) const {
    return const_cast<SegmentedVector&>(*this)[index];
  }
  // Records from `begin` on that lie side by side; at most `count`, at least one when count is.
  absl::Span<const T> Run(size_t begin, size_t count) const {
    HALLEY_ASSERT(begin + count <= size_);
    if (count == 0) return {};
    if (capacity_ > kSegment) count = std::min(count, kSegment - begin % kSegment);
    return {&(*this)[begin], count};
  }

  void push_back(const T& record) {
    if (size_ == capacity_) Grow();
    (*this)[size_++] = record;
  }

  void pop_back() {
    HALLEY_ASSERT(size_ > 0);
    --size_;
    if (capacity_ > kSegment) {
      // Half a segment more must be free, so that coming and going at its edge costs nothing.
      if (size_ + kSegment + kSegment / 2 <= capacity_) DropSegment();
    } else if (capacity_ > kSmallest && size_ <= capacity_ / 4) {
      Resize(capacity_ / 2);
    }
  }

 private:
  static constexpr uint32_t kSmallest = 2;

  // Room for the list of so many segments.
  static uint32_t Listed(uint32_t segments) { return std::bit_ceil(std::max(segments, 4u)); }

  void Resize(uint32_t capacity) {
    T* const records = new T[capacity];
    std::copy_n(small_, size_, records);
    delete[] small_;
    small_ = records;
    capacity_ = capacity;
  }

  void Grow() {
    if (capacity_ < kSegment) {
      Resize(capacity_ == 0 ? kSmallest : capacity_ * 2);
      return;
    }
    const uint32_t count = capacity_ / kSegment;
    T** list = capacity_ == kSegment ? nullptr : segments_;
    if (list == nullptr || Listed(count) == count) {
      T** const longer = new T*[Listed(count + 1)];
      if (list == nullptr) {
        longer[0] = small_;
      } else {
        std::copy_n(list, count, longer);
        delete[] list;
      }
      list = longer;
    }
    list[count] = new T[kSegment];
    segments_ = list;
    capacity_ += kSegment;
  }

  void DropSegment() {
    const uint32_t last = capacity_ / kSegment - 1;
    delete[] segments_[last];
    capacity_ -= kSegment;
    if (capacity_ > kSegment) return;
    T** const list = segments_;
    small_ = list[0];
    delete[] list;
  }

  union {
    T* small_ = nullptr;
    T** segments_;
  };
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace halley::base
