// Ledger: the books of what a thread's clients received, against what was pushed to them.
//
// Each client has one stream per pusher, whose messages are numbered 1, 2, 3, ... without holes. A
// number that comes next is received; one that jumps leaves a gap, and every number in the gap is
// lost until it arrives after all, which is then a reorder. What is seen a second time is a
// duplicate.
//
// A client that reconnects begins a new *life*. What was pushed while it was away is nobody's
// loss: its books go on with what its room had been sent when the login was answered, or with the
// first message if that is earlier.
//
// Threads    One.
// Invariant  After Close(): received + lost = what was pushed to the clients during their lives.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace halley::load {

struct LedgerCounts {
  uint64_t received = 0;    // distinct messages
  uint64_t lost = 0;        // in gaps, and missing at the end
  uint64_t duplicates = 0;
  uint64_t reordered = 0;   // came after a later one of the same pusher

  LedgerCounts& operator+=(const LedgerCounts& other);
};

enum class Arrival : uint8_t {
  kFirst,      // new, in its place or late: it counts as received
  kDuplicate,
  kTooLate,    // so late that it cannot be told from a duplicate; counts as reordered, not received
};

class Ledger {
 public:
  // How far back a stream remembers which numbers it has seen.
  static constexpr uint32_t kMemory = 32;

  Ledger(uint32_t clients, uint32_t pushers);

  // A stalled client's books are kept apart, because what it loses may be excused.
  void SetStalled(uint32_t client) { books_[client].stalled = true; }

  Arrival Record(uint32_t client, uint32_t pusher, uint32_t number) {
    Stream& stream = streams_[size_t{client} * pushers_ + pusher];
    Book& book = books_[client];
    if (number == stream.last + 1 && stream.seen != 0) [[likely]] {
      stream.last = number;
      stream.seen = stream.seen << 1 | 1;
      ++CountsOf(book).received;
      book.order = MixOrder(book.order, pusher, number);
      return Arrival::kFirst;
    }
    return RecordOutOfStep(stream, book, pusher, number);
  }

  // The client logged in again: `sent` says, per pusher, how many messages its target was sent.
  void BeginLife(uint32_t client, absl::Span<const uint32_t> sent);

  // How much of what `sent` says has not come yet, gaps aside.
  uint64_t Missing(uint32_t client, absl::Span<const uint32_t> sent) const;

  // Nothing more will come: what `sent` says and was not seen is lost.
  void Close(uint32_t client, absl::Span<const uint32_t> sent);

  const LedgerCounts& healthy() const { return healthy_; }
  const LedgerCounts& stalled() const { return stalled_; }

  // A digest of which messages the client got in which order, over all pushers; equal for two
  // clients that got the same ones in the same order.
  uint64_t order(uint32_t client) const { return books_[client].order; }
  // Whether the digest may be compared: neither stalled nor ever reconnected.
  bool comparable(uint32_t client) const {
    return !books_[client].stalled && !books_[client].reborn;
  }

 private:
  struct Stream {
    uint32_t last = 0;
    uint32_t seen = 0;  // bit i: `last - i` was seen; 0: nothing in this life yet
  };
  struct Book {
    uint64_t order = 0;
    bool stalled = false;
    bool reborn = false;
  };

  static uint64_t MixOrder(uint64_t order, uint32_t pusher, uint32_t number) {
    return ((order << 7 | order >> 57) ^ (uint64_t{pusher} << 32 | number)) * 0x9e3779b97f4a7c15;
  }
  LedgerCounts& CountsOf(const Book& book) { return book.stalled ? stalled_ : healthy_; }
  Arrival RecordOutOfStep(Stream& stream, Book& book, uint32_t pusher, uint32_t number);

  const uint32_t pushers_;
  std::vector<Stream> streams_;  // of client 0, then of client 1, ...
  std::vector<Book> books_;
  LedgerCounts healthy_;
  LedgerCounts stalled_;
};

}  // namespace halley::load
