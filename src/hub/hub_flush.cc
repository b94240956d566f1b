// Hub: giving messages out.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "hub/hub.h"

namespace halley::hub {

// --- what channels have of their own

bool Hub::PlanOne(uint32_t slot, SendPlan* plan) {
  if (!Live(slot) || channels_[slot].blocked()) return false;
  Gather(slot, plan);
  return plan->parts_count > 0;
}

size_t Hub::PlanOwn(absl::Span<SendPlan> plans) {
  size_t count = 0;
  for (size_t left = own_.size(); left > 0 && count < plans.size(); --left) {
    const uint32_t slot = own_.PopFront();
    Channel& channel = channels_[slot];
    channel.queued = false;
    // A slot may have closed, blocked or been muted since it was queued.
    if (!channel.live || channel.blocked() || channel.muted) continue;
    SendPlan& plan = plans[count];
    Gather(slot, &plan);
    if (plan.parts_count == 0) {
      CatchUp(slot);
      continue;
    }
    ++count;
  }
  return count;
}

void Hub::Gather(uint32_t slot, SendPlan* plan) {
  Channel& channel = channels_[slot];
  plan->slot = slot;
  plan->fd = channel.fd;
  plan->parts_count = 0;
  plan->bytes = 0;
  plan->segments.clear();
  const Outbox* outbox = channel.outbox == kNone ? nullptr : &outboxes_[channel.outbox];
  if (channel.muted) {
    if (outbox != nullptr) {
      GatherQueue(outbox->replies, SendPlan::Source::kReplies, 0, kPlanBytesMax, plan);
    }
    return;
  }
  const bool poll = wire::IsLongPoll(channel.encoding);
  if (poll && !channel.answered) {
    AnswerFromLanes(slot);
    outbox = channel.outbox == kNone ? nullptr : &outboxes_[channel.outbox];
  }
  // A message that was begun is finished first: at most one of these three is torn.
  uint64_t personal_begun = 0;
  if (outbox != nullptr) {
    GatherQueue(outbox->remainder, SendPlan::Source::kRemainder, 0, kPlanBytesMax, plan);
    if (outbox->personal.torn()) {
      personal_begun = outbox->personal.front_left();
      GatherQueue(outbox->personal, SendPlan::Source::kPersonal, 0, personal_begun, plan);
    }
  }
  for (const Membership& membership : channel.memberships) {
    Lane& lane = *membership.lane;
    if (!lane.Torn(membership.index)) continue;
    const LogPosition position = lane.PositionOf(membership.index);
    GatherLane(lane, position.offset, lane.log().MessageEnd(position.seq), plan);
  }
  if (outbox != nullptr) {
    GatherQueue(outbox->replies, SendPlan::Source::kReplies, 0, kPlanBytesMax, plan);
    GatherQueue(outbox->personal, SendPlan::Source::kPersonal, personal_begun, kPlanBytesMax, plan);
  }
  if (poll) return;
  for (const Membership& membership : channel.memberships) {
    Lane& lane = *membership.lane;
    if (lane.InSync(membership.index)) continue;
    LogPosition position = lane.PositionOf(membership.index);
    if (lane.Torn(membership.index)) position.offset = lane.log().MessageEnd(position.seq);
    GatherLane(lane, position.offset, lane.Target().offset, plan);
  }
}

void Hub::GatherQueue(const MessageQueue& queue, SendPlan::Source source, uint64_t skip,
                      uint64_t bytes_max, SendPlan* plan) const {
  const size_t room = SendPlan::kPartsMax - plan->parts_count;
  const uint64_t left = std::min(bytes_max, kPlanBytesMax - plan->bytes);
  if (room == 0 || left == 0 || skip >= queue.bytes()) return;
  uint64_t bytes = 0;
  plan->parts_count += static_cast<uint32_t>(
      queue.Span(skip, left, plan->parts + plan->parts_count, room, &bytes));
  plan->segments.push_back({source, nullptr, bytes});
  plan->bytes += bytes;
}

void Hub::GatherLane(Lane& lane, uint64_t from, uint64_t to, SendPlan* plan) const {
  const size_t room = SendPlan::kPartsMax - plan->parts_count;
  if (room == 0 || from >= to || plan->bytes >= kPlanBytesMax) return;
  to = std::min(to, from + (kPlanBytesMax - plan->bytes));
  uint64_t reached = from;
  plan->parts_count += static_cast<uint32_t>(
      lane.log().Span(from, to, plan->parts + plan->parts_count, room, &reached));
  plan->segments.push_back({SendPlan::Source::kLane, &lane, reached - from});
  plan->bytes += reached - from;
}

void Hub::SettleOwn(const SendPlan& plan, int64_t result) {
  Channel& channel = channels_[plan.slot];
  HALLEY_ASSERT(channel.live);
  const auto taken = static_cast<uint64_t>(std::max<int64_t>(result, 0));
  ConsumePlan(plan, taken);
  if (taken < plan.bytes) {
    Block(plan.slot);
    return;
  }
  if (channel.outbox != kNone) {
    Outbox& outbox = outboxes_[channel.outbox];
    if (outbox.taken_ns != 0 && outbox.personal.empty()) {
      sent_.push_back(std::exchange(outbox.taken_ns, 0));
    }
  }
  CatchUp(plan.slot);
}

void Hub::ConsumePlan(const SendPlan& plan, uint64_t taken) {
  Channel& channel = channels_[plan.slot];
  for (const SendPlan::Segment& segment : plan.segments) {
    const uint64_t bytes = std::min(segment.bytes, taken);
    taken -= bytes;
    if (bytes == 0) return;
    switch (segment.source) {
      case SendPlan::Source::kRemainder:
        books_.delivered += outboxes_[channel.outbox].remainder.Consume(&chunks_, bytes, &receipts_);
        break;
      case SendPlan::Source::kPersonal:
        books_.delivered += outboxes_[channel.outbox].personal.Consume(&chunks_, bytes, &receipts_);
        break;
      case SendPlan::Source::kReplies:
        outboxes_[channel.outbox].replies.Consume(&chunks_, bytes);
        break;
      case SendPlan::Source::kLane:
        for (const Membership& membership : channel.memberships) {
          if (membership.lane == segment.lane) segment.lane->AdvanceCursor(membership.index, bytes);
        }
        break;
    }
  }
}

// Everything planned was taken: back in sync where that is possible, else queued for more.
void Hub::CatchUp(uint32_t slot) {
  Channel& channel = channels_[slot];
  ReleaseOutboxIfEmpty(channel);
  // It was told something with PlanOne(), and stays held all the same.
  if (channel.muted) return;
  if (channel.answered && channel.outbox == kNone) {
    answered_.push_back(slot);
    return;
  }
  if (AnythingTorn(channel)) {
    // The plan was full and ended within a message.
    Hold(slot);
    Queue(slot);
    return;
  }
  channel.held = false;
  // TryRejoin() may move members about, never the memberships.
  for (const Membership& membership : channel.memberships) {
    membership.lane->TryRejoin(membership.index, *this);
  }
  if (channel.outbox != kNone) Queue(slot);
}

bool Hub::AnythingTorn(const Channel& channel) const {
  if (channel.outbox != kNone) {
    const Outbox& outbox = outboxes_[channel.outbox];
    if (!outbox.remainder.empty() || outbox.replies.torn() || outbox.personal.torn()) return true;
  }
  for (const Membership& membership : channel.memberships) {
    if (membership.lane->Torn(membership.index)) return true;
  }
  return false;
}

void Hub::Block(uint32_t slot) {
  Channel& channel = channels_[slot];
  HALLEY_ASSERT(!channel.blocked());
  channel.blocked_node = blocked_list_.Add(slot, now_ms_);
  if (channel.outbox != kNone) outboxes_[channel.outbox].taken_ns = 0;
  Hold(slot);
}

void Hub::Unblock(Channel& channel) {
  if (channel.blocked()) blocked_list_.Remove(std::exchange(channel.blocked_node, kNone));
}

void Hub::Hold(uint32_t slot) {
  Channel& channel = channels_[slot];
  channel.held = true;
  for (const Membership& membership : channel.memberships) {
    membership.lane->MakeLagging(membership.index);
  }
}

void Hub::OnWritable(uint32_t slot) {
  Channel& channel = channels_[slot];
  if (!channel.live || !channel.blocked()) return;
  Unblock(channel);
  Queue(slot);
}

bool Hub::Drained(uint32_t slot) const {
  const Channel& channel = channels_[slot];
  if (channel.outbox != kNone) return false;
  for (const Membership& membership : channel.memberships) {
    const Lane& lane = *membership.lane;
    if (lane.PositionOf(membership.index) != lane.log().head()) return false;
  }
  return true;
}

// --- fan-out

void Hub::QueueForFlush(Lane& lane) {
  lane.queued = true;
  const uint64_t until_ns = linger_ ? lane.LingerUntilNs() : 0;
  if (until_ns == 0) {
    grown_.PushBack(&lane);
    return;
  }
  lane.lingers_until_ns = until_ns;
  lingering_[TypeOf(lane.room())].PushInOrder(&lane);
  if (linger_until_ns_ == 0 || until_ns < linger_until_ns_) linger_until_ns_ = until_ns;
}

void Hub::EndLingering(uint64_t now_ns) {
  if (linger_until_ns_ == 0 || now_ns < linger_until_ns_) return;
  linger_until_ns_ = 0;
  for (LaneQueue& queue : lingering_) {
    while (!queue.empty() && queue.front()->lingers_until_ns <= now_ns) {
      Lane* const lane = queue.PopFront();
      lane->lingers_until_ns = 0;
      grown_.PushBack(lane);
    }
    if (queue.empty()) continue;
    const uint64_t until_ns = queue.front()->lingers_until_ns;
    if (linger_until_ns_ == 0 || until_ns < linger_until_ns_) linger_until_ns_ = until_ns;
  }
}

void Hub::StopLingering() {
  linger_ = false;
  EndLingering(UINT64_MAX);
}

bool Hub::NextLaneSlice(size_t sends, uint64_t now_ns, Slice* slice) {
  HALLEY_ASSERT(flushing_ == nullptr);
  EndLingering(now_ns);
  for (size_t i = paced_.size(); i-- > 0;) {
    if (paced_[i]->paced_until_ns() > now_ns) continue;
    grown_.PushBack(paced_[i]);
    paced_[i] = paced_.back();
    paced_.pop_back();
  }
  for (size_t lagged = 0; !grown_.empty() && lagged < sends; lagged += slice->targets.size()) {
    Lane* lane = grown_.PopFront();
    *slice = lane->NextSlice(sends, now_ns, *this);
    NoteCongestion(*lane);
    if (!slice->targets.empty()) {
      flushing_ = lane;
      if (!wire::IsLongPoll(lane->encoding())) return true;
      LetTargetsLag(*slice);
    } else if (lane->grown()) {
      paced_.push_back(lane);
    } else {
      lane->queued = false;
    }
  }
  return false;
}

void Hub::CompleteLaneSlice(absl::Span<const base::SendException> exceptions) {
  HALLEY_ASSERT(flushing_ != nullptr);
  Lane& lane = *flushing_;
  flushing_ = nullptr;
  blocked_.clear();
  lane.CompleteSlice(exceptions, &blocked_);
  for (const uint32_t slot : blocked_) {
    // A long poll has taken nothing because nothing was sent.
    if (wire::IsLongPoll(lane.encoding())) {
      Queue(slot);
    } else {
      Block(slot);
    }
  }
  NoteCongestion(lane);
  if (lane.grown()) {
    QueueForFlush(lane);
  } else {
    lane.queued = false;
  }
}

uint64_t Hub::HeldBackUntilNs() const {
  uint64_t soonest = linger_until_ns_;
  for (const Lane* lane : paced_) {
    const uint64_t until = lane->paced_until_ns();
    if (soonest == 0 || until < soonest) soonest = until;
  }
  return soonest;
}

}  // namespace halley::hub
