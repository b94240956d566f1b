// Lane: what the log lets go of, and who skips for it.
#include <algorithm>

#include "base/assert.h"
#include "hub/lane.h"

namespace halley::hub {
namespace {

// Below this a lane with lagging members does not look for the slowest of them.
constexpr uint64_t kTrimScanBytesMin = 65536;
// Of its limit, what a log may keep under pressure.
constexpr uint64_t kShortLogShare = 4;

}  // namespace

void Lane::Enforce(uint64_t now_ms, LaneEvents& events) {
  if (log().bytes_held() == 0) return;
  Flow& flow = Work();
  const Log& held = flow.log;
  const bool too_much =
      held.bytes_held() > limits_.log_bytes || held.messages_held() > limits_.log_messages;
  const bool too_old = held.oldest_ms() + limits_.log_age_ms < now_ms;
  const bool pressed =
      shared_.pressure->short_logs && held.bytes_held() > limits_.log_bytes / kShortLogShare;
  const bool nothing_kept = shared_.pressure->skip_low && limits_.low_class;
  if (!too_much && !too_old && !pressed && !nothing_kept) return;
  flow.trim_at_bytes = 0;
  TrimToReaders();
  if (flow_ == kNone) return;
  LogPosition tail = held.tail();
  SkipReason why = SkipReason::kOverflow;
  // A quarter at once, so that the walk over lagging members is paid by many appends.
  if (too_much) tail = held.TailForLimits(limits_.log_bytes / 4 * 3, limits_.log_messages / 4 * 3);
  // The rest is for those who lag alone: a paced pass may take its time.
  const LogPosition kept = flow.pass_active ? flow.from : flow.settled;
  const auto let_go = [&](LogPosition to, SkipReason reason) {
    if (kept.offset < to.offset) to = kept;
    if (to.offset <= tail.offset) return;
    tail = to;
    why = reason;
  };
  if (too_old) let_go(held.TailForAge(now_ms - limits_.log_age_ms), SkipReason::kOverflow);
  if (pressed) {
    let_go(held.TailForLimits(limits_.log_bytes / kShortLogShare, limits_.log_messages),
           SkipReason::kMemory);
  }
  if (nothing_kept) let_go(kept, SkipReason::kMemory);
  if (tail.offset > held.tail().offset) LetGo(tail, why, events);
}

void Lane::LetGo(LogPosition tail, SkipReason why, LaneEvents& events) {
  Flow& flow = Work();
  if (!flow.pass_active) {
    if (flow.settled.offset < tail.offset) {
      Skip(why, flow.settled.seq, tail.seq, synced_);
      flow.settled = tail;
    }
  } else if (flow.to.offset <= tail.offset) {
    Skip(why, flow.from.seq, tail.seq, synced_ - done_);
    Skip(why, flow.to.seq, tail.seq, done_);
    flow.settled = tail;
    flow.pass_active = false;
    done_ = synced_;
  } else if (flow.from.offset < tail.offset) {
    Skip(why, flow.from.seq, tail.seq, synced_ - done_);
    flow.from = tail;
  }
  for (uint32_t index = synced_; index < members_.size(); ++index) {
    if (CursorOf(index).position.offset < tail.offset) SkipMember(index, tail, why, events);
  }
  flow.log.Trim(tail);
}

void Lane::SkipMember(uint32_t index, LogPosition tail, SkipReason why, LaneEvents& events) {
  Flow& flow = Work();
  Cursor& cursor = CursorOf(index);
  const uint32_t slot = members_[index].slot;
  LogPosition position = cursor.position;
  if (!flow.log.OnBoundary(position)) {
    const uint64_t end = flow.log.MessageEnd(position.seq);
    uint64_t at = position.offset;
    for (bool first = true; at < end; first = false) {
      iovec part;
      flow.log.Span(at, end, &part, 1, &at);
      events.OnRemainder(slot, {static_cast<const char*>(part.iov_base), part.iov_len}, first,
                         ReceiptOf(position.seq));
    }
    position = {end, position.seq + 1};
  }
  LogPosition to = tail;
  // Age may let go of the newest message too; then there is nothing to go on with.
  if (limits_.overflow == Overflow::kLatest && tail.seq < flow.log.head().seq) {
    const uint64_t newest = flow.log.head().seq - 1;
    to = {flow.log.MessageStart(newest), newest};
  }
  if (position.offset < to.offset) {
    Skip(why, position.seq, to.seq);
    events.OnSkipped(slot, to.seq - position.seq, why);
    position = to;
  }
  cursor.position = position;
  if (limits_.overflow == Overflow::kClose) events.OnTooSlow(slot);
}

void Lane::TrimToReaders() {
  if (flow_ == kNone) return;
  Flow& flow = Work();
  LogPosition needed = flow.pass_active ? flow.from : flow.settled;
  if (lagging() > 0) {
    if (flow.log.bytes_held() < flow.trim_at_bytes) return;
    for (uint32_t index = synced_; index < members_.size(); ++index) {
      const LogPosition& position = CursorOf(index).position;
      if (position.offset < needed.offset) needed = position;
    }
  }
  flow.log.Trim(needed);
  std::erase_if(flow.marks, [&](const Mark& mark) { return mark.seq < flow.log.tail().seq; });
  flow.trim_at_bytes = std::max(kTrimScanBytesMin, 2 * flow.log.bytes_held());
  EndWhenQuiet();
}

}  // namespace halley::hub
