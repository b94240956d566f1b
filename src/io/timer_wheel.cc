#include "io/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace halley::io {

namespace {

constexpr uint32_t kWordBits = 64;

}  // namespace

TimerWheel::TimerWheel(uint64_t now_ns, uint32_t buckets)
    : origin_tick_(now_ns / kTickNs), heads_(buckets, kNone), occupied_(buckets / kWordBits) {
  HALLEY_ASSERT(buckets >= kWordBits && std::has_single_bit(buckets));
}

void TimerWheel::Set(uint32_t id, uint64_t deadline_ns) {
  HALLEY_ASSERT(id <= kIdMax);
  nodes_.Reach(id);
  const uint64_t deadline_tick = deadline_ns / kTickNs + (deadline_ns % kTickNs != 0 ? 1 : 0);
  const uint64_t first = tick_ + (resume_ != kNone ? 1 : 0);
  // 2^32 ticks are 17 years; what is further away is kept at the end of time.
  const uint64_t relative =
      std::clamp<uint64_t>(deadline_tick - std::min(deadline_tick, origin_tick_), first, kNone - 1);
  const auto tick = static_cast<uint32_t>(relative);
  if (nodes_[id].tick == tick) return;
  Clear(id);
  Link(id, tick);
}

void TimerWheel::Clear(uint32_t id) {
  if (IsSet(id)) Unlink(id);
}

bool TimerWheel::IsSet(uint32_t id) const { return id < nodes_.size() && nodes_[id].tick != kNone; }

void TimerWheel::Link(uint32_t id, uint32_t tick) {
  const uint32_t bucket = BucketOf(tick);
  Node& node = nodes_[id];
  node.tick = tick;
  node.prev = kNone;
  node.next = heads_[bucket];
  if (node.next != kNone) nodes_[node.next].prev = id;
  heads_[bucket] = id;
  occupied_[bucket / kWordBits] |= uint64_t{1} << (bucket % kWordBits);
  ++size_;
}

void TimerWheel::Unlink(uint32_t id) {
  Node& node = nodes_[id];
  const uint32_t bucket = BucketOf(node.tick);
  if (resume_ == id) resume_ = node.next;
  if (node.next != kNone) nodes_[node.next].prev = node.prev;
  if (node.prev != kNone) {
    nodes_[node.prev].next = node.next;
  } else {
    heads_[bucket] = node.next;
    if (node.next == kNone) {
      occupied_[bucket / kWordBits] &= ~(uint64_t{1} << (bucket % kWordBits));
    }
  }
  node = Node{};
  --size_;
}

bool TimerWheel::Advance(uint64_t now_ns, size_t budget, std::vector<uint32_t>* expired) {
  const auto now_tick =
      static_cast<uint32_t>(now_ns / kTickNs - std::min(now_ns / kTickNs, origin_tick_));
  // After a long pause one round finds everything that is due.
  if (now_tick >= tick_ && now_tick - tick_ >= buckets()) {
    tick_ = now_tick - buckets() + 1;
    resume_ = kNone;
  }
  while (tick_ <= now_tick) {
    if (!ExpireBucket(now_tick, &budget, expired)) return false;
    ++tick_;
  }
  return true;
}

bool TimerWheel::ExpireBucket(uint32_t now_tick, size_t* budget, std::vector<uint32_t>* expired) {
  uint32_t id = resume_ != kNone ? resume_ : heads_[BucketOf(tick_)];
  resume_ = kNone;
  while (id != kNone) {
    if (*budget == 0) {
      resume_ = id;
      return false;
    }
    --*budget;
    const uint32_t next = nodes_[id].next;
    if (nodes_[id].tick <= now_tick) {
      Unlink(id);
      expired->push_back(id);
    }
    id = next;
  }
  return true;
}

uint64_t TimerWheel::NextDeadlineNs() const {
  if (size_ == 0) return kNever;
  const uint32_t words = buckets() / kWordBits;
  const uint32_t start = BucketOf(tick_);
  // The first word is looked at twice: its bits from `start` on, and the others a round later.
  for (uint32_t step = 0; step <= words; ++step) {
    const uint32_t word_index = (start / kWordBits + step) % words;
    uint64_t word = occupied_[word_index];
    if (step == 0) word &= ~uint64_t{0} << (start % kWordBits);
    if (word == 0) continue;
    const uint32_t bucket = word_index * kWordBits + static_cast<uint32_t>(std::countr_zero(word));
    return (origin_tick_ + tick_ + BucketOf(bucket - start)) * kTickNs;
  }
  return kNever;
}

}  // namespace halley::io
