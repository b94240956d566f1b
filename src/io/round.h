// Round: a shard's pooled read and write buffers.
//
// Every connection is read into the one hot buffer. Only what must outlive a turn (a frame that has
// arrived in part, bytes that a slow client has not taken) is moved into a chunk, so an idle
// connection holds nothing.
//
// Threads    One.
// Ownership  A chunk is its taker's from Get() to Put(). Destroyed after every chunk came back.
// Invariant  in_use_bytes() is the sum of the sizes of the chunks that are out.
// Limits     Chunks of 512 B to 64 KiB in powers of two, cut from blocks of 256 KiB; larger ones
//            come from the allocator and go back to it. An empty block goes back in Trim(), when it
//            was not needed since the Trim() before: a burst that repeats finds its blocks again,
//            and an idle gateway gives them all back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"

namespace halley::io {

struct Chunk {
  char* data = nullptr;
  uint32_t bytes = 0;  // at least what was asked for
  uint32_t block = 0;  // the Round's: where it was cut from

  explicit operator bool() const { return data != nullptr; }
};

class Round {
 public:
  // A whole read of 64 KiB behind what may have been left from an earlier one.
  static constexpr size_t kReadBytes = size_t{64} << 10;
  static constexpr size_t kHotBytes = kReadBytes + (size_t{16} << 10);
  static constexpr uint32_t kChunkBytesMin = 512;
  static constexpr uint32_t kChunkBytesMax = 65536;
  static constexpr size_t kBlockBytes = size_t{256} << 10;
  static constexpr size_t kGetBytesMax = size_t{1} << 30;

  Round();
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;
  ~Round();

  // Holds nothing between two connections.
  absl::Span<char> hot_buffer() { return {hot_.get(), kHotBytes}; }

  // At least `bytes_min` bytes, at most kGetBytesMax. Never fails.
  Chunk Get(size_t bytes_min);
  // Takes the chunk back and clears the handle. An empty handle is left alone.
  void Put(Chunk* chunk);

  // Gives back blocks that stood empty since the last call. For a timer, about once a second.
  void Trim();

  size_t in_use_bytes() const { return in_use_bytes_; }
  // What the Round has from the allocator, the hot buffer aside.
  size_t held_bytes() const { return held_bytes_; }

 private:
  static constexpr uint32_t kClassesCount = 8;
  static constexpr uint32_t kNone = ~uint32_t{0};  // as a chunk's block: from the allocator

  struct Block {
    std::unique_ptr<char[]> memory;  // null: the number is free
    uint32_t size_class = 0;
    uint32_t next = kNone;  // in its class's list
    uint32_t prev = kNone;
    uint16_t carved = 0;     // chunks that were ever given out; the rest of the memory is untouched
    uint16_t out = 0;        // chunks that are out
    uint16_t free_head = 0;  // 1 + number of the last chunk that came back; it holds the next one
  };
  struct SizeClass {
    uint32_t partial = kNone;  // blocks with chunks out and chunks to give, doubly linked
    uint32_t empty = kNone;    // blocks with no chunk out, linked by `next`
    uint32_t empty_count = 0;
    uint32_t empty_low = 0;  // the least empty_count since the last Trim()
  };

  static uint32_t ChunkBytes(uint32_t size_class) { return kChunkBytesMin << size_class; }
  static uint32_t ChunksPerBlock(uint32_t size_class) {
    return static_cast<uint32_t>(kBlockBytes / ChunkBytes(size_class));
  }

  uint32_t BlockWithRoom(uint32_t size_class);
  uint32_t NewBlock(uint32_t size_class);
  char* TakeFrom(Block* block);
  void PushPartial(uint32_t number);
  void RemovePartial(uint32_t number);

  const std::unique_ptr<char[]> hot_;
  std::vector<Block> blocks_;
  std::vector<uint32_t> free_numbers_;
  std::array<SizeClass, kClassesCount> classes_;
  size_t in_use_bytes_ = 0;
  size_t held_bytes_ = 0;
};

}  // namespace halley::io
