#include "shard/mailbox.h"

namespace halley::shard {

Fabric::Fabric(uint32_t shards) : shards_(shards), notices_(std::make_unique<Notice[]>(shards)) {
  HALLEY_ASSERT(shards > 0);
  mailboxes_.reserve(size_t{shards} * shards);
  for (uint32_t i = 0; i < shards * shards; ++i) {
    // A shard does not write to itself: its own mailbox stays at the least size.
    const bool own = i / shards == i % shards;
    mailboxes_.push_back(std::make_unique<base::SpscQueue<Command>>(own ? 2 : kMailboxCommands));
  }
}

void Fabric::FinishReload(uint64_t number, Reloaded outcome) {
  {
    const std::lock_guard lock(reload_mutex_);
    reload_outcome_ = std::move(outcome);
  }
  reload_done_.store(number, std::memory_order_release);
}

Reloaded Fabric::ReloadOutcome() const {
  const std::lock_guard lock(reload_mutex_);
  return reload_outcome_;
}

void Fabric::GiveOptions(const config::Options& options) {
  {
    const std::lock_guard lock(reload_mutex_);
    options_ = std::make_shared<const config::Options>(options);
  }
  options_number_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const config::Options> Fabric::TakeOptions() const {
  const std::lock_guard lock(reload_mutex_);
  return options_;
}

bool Fabric::EveryShardTookOptions() const {
  for (uint32_t i = 0; i < shards_; ++i) {
    if (notices_[i].options_number.load(std::memory_order_acquire) < options_number()) return false;
  }
  return true;
}

uint64_t Fabric::ConnectionsCount() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < shards_; ++i) {
    sum += notices_[i].connections.load(std::memory_order_relaxed);
  }
  return sum;
}

bool Fabric::AnyoneCongested() const {
  for (uint32_t i = 0; i < shards_; ++i) {
    if (notices_[i].congested.load(std::memory_order_relaxed) != 0) return true;
  }
  return false;
}

void Port::Send(uint32_t to, Command command) {
  HALLEY_ASSERT(to != shard_ && to < fabric_->shards());
  if (waiting_[to].empty() && fabric_->mailbox(shard_, to).TryStage(std::move(command))) return;
  waiting_[to].push_back(std::move(command));
  ++waiting_count_;
}

void Port::Publish(std::vector<uint32_t>* sleepers) {
  for (uint32_t to = 0; to < fabric_->shards(); ++to) {
    if (to == shard_) continue;
    base::SpscQueue<Command>& mailbox = fabric_->mailbox(shard_, to);
    std::deque<Command>& waiting = waiting_[to];
    while (!waiting.empty() && mailbox.TryStage(std::move(waiting.front()))) {
      waiting.pop_front();
      --waiting_count_;
    }
    if (!mailbox.Publish()) continue;
    // The tail was stored before this look, the sleeper's flag is stored before its look at the
    // tail, all sequentially consistent: at least one of the two sees the other.
    std::atomic<uint32_t>& sleeping = fabric_->notice(to).sleeping;
    if (sleeping.load(std::memory_order_seq_cst) != 0 &&
        sleeping.exchange(0, std::memory_order_acq_rel) != 0) {
      sleepers->push_back(to);
    }
  }
}

size_t Port::InboundCount() const {
  size_t count = 0;
  for (uint32_t from = 0; from < fabric_->shards(); ++from) {
    if (from != shard_) count += fabric_->mailbox(from, shard_).Size();
  }
  return count;
}

bool Port::InboundEmpty() const {
  for (uint32_t from = 0; from < fabric_->shards(); ++from) {
    if (from != shard_ && !fabric_->mailbox(from, shard_).Empty()) return false;
  }
  return true;
}

}  // namespace halley::shard
