// ChunkedArray<T>: an array that grows by whole chunks and never moves an element.
//
// A million-element table grows in steps of a few tens of KB, without the pause and the doubled
// memory of a vector, and references stay valid.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.h"

namespace halley::base {

template <typename T, size_t kChunk = 512>
class ChunkedArray {
 public:
  size_t size() const { return chunks_.size() * kChunk; }

  // Makes `index` valid.
  void Reach(size_t index) {
    while (index >= size()) chunks_.push_back(std::make_unique<std::array<T, kChunk>>());
  }

  T& operator[](size_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }
  const T& operator[](size_t index) const { return (*chunks_[index / kChunk])[index % kChunk]; }

 private:
  std::vector<std::unique_ptr<std::array<T, kChunk>>> chunks_;
};

// Pool<T>: objects by index, taken and given back; keeps what it has for the next use.
template <typename T>
class Pool {
 public:
  uint32_t Take() {
    ++in_use_;
    if (!free_.empty()) {
      const uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    objects_.Reach(next_);
    return next_++;
  }

  void Give(uint32_t index) {
    HALLEY_ASSERT(in_use_ > 0);
    --in_use_;
    free_.push_back(index);
  }

  T& operator[](uint32_t index) { return objects_[index]; }
  const T& operator[](uint32_t index) const { return objects_[index]; }
  size_t in_use() const { return in_use_; }
  // Above every index that was ever taken.
  uint32_t end() const { return next_; }

 private:
  ChunkedArray<T, 128> objects_;
  std::vector<uint32_t> free_;
  uint32_t next_ = 0;
  size_t in_use_ = 0;
};

}  // namespace halley::base
