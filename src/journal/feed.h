// Feed: a shard's road to the Journal. Full is an ordinary answer: what does not fit is dropped and counted, and
// the shard goes on.
//
// Threads    Offer() on the shard's; Take() on the Journal's; dropped() on any. Choose() on any shard's, of which all
//            share one count.
// Limits     As many entries as it was made for. Each is allocated by the shard and freed by the Journal.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "base/spsc_queue.h"
#include "journal/entry.h"

namespace halley::journal {

class Feed {
 public:
  // `accepted` is all shards', and outlives it.
  Feed(size_t entries, std::atomic<uint64_t>* accepted) : queue_(entries), accepted_(*accepted) {}

  // Whether the connection that has just been accepted is one that the access log tells of: of all on the node
  // together exactly every `one_in`th.
  bool Choose(uint32_t one_in) {
    return accepted_.fetch_add(1, std::memory_order_relaxed) % one_in == 0;
  }

  // False: there was no room, and of the access log's lines that is counted.
  bool Offer(uint64_t at_ns, std::variant<Ended, Line> what) {
    const bool ended = std::holds_alternative<Ended>(what);
    auto entry = std::make_unique<Entry>(Entry{at_ns, std::move(what)});
    if (!queue_.TryStage(std::move(entry))) {
      if (ended) dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    queue_.Publish();
    return true;
  }

  // Null: there is none.
  std::unique_ptr<Entry> Take() {
    std::unique_ptr<Entry> entry;
    if (!queue_.TryPop(&entry)) return nullptr;
    return entry;
  }

  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  base::SpscQueue<std::unique_ptr<Entry>> queue_;
  std::atomic<uint64_t>& accepted_;
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace halley::journal
