#include "halley-load/ledger.h"

#include <algorithm>

#include "base/assert.h"

namespace halley::load {

LedgerCounts& LedgerCounts::operator+=(const LedgerCounts& other) {
  received += other.received;
  lost += other.lost;
  duplicates += other.duplicates;
  reordered += other.reordered;
  return *this;
}

Ledger::Ledger(uint32_t clients, uint32_t pushers)
    : pushers_(pushers), streams_(size_t{clients} * pushers), books_(clients) {}

Arrival Ledger::RecordOutOfStep(Stream& stream, Book& book, uint32_t pusher, uint32_t number) {
  LedgerCounts& counts = CountsOf(book);
  const bool first_of_life = stream.seen == 0;
  if (number > stream.last) {
    const uint32_t step = number - stream.last;
    counts.lost += step - 1;
    // What lies before this life counts as seen: it was never missed, so it cannot arrive late.
    const uint32_t before = first_of_life ? ~uint32_t{0} : stream.seen;
    stream.seen = (step < kMemory ? before << step : 0) | 1;
    stream.last = number;
  } else if (first_of_life) {
    stream.seen = ~uint32_t{0};
    stream.last = number;
  } else {
    const uint32_t back = stream.last - number;
    if (back >= kMemory) {
      ++counts.reordered;
      return Arrival::kTooLate;
    }
    const uint32_t bit = uint32_t{1} << back;
    if ((stream.seen & bit) != 0) {
      ++counts.duplicates;
      return Arrival::kDuplicate;
    }
    stream.seen |= bit;
    ++counts.reordered;
    --counts.lost;
  }
  ++counts.received;
  book.order = MixOrder(book.order, pusher, number);
  return Arrival::kFirst;
}

void Ledger::BeginLife(uint32_t client, absl::Span<const uint32_t> sent) {
  HALLEY_ASSERT(sent.size() == pushers_);
  books_[client].reborn = true;
  for (uint32_t pusher = 0; pusher < pushers_; ++pusher) {
    streams_[size_t{client} * pushers_ + pusher] = Stream{sent[pusher], 0};
  }
}

uint64_t Ledger::Missing(uint32_t client, absl::Span<const uint32_t> sent) const {
  HALLEY_ASSERT(sent.size() == pushers_);
  uint64_t missing = 0;
  for (uint32_t pusher = 0; pusher < pushers_; ++pusher) {
    const uint32_t last = streams_[size_t{client} * pushers_ + pusher].last;
    if (sent[pusher] > last) missing += sent[pusher] - last;
  }
  return missing;
}

void Ledger::Close(uint32_t client, absl::Span<const uint32_t> sent) {
  CountsOf(books_[client]).lost += Missing(client, sent);
  for (uint32_t pusher = 0; pusher < pushers_; ++pusher) {
    Stream& stream = streams_[size_t{client} * pushers_ + pusher];
    stream.last = std::max(stream.last, sent[pusher]);
  }
}

}  // namespace halley::load
