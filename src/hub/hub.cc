#include "hub/hub.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "base/assert.h"

namespace halley::hub {
namespace {

uint64_t& SkippedBy(Accounting& books, SkipReason reason) {
  return books.skipped[static_cast<size_t>(reason)];
}

}  // namespace

Hub::Hub(const HubLimits& limits)
    : limits_(limits), everyone_(limits.accept_sets), lingering_(limits.room_types.size() + 1) {
  HALLEY_ASSERT(limits.buckets > 0);
  buckets_.reserve(limits.buckets);
  for (uint32_t i = 0; i < limits.buckets; ++i) buckets_.emplace_back(&channels_);
}

Hub::~Hub() {
  for (uint32_t slot = 0; slot < channels_.size(); ++slot) {
    if (channels_[slot].live) RemoveChannel(slot);
  }
}

// --- channels

void Hub::AddChannel(const Identity& identity) {
  channels_.Reach(identity.slot);
  Channel& channel = channels_[identity.slot];
  HALLEY_ASSERT(!channel.live && channel.memberships.empty() && channel.outbox == kNone);
  channel.live = true;
  channel.held = channel.muted = channel.answered = false;
  channel.encoding = identity.encoding;
  channel.fd = identity.fd;
  channel.generation = identity.generation;
  channel.mid = identity.mid;
  channel.key = base::CompactText(identity.key);
  BucketOf(RoutingHash(channel.key.view())).AddKey(identity.slot);
  if (channel.mid != 0) BucketOfMid(channel.mid).AddMid(identity.slot);
  channel.accept_set =
      identity.every_op
          ? everyone_.TakeEvery()
          : everyone_.Take(std::vector<int32_t>(identity.accepts.begin(), identity.accepts.end()));
  HALLEY_ASSERT(wire::IsLongPoll(channel.encoding) == (identity.poll != nullptr));
  if (identity.poll != nullptr) polls_[identity.slot] = *identity.poll;
  EnterEveryone(identity.slot);
  ++channels_count_;
  ++channels_by_encoding_[static_cast<size_t>(channel.encoding)];
}

void Hub::Mute(uint32_t slot) {
  channels_[slot].muted = true;
  Hold(slot);
}

void Hub::Unmute(uint32_t slot) {
  if (!std::exchange(channels_[slot].muted, false)) return;
  Queue(slot);
}

bool Hub::Retire(uint32_t slot) {
  Channel& channel = channels_[slot];
  uint64_t bytes = channel.outbox == kNone ? 0 : outboxes_[channel.outbox].personal.bytes();
  for (const Membership& membership : channel.memberships) {
    const Lane& lane = *membership.lane;
    bytes += lane.log().head().offset - lane.PositionOf(membership.index).offset;
  }
  if (bytes > limits_.personal_queue_bytes) return false;
  LeaveRooms(slot);
  LeaveEveryone(slot, /*keep=*/true);
  return true;
}

void Hub::RemoveChannel(uint32_t slot) {
  Channel& channel = channels_[slot];
  HALLEY_ASSERT(channel.live);
  while (!channel.memberships.empty() && channel.memberships.back().lane->room() != nullptr) {
    LeaveLane(slot, channel.memberships.size() - 1, /*keep=*/false);
  }
  LeaveEveryone(slot, /*keep=*/false);
  everyone_.Give(channel.accept_set);
  channel.accept_set = kNone;
  if (channel.outbox != kNone) {
    Outbox& outbox = outboxes_[channel.outbox];
    SkippedBy(books_, SkipReason::kClosed) +=
        outbox.remainder.Clear(&chunks_, &receipts_) + outbox.personal.Clear(&chunks_, &receipts_);
    outbox.replies.Clear(&chunks_);
    ReleaseOutboxIfEmpty(channel);
  }
  BucketOf(RoutingHash(channel.key.view())).RemoveKey(slot);
  if (channel.mid != 0) BucketOfMid(channel.mid).RemoveMid(slot);
  channel.live = false;
  if (wire::IsLongPoll(channel.encoding)) {
    polls_.erase(slot);
    std::erase(answered_, slot);
  }
  Unblock(channel);
  channel.key = {};
  --channels_count_;
  --channels_by_encoding_[static_cast<size_t>(channel.encoding)];
}

void Hub::FindKey(std::string_view key, std::vector<uint32_t>* slots) const {
  for (uint32_t slot = BucketOf(RoutingHash(key)).FindKey(key); slot != kNone;
       slot = channels_[slot].next_same_key) {
    slots->push_back(slot);
  }
}

void Hub::FindMid(int64_t mid, std::vector<uint32_t>* slots) const {
  for (uint32_t slot = BucketOfMid(mid).FindMid(mid); slot != kNone;
       slot = channels_[slot].next_same_mid) {
    slots->push_back(slot);
  }
}

bool Hub::IsOnline(std::string_view key) const {
  return BucketOf(RoutingHash(key)).FindKey(key) != kNone;
}

// --- accept sets and the everyone room

void Hub::EnterEveryone(uint32_t slot) {
  Channel& channel = channels_[slot];
  AcceptSet& set = everyone_[channel.accept_set];
  if (set.laned) {
    JoinLane(slot, &set.lanes, nullptr);
    return;
  }
  channel.stray_index = static_cast<uint32_t>(strays_.size());
  strays_.push_back(slot);
}

void Hub::LeaveEveryone(uint32_t slot, bool keep) {
  Channel& channel = channels_[slot];
  if (channel.stray_index == kNone) {
    // One that has retired is in no lane.
    if (!channel.memberships.empty()) LeaveLane(slot, 0, keep);
    return;
  }
  const uint32_t last = strays_.back();
  strays_[channel.stray_index] = last;
  channels_[last].stray_index = channel.stray_index;
  strays_.pop_back();
  channel.stray_index = kNone;
}

bool Hub::AddAccepts(uint32_t slot, absl::Span<const int32_t> ops) {
  std::vector<int32_t> wanted = everyone_[channels_[slot].accept_set].ops;
  wanted.insert(wanted.end(), ops.begin(), ops.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (wanted.size() > limits_.ops) return false;
  ChangeAccepts(slot, std::move(wanted));
  return true;
}

void Hub::RemoveAccepts(uint32_t slot, absl::Span<const int32_t> ops) {
  std::vector<int32_t> wanted = everyone_[channels_[slot].accept_set].ops;
  std::erase_if(wanted, [&](int32_t op) { return absl::c_linear_search(ops, op); });
  ChangeAccepts(slot, std::move(wanted));
}

void Hub::ChangeAccepts(uint32_t slot, std::vector<int32_t> ops) {
  Channel& channel = channels_[slot];
  if (ops == everyone_[channel.accept_set].ops) return;
  LeaveEveryone(slot, /*keep=*/true);
  // The old one first: its lane may be the one that the cap has room for.
  everyone_.Give(channel.accept_set);
  channel.accept_set = everyone_.Take(std::move(ops));
  EnterEveryone(slot);
}

// --- rooms

Room* Hub::JoinRoom(uint32_t slot, std::string_view id) {
  Channel& channel = channels_[slot];
  HALLEY_ASSERT(channel.live);
  Bucket& bucket = BucketOf(RoutingHash(id));
  Room* room = bucket.FindRoom(id);
  for (const Membership& membership : channel.memberships) {
    if (room != nullptr && membership.lane->room() == room) return room;
  }
  if (room == nullptr) {
    room = bucket.AddRoom(id, TypeOf(id));
    ++rooms_count_;
    room_changes_.push_back({std::string(id), true});
  }
  JoinLane(slot, &room->lanes, room);
  return room;
}

void Hub::LeaveRooms(uint32_t slot) {
  Channel& channel = channels_[slot];
  while (!channel.memberships.empty() && channel.memberships.back().lane->room() != nullptr) {
    LeaveLane(slot, channel.memberships.size() - 1, /*keep=*/true);
  }
}

Room* Hub::RoomOf(uint32_t slot) const {
  for (const Membership& membership : channels_[slot].memberships) {
    if (membership.lane->room() != nullptr) return membership.lane->room();
  }
  return nullptr;
}

Room* Hub::FindRoom(std::string_view id) const { return BucketOf(RoutingHash(id)).FindRoom(id); }

void Hub::JoinLane(uint32_t slot, LaneSet* lanes, Room* room) {
  Channel& channel = channels_[slot];
  Lane* lane = lanes->Find(channel.encoding);
  if (lane == nullptr) {
    auto made = std::make_unique<Lane>(channel.encoding, room, LimitsOf(TypeOf(room)), shared_);
    lane = made.get();
    lanes->Add(std::move(made));
  }
  // The broadcast lane stands first, so that rooms can be left from the back.
  const auto where = room == nullptr ? channel.memberships.begin() : channel.memberships.end();
  channel.memberships.insert(where, {lane, kNone});
  lane->Join({channel.fd, slot, channel.generation, kInSync});
  if (!channel.held) return;
  for (const Membership& membership : channel.memberships) {
    if (membership.lane == lane) lane->MakeLagging(membership.index);
  }
}

void Hub::LeaveLane(uint32_t slot, size_t membership, bool keep) {
  Channel& channel = channels_[slot];
  const Membership left = channel.memberships[membership];
  if (keep) {
    KeepUnsent(slot, *left.lane, left.index);
  } else {
    left.lane->Skip(SkipReason::kClosed, left.lane->PositionOf(left.index).seq,
                    left.lane->log().head().seq);
  }
  left.lane->Leave(left.index);
  channel.memberships.erase(channel.memberships.begin() + static_cast<ptrdiff_t>(membership));
  NoteCongestion(*left.lane);
  if (!left.lane->empty()) return;
  Room* const room = left.lane->room();
  if (room == nullptr) {
    DropLane(&everyone_[channel.accept_set].lanes, left.lane);
    return;
  }
  DropLane(&room->lanes, left.lane);
  if (room->members() > 0) return;
  const std::string id(room->id());
  room_changes_.push_back({id, false});
  --rooms_count_;
  BucketOf(RoutingHash(id)).RemoveRoom(id);
}

void Hub::KeepUnsent(uint32_t slot, Lane& lane, uint32_t index) {
  const Log& log = lane.log();
  LogPosition position = lane.PositionOf(index);
  if (position == log.head()) return;
  Outbox& outbox = OutboxOf(slot);
  const bool torn = lane.Torn(index);
  for (bool rest = torn; position.seq < log.head().seq; rest = false) {
    const uint64_t end = log.MessageEnd(position.seq);
    MessageQueue& queue = rest ? outbox.remainder : outbox.personal;
    // The rest of a message that was begun is owed whatever the limits say.
    if (!rest && queue.bytes() + (end - position.offset) > limits_.personal_queue_bytes) {
      lane.Skip(SkipReason::kOverflow, position.seq, log.head().seq);
      break;
    }
    for (bool first = true; position.offset < end; first = false) {
      iovec part;
      log.Span(position.offset, end, &part, 1, &position.offset);
      const std::string_view bytes(static_cast<const char*>(part.iov_base), part.iov_len);
      if (first) {
        queue.Append(&chunks_, bytes, {}, lane.ReceiptOf(position.seq));
      } else {
        queue.Extend(&chunks_, bytes);
      }
    }
    ++position.seq;
  }
  Queue(slot);
}

void Hub::DropLane(LaneSet* lanes, Lane* lane) {
  HALLEY_ASSERT(lane != flushing_);
  if (lane->lingers_until_ns != 0) {
    lingering_[TypeOf(lane->room())].Remove(lane);
  } else if (lane->queued && std::erase(paced_, lane) == 0) {
    grown_.Remove(lane);
  }
  lanes->Remove(lane);
}

// --- outboxes

Outbox& Hub::OutboxOf(uint32_t slot) {
  Channel& channel = channels_[slot];
  if (channel.outbox == kNone) channel.outbox = outboxes_.Take();
  return outboxes_[channel.outbox];
}

void Hub::ReleaseOutboxIfEmpty(Channel& channel) {
  if (channel.outbox == kNone || !outboxes_[channel.outbox].empty()) return;
  outboxes_.Give(channel.outbox);
  channel.outbox = kNone;
}

void Hub::Queue(uint32_t slot) {
  Channel& channel = channels_[slot];
  if (channel.queued) return;
  channel.queued = true;
  own_.PushBack(slot);
}

// --- housekeeping

void Hub::OnRemainder(uint32_t slot, std::string_view bytes, bool first, uint32_t receipt) {
  Outbox& outbox = OutboxOf(slot);
  if (first) {
    outbox.remainder.Append(&chunks_, bytes, {}, receipt);
  } else {
    outbox.remainder.Extend(&chunks_, bytes);
  }
  if (outbox.remainder.bytes() > limits_.personal_queue_bytes) OnTooSlow(slot);
}

void Hub::OnTooSlow(uint32_t slot) {
  // A long poll that has its response will not get what it misses anyway.
  if (!channels_[slot].answered) too_slow_.push_back(slot);
}

void Hub::OnBehind(uint32_t slot) { Queue(slot); }

void Hub::FindStalled(std::vector<uint32_t>* slots) const {
  if (limits_.stall_timeout_ms == 0) return;
  blocked_list_.ForEach([&](uint32_t slot, uint64_t since_ms) {
    if (now_ms_ < since_ms + limits_.stall_timeout_ms) return false;
    slots->push_back(slot);
    return true;
  });
}

void Hub::FindSlowest(size_t count, std::vector<uint32_t>* slots) const {
  blocked_list_.ForEach([&](uint32_t slot, uint64_t) {
    if (count-- == 0) return false;
    slots->push_back(slot);
    return true;
  });
}

void Hub::Tick(uint64_t now_ms) {
  buckets_[tick_bucket_].ForEachRoom([&](const Room& room) {
    for (Lane& lane : room.lanes) lane.Enforce(now_ms, *this);
  });
  tick_bucket_ = (tick_bucket_ + 1) % buckets_.size();
  if (tick_bucket_ != 0) return;
  for (const uint32_t number : everyone_.laned_sets()) {
    for (Lane& lane : everyone_[number].lanes) lane.Enforce(now_ms, *this);
  }
}

void Hub::EnforceAll(uint64_t now_ms) {
  for (uint32_t i = 0; i < flows_.end(); ++i) {
    if (flows_[i].owner != nullptr) flows_[i].owner->Enforce(now_ms, *this);
  }
}

Accounting Hub::Books() const {
  Accounting books = books_;
  books.pending = 0;
  const auto count = [&](const LaneSet& lanes) {
    for (const Lane& lane : lanes) books.pending += lane.CountPending();
  };
  ForEachRoom([&](const Room& room) { count(room.lanes); });
  for (const uint32_t number : everyone_.laned_sets()) count(everyone_[number].lanes);
  for (uint32_t slot = 0; slot < channels_.size() && outboxes_.in_use() > 0; ++slot) {
    const Channel& channel = channels_[slot];
    if (channel.outbox == kNone) continue;
    const Outbox& outbox = outboxes_[channel.outbox];
    books.pending += outbox.remainder.messages() + outbox.personal.messages();
  }
  books.log_bytes = pages_.in_use_bytes();
  books.queue_bytes = chunks_.in_use_bytes();
  return books;
}

}  // namespace halley::hub
