// How tests and fuzz targets feed a decoder: as a connection would, in chunks, each time from fresh
// memory that begins or ends at a guard page, with everything it left lying presented again.
//
// A decoder under test is a value with
//   Step Next(Inbox* inbox, std::string* transcript)   takes one thing, writes down what it was
//   size_t inbox_bytes_max() const                     kMore is never answered to that many bytes
// A decoder that breaks its contract aborts here, under gtest as under a fuzzer.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "wire/inbox.h"

namespace halley::wire::testing {

enum class Step : uint8_t {
  kAgain,  // something was taken; there may be more
  kMore,   // present it again with more bytes
  kOver,   // not to be fed again
};

// Pages that may be used between two that may not.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t bytes_max)
      : page_bytes_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
        usable_bytes_((bytes_max + page_bytes_) / page_bytes_ * page_bytes_) {
    map_ = static_cast<char*>(mmap(nullptr, usable_bytes_ + 2 * page_bytes_, PROT_NONE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    HALLEY_ASSERT(map_ != MAP_FAILED);
    HALLEY_ASSERT(mprotect(usable(), usable_bytes_, PROT_READ | PROT_WRITE) == 0);
  }
  ~GuardedBytes() { munmap(map_, usable_bytes_ + 2 * page_bytes_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  // What was placed before is overwritten, so that a pointer kept to it shows.
  Inbox Place(std::string_view bytes, bool at_end) {
    HALLEY_ASSERT(bytes.size() <= usable_bytes_);
    if (placed_.size() > 0) std::memset(placed_.begin, kScribble, placed_.size());
    char* const begin = at_end ? usable() + usable_bytes_ - bytes.size() : usable();
    if (!bytes.empty()) std::memcpy(begin, bytes.data(), bytes.size());
    placed_ = {begin, begin + bytes.size()};
    // The side without a guard page.
    char* const usable_end = usable() + usable_bytes_;
    edge_ = at_end ? Inbox{std::max(usable(), begin - kEdgeBytes), begin}
                   : Inbox{placed_.end, std::min(placed_.end + kEdgeBytes, usable_end)};
    if (edge_.size() > 0) std::memset(edge_.begin, kScribble, edge_.size());
    return placed_;
  }

  bool EdgeIsUntouched() const {
    return edge_.view().find_first_not_of(static_cast<char>(kScribble)) == std::string_view::npos;
  }

 private:
  static constexpr int kScribble = 0xA5;
  static constexpr ptrdiff_t kEdgeBytes = 16;
  char* usable() const { return map_ + page_bytes_; }

  const size_t page_bytes_;
  const size_t usable_bytes_;
  char* map_ = nullptr;
  Inbox placed_;
  Inbox edge_;
};

using Chunks = std::vector<std::string_view>;

inline Chunks InPieces(std::string_view bytes, size_t piece_bytes) {
  Chunks chunks;
  for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
    chunks.push_back(bytes.substr(at, piece_bytes));
  }
  return chunks;
}

inline Chunks InRandomPieces(std::string_view bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  Chunks chunks;
  // Small pieces and large ones: both the header and the body are to be cut.
  while (!bytes.empty()) {
    const size_t most = random() % 2 == 0 ? 8 : bytes.size();
    const size_t piece_bytes = 1 + random() % std::min(most, bytes.size());
    chunks.push_back(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(piece_bytes);
  }
  return chunks;
}

// What `decoder` makes of the chunks, in its own words.
template <typename Decoder>
std::string TranscriptOf(Decoder decoder, const Chunks& chunks, GuardedBytes* memory, bool at_end) {
  std::string transcript;
  std::string unread;
  for (const std::string_view chunk : chunks) {
    unread.append(chunk);
    Inbox inbox = memory->Place(unread, at_end);
    const Inbox placed = inbox;
    Step step = Step::kAgain;
    for (size_t steps = 0; step == Step::kAgain; ++steps) {
      // Whoever is called again must have taken something.
      HALLEY_ASSERT(steps <= unread.size());
      const char* const before = inbox.begin;
      step = decoder.Next(&inbox, &transcript);
      HALLEY_ASSERT(inbox.end == placed.end);
      HALLEY_ASSERT(before <= inbox.begin && inbox.begin <= inbox.end);
      HALLEY_ASSERT(memory->EdgeIsUntouched());
    }
    if (step == Step::kOver) break;
    unread.assign(inbox.view());
    HALLEY_ASSERT(unread.size() < decoder.inbox_bytes_max());
  }
  return transcript;
}

}  // namespace halley::wire::testing
