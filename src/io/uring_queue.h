// UringQueue: the two queues shared with the kernel: room for operations, handing them over,
// waiting, and completions in order. Knows no operation.
//
// Set up for one owner with deferred task work: nothing completes unless the owner enters the
// kernel with GETEVENTS, which Poll() and Wait() do.
//
// Threads    Open() and Restrict() on any thread; everything else on the one that called Enable(). Destroyed on
//            that thread, or on any once it has ended.
// Ownership  Owns the ring's descriptor and memory (not inherited across fork). Operands of an
//            operation are the caller's until SubmitAll(), Poll() or Wait() returns.
// Invariant  Completions come out in the order the kernel posted them; none is dropped.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "base/ring_buffer.h"

namespace halley::io {

struct RawCqe {
  uint64_t user_data = 0;
  int32_t result = 0;
  uint32_t flags = 0;
};

class UringQueue {
 public:
  UringQueue() = default;
  UringQueue(const UringQueue&) = delete;
  UringQueue& operator=(const UringQueue&) = delete;
  ~UringQueue();

  // Creates the ring, disabled. Returns 0 or an errno value.
  int Open(uint32_t sq_entries, uint32_t cq_entries);
  // Between Open() and Enable(), on any thread: what the ring refuses from then on (-EACCES) is
  // every other operation, entry flag and registration. Linux 5.10. Returns 0 or an errno value;
  // with that the ring is as it was before.
  int Restrict(absl::Span<const uint8_t> operations, uint8_t entry_flags);
  // Makes the calling thread the owner. Returns 0 or an errno value.
  int Enable();

  bool owned_here() const;
  int fd() const { return ring_.ring_fd; }
  uint32_t sq_entries() const { return ring_.sq.ring_entries; }
  uint32_t cq_entries() const { return ring_.cq.ring_entries; }
  bool registered() const { return enter_flags_ != 0; }
  bool restricted() const { return restricted_; }

  // An entry to fill, with whatever it held before: all 64 bytes must be written. Hands older ones
  // to the kernel when the queue is full.
  io_uring_sqe* NextSlot() {
    if (PendingCount() == ring_.sq.ring_entries) SubmitAll();
    return &ring_.sq.sqes[ring_.sq.sqe_tail++ & ring_.sq.ring_mask];
  }
  // The same, cleared.
  io_uring_sqe* NextSqe();

  // Hands every entry to the kernel.
  void SubmitAll();
  // Hands over what there is and fetches completions, without waiting. No system call when there is
  // nothing to do.
  void Poll();
  // One round of Poll() whether or not anything is known to be there.
  void Fetch();
  // Poll(), but waits up to `wait_ns` for a first completion when there is none.
  void Wait(uint64_t wait_ns);

  // Whether the kernel has completions to make that Poll() left for the next one.
  bool HasDeferredWork() const;
  // The next completion; false when there is none. No system call.
  bool Pop(RawCqe* cqe);

  // Shows every completion that has arrived and was not shown yet to `take`, which returns true for
  // those it consumed. The others wait for Pop().
  template <typename Take>
  void Divert(Take take) {
    DivertArrived(take);
    while (Overflowing()) {
      Fetch();
      DivertArrived(take);
    }
  }

  uint64_t enters() const { return enters_; }
  uint64_t submissions() const { return submissions_; }
  uint64_t overflows() const { return overflows_; }

 private:
  template <typename Take>
  void DivertArrived(Take& take) {
    uint32_t head = *ring_.cq.khead;
    // Acquire: the completions are readable before the index that admits them.
    const uint32_t tail = io_uring_smp_load_acquire(ring_.cq.ktail);
    for (; head != tail; ++head) {
      const RawCqe cqe = ArrivedAt(head);
      if (!take(cqe)) kept_.PushBack(cqe);
    }
    // Release: they have been read before the kernel may overwrite them.
    io_uring_smp_store_release(ring_.cq.khead, head);
  }

  RawCqe ArrivedAt(uint32_t position) const {
    const io_uring_cqe& cqe = ring_.cq.cqes[position & ring_.cq.ring_mask];
    return {cqe.user_data, cqe.res, cqe.flags};
  }

  uint32_t PendingCount() const {
    return ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead);
  }
  uint32_t ArrivedCount() const;
  // Whether the kernel holds completions that found no room.
  bool Overflowing() const;
  void FetchMore();
  void EnterKernel(uint32_t submit, uint32_t min_complete, uint32_t flags, void* argument,
                   size_t argument_bytes);

  io_uring ring_{};
  bool opened_ = false;
  bool restricted_ = false;
  uint64_t owner_ = 0;           // number of the thread that enabled it
  uint32_t enter_flags_ = 0;     // says that enter_fd_ is a registered number
  int enter_fd_ = -1;
  uint32_t wait_flags_ = 0;
  uint32_t ready_max_ = 0;       // Poll() fetches no further once so many have arrived
  base::RingBuffer<RawCqe> kept_;  // older than everything in the kernel's queue
  uint64_t enters_ = 0;
  uint64_t submissions_ = 0;
  uint64_t overflows_ = 0;
};

}  // namespace halley::io
