#include "remote/road.h"

#include <unistd.h>

#include <utility>

namespace halley::remote {

void Doorbell::Ring() {
  // What was published came before this, and whoever answers looks for it after its own exchange: either
  // that sees this one, and so what was published, or this one sees that it must be told again.
  if (rung_.exchange(1, std::memory_order_seq_cst) != 0) return;
  const uint64_t one = 1;
  // It fails only when 2^64 - 2 are unread, and whom it wakes is awake then.
  [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
}

void Doorbell::Answer(bool clear) {
  if (clear) {
    // Even when it was not rung: who rings may have been slow to write.
    uint64_t count;
    [[maybe_unused]] const ssize_t taken = ::read(descriptor_, &count, sizeof count);
  } else if (rung_.load(std::memory_order_relaxed) == 0) {
    return;
  }
  rung_.exchange(0, std::memory_order_seq_cst);
}

bool Road::Ask(std::unique_ptr<Call>&& call) {
  if (!calls_.TryStage(std::move(call))) return false;
  calls_.Publish();
  engine_.Ring();
  return true;
}

bool Road::Publish() {
  while (!waiting_.empty() && answers_.TryStage(std::move(waiting_.front()))) waiting_.pop_front();
  if (answers_.Publish()) shard_.Ring();
  return !waiting_.empty();
}

}  // namespace halley::remote
