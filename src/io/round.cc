#include "io/round.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#define HALLEY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HALLEY_ASAN 1
#endif
#endif

#ifdef HALLEY_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace halley::io {

namespace {

// Under AddressSanitizer a chunk that is not out is as forbidden as freed memory.
void Forbid([[maybe_unused]] const char* data, [[maybe_unused]] size_t bytes) {
#ifdef HALLEY_ASAN
  ASAN_POISON_MEMORY_REGION(data, bytes);
#endif
}

void Allow([[maybe_unused]] const char* data, [[maybe_unused]] size_t bytes) {
#ifdef HALLEY_ASAN
  ASAN_UNPOISON_MEMORY_REGION(data, bytes);
#endif
}

}  // namespace

Round::Round() : hot_(std::make_unique_for_overwrite<char[]>(kHotBytes)) {
  static_assert(kChunkBytesMin << (kClassesCount - 1) == kChunkBytesMax);
  static_assert(kBlockBytes / kChunkBytesMin < (size_t{1} << 16));
}

Round::~Round() {
  HALLEY_ASSERT(in_use_bytes_ == 0);
  for (Block& block : blocks_) {
    if (block.memory != nullptr) Allow(block.memory.get(), kBlockBytes);
  }
}

Chunk Round::Get(size_t bytes_min) {
  HALLEY_ASSERT(bytes_min <= kGetBytesMax);
  if (bytes_min > kChunkBytesMax) {
    const auto bytes = static_cast<uint32_t>(bytes_min);
    in_use_bytes_ += bytes;
    held_bytes_ += bytes;
    return {new char[bytes], bytes, kNone};
  }
  const size_t rounded = std::bit_ceil(std::max<size_t>(bytes_min, kChunkBytesMin));
  const auto size_class = static_cast<uint32_t>(std::countr_zero(rounded / kChunkBytesMin));
  const uint32_t number = BlockWithRoom(size_class);
  char* data = TakeFrom(&blocks_[number]);
  if (blocks_[number].out == ChunksPerBlock(size_class)) RemovePartial(number);
  in_use_bytes_ += rounded;
  return {data, static_cast<uint32_t>(rounded), number};
}

void Round::Put(Chunk* handle) {
  const Chunk chunk = std::exchange(*handle, Chunk{});
  if (!chunk) return;
  in_use_bytes_ -= chunk.bytes;
  if (chunk.block == kNone) {
    held_bytes_ -= chunk.bytes;
    delete[] chunk.data;
    return;
  }
  Block& block = blocks_[chunk.block];
  const auto offset = static_cast<size_t>(chunk.data - block.memory.get());
  HALLEY_ASSERT(block.out > 0 && chunk.bytes == ChunkBytes(block.size_class));
  HALLEY_ASSERT(offset < kBlockBytes && offset % chunk.bytes == 0);

  std::memcpy(chunk.data, &block.free_head, sizeof block.free_head);
  block.free_head = static_cast<uint16_t>(offset / chunk.bytes + 1);
  Forbid(chunk.data, chunk.bytes);

  if (block.out == ChunksPerBlock(block.size_class)) PushPartial(chunk.block);
  if (--block.out > 0) return;
  RemovePartial(chunk.block);
  SizeClass& size_class = classes_[block.size_class];
  block.next = size_class.empty;
  size_class.empty = chunk.block;
  ++size_class.empty_count;
}

void Round::Trim() {
  for (SizeClass& size_class : classes_) {
    for (; size_class.empty_low > 0; --size_class.empty_low) {
      const uint32_t number = size_class.empty;
      Block& block = blocks_[number];
      size_class.empty = block.next;
      --size_class.empty_count;
      Allow(block.memory.get(), kBlockBytes);
      block = Block{};
      free_numbers_.push_back(number);
      held_bytes_ -= kBlockBytes;
    }
    size_class.empty_low = size_class.empty_count;
  }
}

uint32_t Round::BlockWithRoom(uint32_t class_number) {
  SizeClass& size_class = classes_[class_number];
  if (size_class.partial != kNone) return size_class.partial;
  uint32_t number = size_class.empty;
  if (number != kNone) {
    size_class.empty = blocks_[number].next;
    --size_class.empty_count;
    size_class.empty_low = std::min(size_class.empty_low, size_class.empty_count);
  } else {
    number = NewBlock(class_number);
  }
  PushPartial(number);
  return number;
}

uint32_t Round::NewBlock(uint32_t size_class) {
  uint32_t number;
  if (!free_numbers_.empty()) {
    number = free_numbers_.back();
    free_numbers_.pop_back();
  } else {
    number = static_cast<uint32_t>(blocks_.size());
    blocks_.emplace_back();
  }
  Block& block = blocks_[number];
  block.memory = std::make_unique_for_overwrite<char[]>(kBlockBytes);
  block.size_class = size_class;
  held_bytes_ += kBlockBytes;
  Forbid(block.memory.get(), kBlockBytes);
  return number;
}

char* Round::TakeFrom(Block* block) {
  const uint32_t bytes = ChunkBytes(block->size_class);
  ++block->out;
  if (block->free_head == 0) {
    char* data = block->memory.get() + size_t{block->carved++} * bytes;
    Allow(data, bytes);
    return data;
  }
  char* data = block->memory.get() + size_t{block->free_head - 1u} * bytes;
  Allow(data, bytes);
  std::memcpy(&block->free_head, data, sizeof block->free_head);
  return data;
}

void Round::PushPartial(uint32_t number) {
  Block& block = blocks_[number];
  SizeClass& size_class = classes_[block.size_class];
  block.prev = kNone;
  block.next = size_class.partial;
  if (block.next != kNone) blocks_[block.next].prev = number;
  size_class.partial = number;
}

void Round::RemovePartial(uint32_t number) {
  Block& block = blocks_[number];
  if (block.next != kNone) blocks_[block.next].prev = block.prev;
  if (block.prev != kNone) {
    blocks_[block.prev].next = block.next;
  } else {
    classes_[block.size_class].partial = block.next;
  }
}

}  // namespace halley::io
