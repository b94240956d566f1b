// BlockPool: blocks of one size for the hub. Logs are made of pages, outboxes of chunks; each shard
// has one pool of either.
//
// Ownership  A block is its taker's until given back. The pool keeps a bounded stock of free ones,
//            so that a shard in steady state does not call the allocator and an idle one holds
//            little.
#pragma once

#include <cstddef>
#include <vector>

#include "base/assert.h"

namespace halley::hub {

template <size_t kBytes>
class BlockPool {
 public:
  static constexpr size_t kBlockBytes = kBytes;
  static constexpr size_t kStockBytesMax = size_t{8} << 20;

  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool() {
    HALLEY_ASSERT(in_use_ == 0);
    for (char* block : stock_) delete[] block;
  }

  char* Take() {
    ++in_use_;
    if (stock_.empty()) return new char[kBytes];
    char* block = stock_.back();
    stock_.pop_back();
    return block;
  }

  void Give(char* block) {
    HALLEY_ASSERT(in_use_ > 0);
    --in_use_;
    if (stock_.size() < kStockBytesMax / kBytes) {
      stock_.push_back(block);
    } else {
      delete[] block;
    }
  }

  size_t in_use_bytes() const { return in_use_ * kBytes; }

 private:
  std::vector<char*> stock_;
  size_t in_use_ = 0;
};

using PagePool = BlockPool<8192>;
// Small, because every slow client with something of its own to get holds at least one.
using ChunkPool = BlockPool<1024>;

}  // namespace halley::hub
