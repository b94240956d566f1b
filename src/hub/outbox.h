// Outbox: what one slow or freshly addressed client still has to get of its own: the rest of a
// message that was sent in part, replies, and personal pushes, each whole and in order.
//
// A channel that has nothing to say holds no outbox.
//
// Threads    One shard's.
// Ownership  Copies bytes into chunks of the shard's ChunkPool; empty means no chunk.
// Limits     The hub refuses personal pushes beyond the configured bytes; replies are never refused
//            (an unread reply stops the client's own reading first).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ring_buffer.h"
#include "hub/block_pool.h"
#include "hub/receipts.h"

namespace halley::hub {

// First-in first-out bytes with message boundaries.
class MessageQueue {
 public:
  bool empty() const { return bytes_ == 0; }
  uint64_t bytes() const { return bytes_; }
  uint64_t messages() const { return messages_.size(); }
  // The front message was sent in part.
  bool torn() const { return front_sent_ > 0; }
  // Bytes of the front message that are still to be sent.
  uint64_t front_left() const { return messages_.front().bytes - front_sent_; }
  uint32_t front_receipt() const { return messages_.front().receipt; }

  // One message: `prefix` and `body` back to back. At least one byte. `receipt`: who waits for it.
  void Append(ChunkPool* pool, std::string_view prefix, std::string_view body,
              uint32_t receipt = kNone);
  // Adds bytes to the message appended last.
  void Extend(ChunkPool* pool, std::string_view more);

  // Bytes [skip, skip + bytes_max) as parts; returns their count, sets `*bytes`.
  size_t Span(uint64_t skip, uint64_t bytes_max, iovec* parts, size_t parts_max,
              uint64_t* bytes) const;

  // `bytes` from the front were sent; returns how many messages that completed, and notes them in
  // their receipts, where those are given.
  uint64_t Consume(ChunkPool* pool, uint64_t bytes, Receipts* receipts = nullptr);
  // Drops everything; returns how many messages were lost, and notes them likewise.
  uint64_t Clear(ChunkPool* pool, Receipts* receipts = nullptr);
  // Drops the front message, of which nothing was sent.
  void DropFront(ChunkPool* pool, Receipts* receipts);

 private:
  static constexpr size_t kChunk = ChunkPool::kBlockBytes;
  struct Message {
    uint32_t bytes = 0;
    uint32_t receipt = kNone;
  };
  void Write(ChunkPool* pool, std::string_view bytes);

  base::RingBuffer<char*> chunks_;
  base::RingBuffer<Message> messages_;
  uint32_t begin_ = 0;       // first unsent byte in chunks_.front()
  uint32_t front_sent_ = 0;  // bytes of the front message that are gone
  uint64_t bytes_ = 0;
};

struct Outbox {
  // Of a message that was begun, while what it came from goes on without it: a room's log that let
  // it go, or `personal`. Sent before anything else.
  MessageQueue remainder;
  MessageQueue replies;
  MessageQueue personal;
  // Push::taken_ns of the oldest of `personal`, while the client keeps up; else 0.
  uint64_t taken_ns = 0;

  bool empty() const { return remainder.empty() && replies.empty() && personal.empty(); }

  // Drops personal messages, the oldest first, until at most `bytes_max` wait; one that was begun
  // goes on as the remainder. Returns how many were lost.
  uint64_t DropOldest(ChunkPool* pool, uint64_t bytes_max, Receipts* receipts);
};

}  // namespace halley::hub
