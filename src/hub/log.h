// Log: one lane's stream, append-only, in pages that are sent from where they lie.
//
// Positions are absolute offsets in the stream; a page is found by division, a message by its
// number. An empty log starts a fresh page, so that what is appended together lies together. The
// log does not know its readers: the lane tells it what is still needed.
//
// Threads    One shard's.
// Ownership  Pages come from the shard's PagePool and go back when trimmed. Spans handed out are
//            valid until the next Append(), Trim() or Evict...().
// Invariant  tail <= head, both on message boundaries; every offset in [tail, head) lies in a page;
//            ends_ holds the end offset of each message in [tail, head).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ring_buffer.h"
#include "hub/block_pool.h"

namespace halley::hub {

// A place in a log. `seq` counts the messages that end at or before `offset`; the position is
// within message number `seq` (counted from 0) when it is not on a boundary.
struct LogPosition {
  uint64_t offset = 0;
  uint64_t seq = 0;

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

class Log {
 public:
  // Empty, and nothing but to be looked at until Open().
  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  // Starts at offset and message 0, with pages of `pool`, which outlives the log or its Close().
  void Open(PagePool* pool);
  // Gives all pages back and forgets everything but the room for its index.
  void Close();

  // One message: `prefix` and `body` back to back.
  void Append(std::string_view prefix, std::string_view body, uint64_t now_ms);

  LogPosition head() const { return head_; }
  LogPosition tail() const { return tail_; }
  uint64_t bytes_held() const { return head_.offset - tail_.offset; }
  uint64_t messages_held() const { return head_.seq - tail_.seq; }
  // When the oldest page was last written; only while bytes are held.
  uint64_t oldest_ms() const { return pages_.front().written_ms; }
  // When the page of `offset`, tail <= offset < head, was last written.
  uint64_t WrittenMs(uint64_t offset) const {
    return pages_[(offset - pages_begin_) / kPage].written_ms;
  }

  // Bytes [from, to) as at most `parts_max` parts; returns how many parts, and in `*reached` where
  // they end (`to`, unless parts ran out).
  size_t Span(uint64_t from, uint64_t to, iovec* parts, size_t parts_max, uint64_t* reached) const;

  // The last message boundary within `bytes_max` after `from`, but at least one message on.
  // `from` is a boundary before the head.
  LogPosition BoundaryWithin(LogPosition from, uint64_t bytes_max) const;

  // Where a reader at `from` is after taking `bytes` more.
  LogPosition Advance(LogPosition from, uint64_t bytes) const;

  // Start and end of message number `seq`, tail().seq <= seq < head().seq.
  uint64_t MessageStart(uint64_t seq) const;
  uint64_t MessageEnd(uint64_t seq) const;
  bool OnBoundary(LogPosition position) const {
    return position.offset == head_.offset || position.offset == MessageStart(position.seq);
  }

  // Nobody needs anything before `needed` any more: the tail moves to the start of the message
  // that `needed` is in, and whole pages below it are given back.
  void Trim(LogPosition needed);
  // The position of the oldest message to keep so that at most the given amounts are held; for
  // Trim() by whoever has moved its readers there.
  LogPosition TailForLimits(uint64_t bytes_max, uint64_t messages_max) const;
  // The boundary after everything written before `before_ms`, by page.
  LogPosition TailForAge(uint64_t before_ms) const;

 private:
  struct Page {
    char* bytes = nullptr;
    uint64_t written_ms = 0;
  };

  static constexpr size_t kPage = PagePool::kBlockBytes;
  static constexpr size_t kEndsKept = 512;  // index capacity an empty log keeps

  void Write(std::string_view bytes, uint64_t now_ms);
  LogPosition FirstBoundaryAtOrAfter(uint64_t offset) const;

  PagePool* pool_ = nullptr;
  base::RingBuffer<Page> pages_;
  uint64_t pages_begin_ = 0;  // offset of the first byte of pages_[0]
  base::RingBuffer<uint64_t> ends_;
  LogPosition tail_;
  LogPosition head_;
};

}  // namespace halley::hub
