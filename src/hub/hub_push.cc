// Hub: taking messages in.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "hub/hub.h"
#include "hub/layouts.h"

namespace halley::hub {

void Hub::PushOne(uint32_t slot, const Push& push, Layouts& layouts, PersonalOutcome* outcome) {
  ++outcome->channels;
  const Channel& channel = channels_[slot];
  if (!everyone_[channel.accept_set].Contains(push.op)) {
    ++outcome->filtered;
    ++books_.filtered;
    return;
  }
  const Layout& layout = layouts.For(channel.encoding);
  if (channel.answered || !MakeRoom(slot, &OutboxOf(slot), layout.bytes())) {
    ++outcome->refused;
    ++books_.refused;
    return;
  }
  const std::string_view prefix = wire::IsLongPoll(channel.encoding)
                                      ? BeginAnswer(slot, layout.bytes())
                                      : layout.prefix();
  Outbox& outbox = OutboxOf(slot);
  if (outbox.personal.empty()) outbox.taken_ns = channel.held ? 0 : push.taken_ns;
  outbox.personal.Append(&chunks_, prefix, layout.body(), push.receipt);
  receipts_.Expect(push.receipt, 1);
  ++books_.expected;
  ++outcome->taken;
  Queue(slot);
}

// Room for `bytes` more, by the policy; false: they are refused. A message larger than the queue is
// taken when it would be alone.
bool Hub::MakeRoom(uint32_t slot, Outbox* outbox, uint64_t bytes) {
  const uint64_t limit = limits_.personal_queue_bytes;
  if (outbox->personal.empty() || outbox->personal.bytes() + bytes <= limit) return true;
  uint64_t keep = 0;
  switch (limits_.personal_overflow) {
    case PersonalOverflow::kRefuse: return false;
    case PersonalOverflow::kClose: too_slow_.push_back(slot); return false;
    case PersonalOverflow::kSkip: keep = bytes > limit ? 0 : limit - bytes; break;
    case PersonalOverflow::kLatest: break;
  }
  const uint64_t dropped = outbox->DropOldest(&chunks_, keep, &receipts_);
  books_.skipped[static_cast<size_t>(SkipReason::kOverflow)] += dropped;
  if (dropped > 0) OnSkipped(slot, dropped, SkipReason::kOverflow);
  return true;
}

// To compress for one client costs more than it saves.
Layouts Hub::PersonalLayouts(const Push& push) {
  return Layouts(push, /*deflate_bytes=*/0, &layout_memory_);
}

PersonalOutcome Hub::PushKey(std::string_view key, const Push& push) {
  ++books_.pushed;
  PersonalOutcome outcome;
  Layouts layouts = PersonalLayouts(push);
  for (uint32_t slot = BucketOf(RoutingHash(key)).FindKey(key); slot != kNone;
       slot = channels_[slot].next_same_key) {
    PushOne(slot, push, layouts, &outcome);
  }
  return outcome;
}

PersonalOutcome Hub::PushMid(int64_t mid, const Push& push) {
  ++books_.pushed;
  PersonalOutcome outcome;
  Layouts layouts = PersonalLayouts(push);
  for (uint32_t slot = BucketOfMid(mid).FindMid(mid); slot != kNone;
       slot = channels_[slot].next_same_mid) {
    PushOne(slot, push, layouts, &outcome);
  }
  return outcome;
}

uint64_t Hub::PushRoom(std::string_view id, const Push& push, uint64_t now_ms) {
  ++books_.pushed;
  Room* room = FindRoom(id);
  if (room == nullptr) return 0;
  uint64_t taken = 0;
  Layouts layouts(push, limits_.deflate_bytes, &layout_memory_);
  for (Lane& lane : room->lanes) {
    taken += AppendTo(lane, push, layouts, now_ms, 0);
  }
  return taken;
}

uint64_t Hub::PushAll(const Push& push, uint32_t pace, uint64_t now_ms) {
  ++books_.pushed;
  uint64_t taken = 0;
  Layouts layouts(push, limits_.deflate_bytes, &layout_memory_);
  for (const uint32_t number : everyone_.laned_sets()) {
    AcceptSet& set = everyone_[number];
    if (!set.Contains(push.op)) continue;
    for (Lane& lane : set.lanes) {
      const uint64_t share =
          pace == 0 ? 0 : std::max<uint64_t>(pace * lane.members() / channels_count_, 1);
      taken += AppendTo(lane, push, layouts, now_ms, static_cast<uint32_t>(share));
    }
  }
  PersonalOutcome strays;
  Layouts personal = PersonalLayouts(push);
  for (const uint32_t slot : strays_) {
    // A broadcast that nobody watches there is not a personal push that was filtered.
    if (everyone_[channels_[slot].accept_set].Contains(push.op)) {
      PushOne(slot, push, personal, &strays);
    }
  }
  return taken + strays.taken;
}

// For how many.
uint64_t Hub::AppendTo(Lane& lane, const Push& push, Layouts& layouts, uint64_t now_ms,
                       uint32_t pace) {
  const Layout& layout = layouts.For(lane.encoding());
  // push.body_bytes stays below that, but as text a body can be several times as long.
  if (layout.bytes() > kMessageBytesMax) {
    books_.refused += lane.members();
    return 0;
  }
  lane.Append(layout.prefix(), layout.body(), now_ms, pace, push.receipt, push.taken_ns);
  lane.Enforce(now_ms, *this);
  Grow(lane);
  return lane.members();
}

void Hub::Grow(Lane& lane) {
  NoteCongestion(lane);
  if (lane.lingers_until_ns != 0) {
    // It has waited for more, and here that came.
    if (lane.LingerUntilNs() != 0) return;
    lingering_[TypeOf(lane.room())].Remove(&lane);
    lane.lingers_until_ns = 0;
  } else if (lane.queued) {
    return;
  }
  QueueForFlush(lane);
}

void Hub::NoteCongestion(Lane& lane) {
  const uint64_t high = lane.limits().log_bytes / 4;
  // A paced broadcast is late on purpose; that must not hold back every other push.
  const uint64_t backlog = lane.empty() || lane.paced() ? 0 : lane.backlog_bytes();
  if (!lane.congested && backlog > high) {
    lane.congested = true;
    ++congested_;
  } else if (lane.congested && backlog <= high / 2) {
    lane.congested = false;
    --congested_;
  }
}

void Hub::Reply(uint32_t slot, std::string_view bytes) {
  HALLEY_ASSERT(Live(slot));
  if (bytes.empty()) return;
  Channel& channel = channels_[slot];
  if (wire::IsLongPoll(channel.encoding) && std::exchange(channel.answered, true)) return;
  OutboxOf(slot).replies.Append(&chunks_, bytes, {});
  Queue(slot);
}

uint64_t Hub::UnsentReplyBytes(uint32_t slot) const {
  const uint32_t outbox = channels_[slot].outbox;
  return outbox == kNone ? 0 : outboxes_[outbox].replies.bytes();
}

}  // namespace halley::hub
