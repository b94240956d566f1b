#include "hub/log.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace halley::hub {

Log::~Log() { Close(); }

void Log::Open(PagePool* pool) {
  HALLEY_ASSERT(pages_.empty() && head_ == LogPosition());
  pool_ = pool;
}

void Log::Close() {
  while (!pages_.empty()) pool_->Give(pages_.PopFront().bytes);
  ends_.Clear();
  pages_begin_ = 0;
  tail_ = head_ = {};
}

void Log::Append(std::string_view prefix, std::string_view body, uint64_t now_ms) {
  HALLEY_ASSERT(!prefix.empty() || !body.empty());
  Write(prefix, now_ms);
  Write(body, now_ms);
  ++head_.seq;
  ends_.PushBack(head_.offset);
}

void Log::Write(std::string_view bytes, uint64_t now_ms) {
  while (!bytes.empty()) {
    if (pages_.empty()) pages_begin_ = head_.offset;
    const uint64_t within = head_.offset - pages_begin_;
    if (within == pages_.size() * kPage) pages_.PushBack({pool_->Take(), now_ms});
    const size_t at = within % kPage;
    const size_t count = std::min(bytes.size(), kPage - at);
    Page& last = pages_.back();
    std::memcpy(last.bytes + at, bytes.data(), count);
    last.written_ms = now_ms;
    bytes.remove_prefix(count);
    head_.offset += count;
  }
}

size_t Log::Span(uint64_t from, uint64_t to, iovec* parts, size_t parts_max,
                 uint64_t* reached) const {
  HALLEY_ASSERT(from >= tail_.offset && from <= to && to <= head_.offset);
  size_t count = 0;
  while (from < to && count < parts_max) {
    const uint64_t within = from - pages_begin_;
    const size_t at = within % kPage;
    const size_t bytes = std::min<uint64_t>(to - from, kPage - at);
    parts[count++] = {pages_[within / kPage].bytes + at, bytes};
    from += bytes;
  }
  *reached = from;
  return count;
}

uint64_t Log::MessageEnd(uint64_t seq) const {
  HALLEY_ASSERT(seq >= tail_.seq && seq < head_.seq);
  return ends_[seq - tail_.seq];
}

uint64_t Log::MessageStart(uint64_t seq) const {
  return seq == tail_.seq ? tail_.offset : MessageEnd(seq - 1);
}

LogPosition Log::BoundaryWithin(LogPosition from, uint64_t bytes_max) const {
  HALLEY_ASSERT(from.seq < head_.seq);
  if (head_.offset - from.offset <= bytes_max) return head_;
  LogPosition to{MessageEnd(from.seq), from.seq + 1};
  while (to.seq < head_.seq && MessageEnd(to.seq) - from.offset <= bytes_max) {
    to = {MessageEnd(to.seq), to.seq + 1};
  }
  return to;
}

LogPosition Log::Advance(LogPosition from, uint64_t bytes) const {
  LogPosition to{from.offset + bytes, from.seq};
  HALLEY_ASSERT(to.offset <= head_.offset);
  if (to.offset == head_.offset) return head_;
  while (MessageEnd(to.seq) <= to.offset) ++to.seq;
  return to;
}

void Log::Trim(LogPosition needed) {
  HALLEY_ASSERT(needed.offset >= tail_.offset && needed.offset <= head_.offset);
  if (needed.offset == head_.offset) {
    while (!pages_.empty()) pool_->Give(pages_.PopFront().bytes);
    ends_.Clear();
    if (ends_.capacity() > kEndsKept) ends_.Shrink();
    tail_ = head_;
    return;
  }
  // Never into a message: a reader that is within one must be able to tell where it began.
  while (tail_.seq < needed.seq) tail_ = {ends_.PopFront(), tail_.seq + 1};
  while (tail_.offset - pages_begin_ >= kPage) {
    pool_->Give(pages_.PopFront().bytes);
    pages_begin_ += kPage;
  }
}

LogPosition Log::FirstBoundaryAtOrAfter(uint64_t offset) const {
  if (offset <= tail_.offset) return tail_;
  size_t low = 0;
  size_t high = ends_.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (ends_[middle] < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  HALLEY_ASSERT(low < ends_.size());
  return {ends_[low], tail_.seq + low + 1};
}

LogPosition Log::TailForLimits(uint64_t bytes_max, uint64_t messages_max) const {
  LogPosition tail = tail_;
  if (bytes_held() > bytes_max) tail = FirstBoundaryAtOrAfter(head_.offset - bytes_max);
  if (head_.seq - tail.seq > messages_max) {
    const uint64_t seq = head_.seq - messages_max;
    tail = {MessageStart(seq), seq};
  }
  return tail;
}

LogPosition Log::TailForAge(uint64_t before_ms) const {
  uint64_t offset = tail_.offset;
  for (size_t i = 0; i < pages_.size() && pages_[i].written_ms < before_ms; ++i) {
    offset = std::min(pages_begin_ + (i + 1) * kPage, head_.offset);
  }
  return FirstBoundaryAtOrAfter(offset);
}

}  // namespace halley::hub
