// Plan: who the clients are, which of them a push reaches, and how much each target was sent.
//
// Threads    Immutable, but for the books of what was sent, which are atomics: a pusher writes its
//            own column, everybody reads.
// Ownership  Borrows the options.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "halley-load/options.h"

namespace halley::load {

class Plan {
 public:
  // `run` tells this run's messages from anybody else's.
  Plan(const LoadOptions& options, uint32_t run);

  const LoadOptions& options() const { return options_; }
  uint32_t run() const { return run_; }

  std::string Key(uint32_t client) const;
  int64_t Mid(uint32_t mid) const { return (int64_t{run_} << 24) + 1 + mid; }
  std::string Room(uint32_t room) const;  // empty when there are none
  std::string TokenOf(uint32_t client) const;

  // Targets are rooms, batches of keys or mids, by index; everybody is one target.
  uint32_t targets() const { return static_cast<uint32_t>(members_.size()); }
  uint32_t TargetOf(uint32_t client) const;
  std::vector<std::string> KeysOf(uint32_t target) const;  // with To::kKey
  // How many clients that read all the time a push to the target reaches.
  uint32_t HealthyMembers(uint32_t target) const { return members_[target]; }
  bool Stalled(uint32_t client) const;

  // Counts one more push of `pusher` to `target` and returns its number. Before it is sent, so that
  // whoever reads the books after a login never finds less than what the login can have missed.
  uint32_t NextNumber(uint32_t pusher, uint32_t target) {
    return sent_[Cell(pusher, target)].fetch_add(1, std::memory_order_seq_cst) + 1;
  }
  // Per pusher, what `target` has been sent.
  void ReadSent(uint32_t target, std::vector<uint32_t>* sent) const;

 private:
  size_t Cell(uint32_t pusher, uint32_t target) const {
    return size_t{target} * options_.pushers + pusher;
  }

  const LoadOptions& options_;
  const uint32_t run_;
  std::vector<uint32_t> members_;
  std::unique_ptr<std::atomic<uint32_t>[]> sent_;
};

}  // namespace halley::load
