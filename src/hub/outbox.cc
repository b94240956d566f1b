#include "hub/outbox.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace halley::hub {

void MessageQueue::Append(ChunkPool* pool, std::string_view prefix, std::string_view body,
                          uint32_t receipt) {
  HALLEY_ASSERT(!prefix.empty() || !body.empty());
  messages_.PushBack({0, receipt});
  Extend(pool, prefix);
  Extend(pool, body);
}

void MessageQueue::Extend(ChunkPool* pool, std::string_view more) {
  messages_.back().bytes += static_cast<uint32_t>(more.size());
  Write(pool, more);
}

void MessageQueue::Write(ChunkPool* pool, std::string_view bytes) {
  while (!bytes.empty()) {
    const uint64_t within = begin_ + bytes_;
    if (within == chunks_.size() * kChunk) chunks_.PushBack(pool->Take());
    const size_t at = within % kChunk;
    const size_t count = std::min(bytes.size(), kChunk - at);
    std::memcpy(chunks_.back() + at, bytes.data(), count);
    bytes.remove_prefix(count);
    bytes_ += count;
  }
}

size_t MessageQueue::Span(uint64_t skip, uint64_t bytes_max, iovec* parts, size_t parts_max,
                          uint64_t* bytes) const {
  HALLEY_ASSERT(skip <= bytes_);
  uint64_t left = std::min(bytes_max, bytes_ - skip);
  uint64_t within = begin_ + skip;
  size_t count = 0;
  *bytes = 0;
  while (left > 0 && count < parts_max) {
    const size_t at = within % kChunk;
    const size_t length = std::min<uint64_t>(left, kChunk - at);
    parts[count++] = {chunks_[within / kChunk] + at, length};
    within += length;
    left -= length;
    *bytes += length;
  }
  return count;
}

uint64_t MessageQueue::Consume(ChunkPool* pool, uint64_t bytes, Receipts* receipts) {
  HALLEY_ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  uint64_t within = begin_ + bytes;
  while (within >= kChunk) {
    pool->Give(chunks_.PopFront());
    within -= kChunk;
  }
  begin_ = static_cast<uint32_t>(within);
  if (bytes_ == 0 && begin_ > 0) {
    pool->Give(chunks_.PopFront());
    begin_ = 0;
  }
  uint64_t completed = 0;
  while (!messages_.empty() && bytes >= front_left()) {
    bytes -= front_left();
    front_sent_ = 0;
    if (receipts != nullptr) receipts->Deliver(front_receipt(), 1);
    messages_.PopFront();
    ++completed;
  }
  front_sent_ += static_cast<uint32_t>(bytes);
  return completed;
}

uint64_t MessageQueue::Clear(ChunkPool* pool, Receipts* receipts) {
  const uint64_t lost = messages_.size();
  for (size_t i = 0; i < lost && receipts != nullptr; ++i) receipts->Skip(messages_[i].receipt, 1);
  while (!chunks_.empty()) pool->Give(chunks_.PopFront());
  messages_.Clear();
  begin_ = front_sent_ = 0;
  bytes_ = 0;
  return lost;
}

void MessageQueue::DropFront(ChunkPool* pool, Receipts* receipts) {
  HALLEY_ASSERT(!torn());
  receipts->Skip(front_receipt(), 1);
  Consume(pool, front_left());
}

uint64_t Outbox::DropOldest(ChunkPool* pool, uint64_t bytes_max, Receipts* receipts) {
  if (personal.bytes() <= bytes_max) return 0;
  if (personal.torn()) {
    HALLEY_ASSERT(remainder.empty());
    const uint64_t left = personal.front_left();
    for (uint64_t at = 0; at < left;) {
      iovec part;
      uint64_t bytes = 0;
      personal.Span(at, left - at, &part, 1, &bytes);
      const std::string_view view(static_cast<const char*>(part.iov_base), part.iov_len);
      if (at == 0) {
        remainder.Append(pool, view, {}, personal.front_receipt());
      } else {
        remainder.Extend(pool, view);
      }
      at += bytes;
    }
    personal.Consume(pool, left);
  }
  uint64_t lost = 0;
  for (; personal.bytes() > bytes_max; ++lost) personal.DropFront(pool, receipts);
  return lost;
}

}  // namespace halley::hub
