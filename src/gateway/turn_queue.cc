#include "gateway/turn_queue.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace halley::gateway {

struct TurnQueue::Waiter {
  std::atomic<uint32_t> called{0};
  Waiter* next = nullptr;
};

void TurnQueue::Enter() {
  Waiter self;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_ > 0) {
      --free_;
      return;
    }
    (last_ == nullptr ? first_ : last_->next) = &self;
    last_ = &self;
  }
  // Not std::atomic::wait(), which spins first: who is waited for needs this very CPU.
  while (self.called.load(std::memory_order_acquire) == 0) {
    syscall(SYS_futex, &self.called, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  }
}

void TurnQueue::Leave() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (first_ == nullptr) {
    ++free_;
    return;
  }
  Waiter* const next = first_;
  first_ = next->next;
  if (first_ == nullptr) last_ = nullptr;
  // Its stack frame may be gone as soon as it sees this; waking what is there then does no harm.
  std::atomic<uint32_t>* const called = &next->called;
  called->store(1, std::memory_order_release);
  syscall(SYS_futex, called, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

size_t TurnQueue::waiting() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t count = 0;
  for (const Waiter* each = first_; each != nullptr; each = each->next) ++count;
  return count;
}

}  // namespace halley::gateway
