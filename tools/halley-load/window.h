// Window: which pushes of one pusher have not reached every client yet, and how many may be so.
//
// The pusher begins a push with the number of deliveries it stands for; receivers count them down.
// The pusher may be at most `size` serials ahead of the oldest push that is not complete, so a slot
// of the ring is never given to two of them.
//
// Threads    Begin(), HasRoom(), Idle(), WaitUntil() on the pusher's; Arrived() on any.
// Limits     size in [1, kSizeMax]. kDeliveriesMax clients per push.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

#include "base/assert.h"
#include "halley-load/bell.h"

namespace halley::load {

class Window {
 public:
  static constexpr uint32_t kSizeMax = 4096;

  explicit Window(uint32_t size)
      : size_(size),
        mask_(std::bit_ceil(size) - 1),
        slots_(std::make_unique<std::atomic<uint64_t>[]>(mask_ + 1)) {
    HALLEY_ASSERT(size >= 1 && size <= kSizeMax);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  uint32_t slots() const { return mask_ + 1; }
  uint32_t SlotOf(uint64_t serial) const { return static_cast<uint32_t>(serial) & mask_; }

  // `serial` is one more than the last one begun; HasRoom() was true.
  void Begin(uint64_t serial, uint32_t deliveries) {
    HALLEY_ASSERT(serial == begun_ + 1 && serial - complete_ <= size_);
    begun_ = serial;
    slots_[SlotOf(serial)].store(deliveries, std::memory_order_release);
  }

  bool HasRoom() {
    Advance();
    return begun_ - complete_ < size_;
  }
  bool Idle() {
    Advance();
    return begun_ == complete_;
  }

  // Counts `deliveries` of the push that holds `slot`. False, and nothing counted, when it does not
  // wait for so many: the caller received something that was not pushed.
  [[nodiscard]] bool Arrived(uint32_t slot, uint32_t deliveries) {
    std::atomic<uint64_t>& waiting = slots_[slot];
    uint64_t before = waiting.load(std::memory_order_relaxed);
    do {
      if (before < deliveries) return false;
    } while (!waiting.compare_exchange_weak(before, before - deliveries,
                                            std::memory_order_acq_rel));
    if (before == deliveries) bell_.Ring();
    return true;
  }

  // Sleeps until something completes, `until_ns` has come, or for no reason.
  void Wait(uint64_t until_ns) { bell_.Wait(until_ns); }

 private:
  void Advance() {
    while (complete_ < begun_ &&
           slots_[SlotOf(complete_ + 1)].load(std::memory_order_acquire) == 0) {
      ++complete_;
    }
  }

  const uint32_t size_;
  const uint32_t mask_;
  const std::unique_ptr<std::atomic<uint64_t>[]> slots_;  // deliveries still to come
  Bell bell_;
  uint64_t begun_ = 0;     // the pusher's
  uint64_t complete_ = 0;  // the pusher's: all up to here
};

}  // namespace halley::load
