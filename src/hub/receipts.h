// Receipts: how the pushes fared that somebody waits for: to how many channels all of it was handed to
// the kernel, how many will never get it. Pushes that nobody waits for leave no trace here.
//
// Threads    One shard's.
// Ownership  Numbers. Lanes and queues carry a receipt's number beside the message; a number that
//            was closed meanwhile is no receipt any more, and what is said of it is not heard.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/assert.h"
#include "hub/channel.h"

namespace halley::hub {

struct Receipt {
  uint64_t expected = 0;
  uint64_t delivered = 0;
  uint64_t skipped = 0;
  bool sealed = false;

  uint64_t pending() const { return expected - delivered - skipped; }
};

class Receipts {
 public:
  // Never kNone.
  uint32_t Open() {
    do {
      ++last_;
    } while (last_ == kNone || open_.contains(last_));
    open_.try_emplace(last_);
    return last_;
  }
  // Nothing more will be expected; from here on it may be done. True: it is.
  bool Seal(uint32_t receipt) {
    Receipt* const open = Find(receipt);
    HALLEY_ASSERT(open != nullptr && !open->sealed);
    open->sealed = true;
    return open->pending() == 0;
  }
  // What is known of it; it is no receipt any more.
  Receipt Close(uint32_t receipt) {
    const auto found = open_.find(receipt);
    HALLEY_ASSERT(found != open_.end());
    const Receipt closed = found->second;
    open_.erase(found);
    return closed;
  }

  // `receipt` may be kNone, or closed.
  void Expect(uint32_t receipt, uint64_t count) {
    if (Receipt* open = Find(receipt)) open->expected += count;
  }
  void Deliver(uint32_t receipt, uint64_t count) { Note(receipt, &Receipt::delivered, count); }
  void Skip(uint32_t receipt, uint64_t count) { Note(receipt, &Receipt::skipped, count); }

  bool AnyDone() const { return !done_.empty(); }
  // Sealed receipts that came to be done since the last call, in that order.
  std::vector<uint32_t> TakeDone() { return std::exchange(done_, {}); }

 private:
  Receipt* Find(uint32_t receipt) {
    if (receipt == kNone) return nullptr;
    const auto found = open_.find(receipt);
    return found == open_.end() ? nullptr : &found->second;
  }
  void Note(uint32_t receipt, uint64_t Receipt::*what, uint64_t count) {
    Receipt* const open = Find(receipt);
    if (open == nullptr || count == 0) return;
    open->*what += count;
    if (open->sealed && open->pending() == 0) done_.push_back(receipt);
  }

  absl::flat_hash_map<uint32_t, Receipt> open_;
  std::vector<uint32_t> done_;
  uint32_t last_ = 0;
};

}  // namespace halley::hub
