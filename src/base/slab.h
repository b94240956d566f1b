// Slab<T>: objects that stay where they are, named by a small index and guarded by a generation.
//
// The index and generation of an object can go through the kernel or a mailbox and come back after
// the object has gone: Find() then says so. A freed slot is not given out again before Recycle(),
// which the owner calls at the end of a turn, so that nothing freed in a turn changes its identity
// in it.
//
// Threads    One.
// Ownership  Objects are the slab's from New() to Free(); those never freed die with it.
// Invariant  Two objects never share index and generation, until one slot was used 2^24 - 1 times.
// Limits     2^24 objects. Memory grows by chunks of 512 objects and stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace halley::base {

inline constexpr uint32_t kSlabIndexBits = 24;
inline constexpr uint32_t kSlabGenerationBits = 24;

template <typename T>
class Slab {
 public:
  static constexpr uint32_t kCapacityMax = uint32_t{1} << kSlabIndexBits;
  static constexpr uint32_t kGenerationMask = (uint32_t{1} << kSlabGenerationBits) - 1;
  static constexpr uint32_t kChunkObjects = 512;

  explicit Slab(uint32_t capacity = kCapacityMax) : capacity_(capacity) {
    HALLEY_ASSERT(capacity >= 1 && capacity <= kCapacityMax);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    ForEach([](uint32_t, T& object) { object.~T(); });
  }

  // nullptr when the slab is full; what was freed since the last Recycle() still counts.
  template <typename... Args>
  [[nodiscard]] T* New(Args&&... args) {
    uint32_t index = free_;
    if (index != kNone) {
      free_ = SlotAt(index).link;
    } else {
      if (used_ == capacity_) return nullptr;
      index = Carve();
    }
    Slot& slot = SlotAt(index);
    slot.link = index;
    slot.live = 1;
    ++size_;
    return new (slot.storage) T(std::forward<Args>(args)...);
  }

  void Free(uint32_t index) {
    Slot& slot = SlotAt(index);
    HALLEY_ASSERT(slot.live);
    slot.object()->~T();
    slot.live = 0;
    slot.generation = Successor(slot.generation) & kGenerationMask;
    slot.link = freed_;
    if (freed_ == kNone) freed_last_ = index;
    freed_ = index;
    --size_;
  }

  // Makes the slots that were freed since the last call available again.
  void Recycle() {
    if (freed_ == kNone) return;
    SlotAt(freed_last_).link = free_;
    free_ = std::exchange(freed_, kNone);
  }

  // The object must be there.
  T& Get(uint32_t index) {
    Slot& slot = SlotAt(index);
    HALLEY_ASSERT(slot.live);
    return *slot.object();
  }
  const T& Get(uint32_t index) const { return const_cast<Slab*>(this)->Get(index); }

  // nullptr when there is none now. For walks that are cut into parts: any index below used().
  T* At(uint32_t index) {
    Slot& slot = SlotAt(index);
    return slot.live ? slot.object() : nullptr;
  }
  // Indices that were ever given out are below that.
  uint32_t used() const { return used_; }

  // nullptr when that object has gone. Any index and generation may be asked for.
  T* Find(uint32_t index, uint32_t generation) {
    if (index >= used_) return nullptr;
    Slot& slot = SlotAt(index);
    return slot.live && slot.generation == generation ? slot.object() : nullptr;
  }

  uint32_t IndexOf(const T& object) const { return SlotOf(object).link; }
  // Never 0, so that {0, 0} names nothing.
  uint32_t GenerationOf(const T& object) const { return SlotOf(object).generation; }

  // Calls visit(index, object) for every object, in index order. It may free any object; one that
  // is made meanwhile may or may not be visited.
  template <typename Visit>
  void ForEach(Visit visit) {
    for (uint32_t index = 0; index < used_; ++index) {
      Slot& slot = SlotAt(index);
      if (slot.live) visit(index, *slot.object());
    }
  }

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  size_t memory_bytes() const { return chunks_.size() * sizeof(Chunk); }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};

  struct Slot {
    // First, so that an object's address is its slot's.
    alignas(T) std::byte storage[sizeof(T)];
    uint32_t link;  // live: its own index; free: the next free slot
    uint32_t generation : kSlabGenerationBits;
    uint32_t live : 8;

    T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
  };
  // Left uninitialised, so that a new chunk costs no page before its slots are used.
  struct Chunk {
    Slot slots[kChunkObjects];
  };

  static uint32_t Successor(uint32_t generation) {
    return generation == kGenerationMask ? 1 : generation + 1;
  }

  static const Slot& SlotOf(const T& object) {
    const Slot& slot = *reinterpret_cast<const Slot*>(&object);
    HALLEY_ASSERT(slot.live);
    return slot;
  }

  Slot& SlotAt(uint32_t index) {
    HALLEY_ASSERT(index < used_);
    return chunks_[index / kChunkObjects]->slots[index % kChunkObjects];
  }

  uint32_t Carve() {
    const uint32_t index = used_++;
    if (index % kChunkObjects == 0) chunks_.emplace_back(new Chunk);
    Slot& slot = SlotAt(index);
    slot.generation = 1;
    slot.live = 0;
    return index;
  }

  const uint32_t capacity_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  uint32_t used_ = 0;            // slots that were ever given out
  uint32_t free_ = kNone;        // last freed, first reused: its lines are the warm ones
  uint32_t freed_ = kNone;       // since the last Recycle()
  uint32_t freed_last_ = kNone;  // the other end of that list; valid while it is not empty
  size_t size_ = 0;
};

}  // namespace halley::base
