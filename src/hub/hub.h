// Hub: the buckets, rooms and lanes of one shard, and what its channels still have to be sent.
//
// Knows neither kernel nor clock: the shard tells it the time, asks it what to send, and reports
// what was taken. One turn of sending goes
//
//     PlanOwn() / SettleOwn()            what channels have of their own, and lagging members
//     NextLaneSlice() / CompleteLaneSlice()   fan-out to members in sync
//
// Nothing is sent to a channel between its two calls, and never from two sources at once: a channel
// within a message (torn), or whose socket is full (blocked), is *held*: lagging in all its lanes
// until it has caught up.
//
// A *long poll* is a channel that gets one message and is to be closed. What is around the message
// is its own, so its lanes are sent to nobody: a slice makes its targets lag, and each gets the first
// message that waits for it, or was pushed to it, as one of its own (hub_poll.cc).
//
// Threads    One shard's.
// Ownership  Owns channels, rooms, lanes and queued bytes. Descriptors are numbers it passes on.
// Invariant  Accounting's identity; see accounting.h.
// Limits     HubLimits.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "base/chunked_array.h"
#include "base/fanout.h"
#include "base/ring_buffer.h"
#include "hub/accounting.h"
#include "hub/blocked_list.h"
#include "hub/bucket.h"
#include "hub/everyone.h"
#include "hub/lane.h"
#include "hub/lane_queue.h"
#include "hub/layouts.h"
#include "hub/outbox.h"
#include "wire/long_poll.h"

namespace halley::hub {

// Rooms whose id begins with "name://".
struct RoomTypeLimits {
  std::string name;
  LaneLimits lane;
};

// What happens to a personal push that finds its queue full.
enum class PersonalOverflow : uint8_t {
  kRefuse,  // it is refused, and the pusher told
  kSkip,    // the oldest that wait make room
  kLatest,  // all that wait make room
  kClose,   // it is refused, and the connection closed
};

struct HubLimits {
  LaneLimits lane;  // of rooms without a type of their own, and of everyone
  // Lanes keep their addresses: more may come behind, none may go.
  std::deque<RoomTypeLimits> room_types;
  uint64_t personal_queue_bytes = 65536;
  PersonalOverflow personal_overflow = PersonalOverflow::kRefuse;
  uint64_t stall_timeout_ms = 120'000;  // a full socket that takes nothing for so long; 0: for ever
  uint32_t accept_sets = 1024;  // with a lane of their own
  uint32_t ops = 256;           // in one accept set
  uint32_t buckets = 64;
  // Messages of so many bytes on are compressed for lanes of IsDeflate(); 0: none.
  uint64_t deflate_bytes = 0;
  // What is to be added to the time to have milliseconds since 1970.
  uint64_t wall_offset_ms = 0;
};

// What a new channel is.
struct Identity {
  uint32_t slot = 0;
  uint32_t generation = 0;
  int32_t fd = -1;
  wire::Encoding encoding = wire::Encoding::kGoimTcp;
  int64_t mid = 0;
  std::string_view key;
  absl::Span<const int32_t> accepts;
  bool every_op = false;  // whatever they are: its protocol knows no ops
  const wire::LongPoll* poll = nullptr;  // where the encoding is that of one
};

// What an observed channel will never get.
struct Skipped {
  uint32_t slot;
  uint64_t messages;
  SkipReason why;
};

// How a personal push fared over the channels of one key or mid.
struct PersonalOutcome {
  uint32_t channels = 0;  // found
  uint32_t taken = 0;
  uint32_t filtered = 0;  // do not watch the op
  uint32_t refused = 0;   // their queue is full
};

// One channel's own bytes, gathered into one send. Valid until SettleOwn().
struct SendPlan {
  static constexpr size_t kPartsMax = 16;

  uint32_t slot = 0;
  int32_t fd = -1;
  uint32_t parts_count = 0;
  iovec parts[kPartsMax];

 private:
  friend class Hub;
  enum class Source : uint8_t { kRemainder, kReplies, kPersonal, kLane };
  struct Segment {
    Source source;
    Lane* lane;  // for kLane
    uint64_t bytes;
  };
  absl::InlinedVector<Segment, 8> segments;
  uint64_t bytes = 0;
};

class Hub final : private LaneEvents {
 public:
  explicit Hub(const HubLimits& limits);
  ~Hub() override;

  // --- channels
  // Adds a channel; its slot is free, and the caller has applied the duplicate-key policy.
  void AddChannel(const Identity& identity);
  // What the channel is owed waits until Unmute(), so that the answer to its login is the first it
  // hears; a farewell may still be sent with PlanOne().
  void Mute(uint32_t slot);
  void Unmute(uint32_t slot);
  // Takes it out of its rooms and of everyone's; what it is owed from there moves to its own queue, so
  // that it can be sent the rest and nothing more but what is pushed to itself. False: the queue has
  // no room for it, and nothing was changed. All that may follow is to send, and RemoveChannel().
  [[nodiscard]] bool Retire(uint32_t slot);
  // Removes it from everywhere; what it had not been sent is counted as skipped (closed).
  void RemoveChannel(uint32_t slot);
  bool Live(uint32_t slot) const { return slot < channels_.size() && channels_[slot].live; }
  const Channel& channel(uint32_t slot) const { return channels_[slot]; }
  uint64_t channels_count() const { return channels_count_; }
  using EncodingCounts = std::array<uint64_t, wire::kEncodingsCount>;
  const EncodingCounts& channels_by_encoding() const { return channels_by_encoding_; }
  // Channels with this key, newest first; appended to `slots`.
  void FindKey(std::string_view key, std::vector<uint32_t>* slots) const;
  void FindMid(int64_t mid, std::vector<uint32_t>* slots) const;
  bool IsOnline(std::string_view key) const;

  // Adds to or takes from the accept set. False: it would exceed its limit; nothing was changed.
  [[nodiscard]] bool AddAccepts(uint32_t slot, absl::Span<const int32_t> ops);
  void RemoveAccepts(uint32_t slot, absl::Span<const int32_t> ops);

  bool Accepts(uint32_t slot, int32_t op) const {
    return everyone_[channels_[slot].accept_set].Contains(op);
  }
  // While it is observed, what it skips for being slow is told by TakeSkipped().
  void Observe(uint32_t slot, bool on);
  std::vector<Skipped> TakeSkipped() { return std::exchange(skipped_, {}); }

  // --- rooms
  // Joins a room; joining one it is in already changes nothing. The room.
  Room* JoinRoom(uint32_t slot, std::string_view id);
  // Leaves every room; what was not sent yet moves to the channel's own queue.
  void LeaveRooms(uint32_t slot);
  // The room the channel is in (the first, where it is in several); null for none.
  Room* RoomOf(uint32_t slot) const;
  bool InRoom(uint32_t slot, std::string_view id) const;
  Room* FindRoom(std::string_view id) const;
  uint64_t rooms_count() const { return rooms_count_; }
  template <typename Visitor>
  void ForEachRoom(Visitor visit) const {
    for (const Bucket& bucket : buckets_) bucket.ForEachRoom(visit);
  }
  // A name's bucket has the same number in every hub that has as many.
  size_t buckets_count() const { return buckets_.size(); }
  const Bucket& bucket(size_t number) const { return buckets_[number]; }
  // Rooms that came into being or ended on this shard since the last call, in order; true = has
  // members.
  struct RoomChange {
    std::string room;
    bool present;
  };
  std::vector<RoomChange> TakeRoomChanges() { return std::exchange(room_changes_, {}); }

  // --- pushes
  PersonalOutcome PushKey(std::string_view key, const Push& push);
  PersonalOutcome PushMid(int64_t mid, const Push& push);
  // Both return the number of channels the message was appended for.
  uint64_t PushRoom(std::string_view id, const Push& push, uint64_t now_ms);
  uint64_t PushAll(const Push& push, uint32_t pace, uint64_t now_ms);
  // Of pushes that somebody waits for.
  Receipts& receipts() { return receipts_; }
  const Receipts& receipts() const { return receipts_; }
  // Bytes for the client itself, already framed; never refused. To a long poll they are its response,
  // if it has none yet.
  void Reply(uint32_t slot, std::string_view bytes);
  // Replies that the client has not been sent yet: who does not read them should not be read.
  uint64_t UnsentReplyBytes(uint32_t slot) const;
  // A long poll has waited for long enough: it is told that no message came, if none has.
  void EndPoll(uint32_t slot);

  // --- sending
  // Gathers what channels have of their own, at most plans.size() of them; returns how many plans
  // were filled. All must be settled before anything else is asked of the hub, except that a channel
  // may be removed once its own plan is settled.
  size_t PlanOwn(absl::Span<SendPlan> plans);
  // The same for one channel, now (before a farewell); false: nothing to send, or blocked.
  bool PlanOne(uint32_t slot, SendPlan* plan);
  // `result`: bytes taken of the plan, or negative: the connection is dead (the caller closes it).
  void SettleOwn(const SendPlan& plan, int64_t result);
  static uint64_t PlanBytes(const SendPlan& plan) { return plan.bytes; }

  // The next slice of fan-out over all lanes, round robin; false: nothing to send now.
  bool NextLaneSlice(size_t sends, uint64_t now_ns, Slice* slice);
  void CompleteLaneSlice(absl::Span<const base::SendException> exceptions);

  // Push::taken_ns of what has gone out since ClearSent(): of each pass over the members of a room
  // that keep up its oldest message, and of what a client that keeps up had waiting for itself alone.
  absl::Span<const uint64_t> sent() const { return sent_; }
  void ClearSent() { sent_.clear(); }

  // The channel's socket has room again.
  void OnWritable(uint32_t slot);
  // Whether something can be sent at once.
  bool HasWork() const { return !own_.empty() || !grown_.empty(); }
  // Channels whose socket is full, so that something of theirs waits for the kernel.
  uint64_t blocked_count() const { return blocked_list_.size(); }
  // When NextLaneSlice() has to be asked again: a paced broadcast goes on then, or a room that
  // waited for more has waited long enough. 0: nothing is held back.
  uint64_t HeldBackUntilNs() const;
  // From now on no room waits for more.
  void StopLingering();
  // Lanes have a backlog that members which keep up have not been sent: do not take more pushes.
  bool Congested() const { return congested_ > 0; }
  // Nothing of the channel's is unsent.
  bool Drained(uint32_t slot) const;

  // --- housekeeping
  // Tells the hub the time, once a turn. It never goes back.
  void SetTime(uint64_t now_ms) {
    now_ms_ = now_ms;
    layout_memory_.message_ids.SetTime(limits_.wall_offset_ms + now_ms);
  }
  // Counts at once, for rooms that are there, too. Room types are those that were, with more behind them
  // at most, which are for rooms that come later. What sizes the hub (buckets, accept_sets) stays, and
  // so does what was agreed on with clients (deflate_bytes).
  void SetLimits(const HubLimits& limits);
  void SetPressure(const Pressure& pressure) { pressure_ = pressure; }
  // What logs and queues hold.
  uint64_t HeldBytes() const { return pages_.in_use_bytes() + chunks_.in_use_bytes(); }
  // Enforces ages and pressure on a share of the rooms; all are visited in `buckets` calls.
  void Tick(uint64_t now_ms);
  // The same for all rooms in which something is under way, at once.
  void EnforceAll(uint64_t now_ms);
  // Slots that skipped under the policy "close", or whose torn message outgrew their queue.
  std::vector<uint32_t> TakeTooSlow() { return std::exchange(too_slow_, {}); }
  // Slots of long polls that have been sent all of their response.
  std::vector<uint32_t> TakeAnswered() { return std::exchange(answered_, {}); }
  // Appends slots whose socket has been full, and took nothing, for stall_timeout_ms.
  void FindStalled(std::vector<uint32_t>* slots) const;
  // Appends at most `count` slots whose socket is full, those first that took nothing for longest.
  void FindSlowest(size_t count, std::vector<uint32_t>* slots) const;
  // The books, with what is pending counted by walking.
  Accounting Books() const;

 private:
  static constexpr uint64_t kPlanBytesMax = 65536;

  // LaneEvents
  void OnRemainder(uint32_t slot, std::string_view bytes, bool first, uint32_t receipt) override;
  void OnTooSlow(uint32_t slot) override;
  void OnSkipped(uint32_t slot, uint64_t messages, SkipReason why) override;
  void OnBehind(uint32_t slot) override;

  Bucket& BucketOf(uint64_t hash) {
    return buckets_[static_cast<uint32_t>(hash) % buckets_.size()];
  }
  const Bucket& BucketOf(uint64_t hash) const {
    return buckets_[static_cast<uint32_t>(hash) % buckets_.size()];
  }
  Bucket& BucketOfMid(int64_t mid) {
    return BucketOf(static_cast<uint64_t>(mid) * 0x9e3779b97f4a7c15u >> 32);
  }
  const Bucket& BucketOfMid(int64_t mid) const {
    return const_cast<Hub*>(this)->BucketOfMid(mid);
  }
  Outbox& OutboxOf(uint32_t slot);
  void Queue(uint32_t slot);
  void Block(uint32_t slot);
  void Unblock(Channel& channel);
  void Hold(uint32_t slot);
  bool AnythingTorn(const Channel& channel) const;
  void ReleaseOutboxIfEmpty(Channel& channel);

  void JoinLane(uint32_t slot, LaneSet* lanes, Room* room);
  // `keep`: what is unsent moves to the channel's own queue; otherwise it is skipped (closed).
  void LeaveLane(uint32_t slot, size_t membership, bool keep);
  void KeepUnsent(uint32_t slot, Lane& lane, uint32_t index);
  void DropLane(LaneSet* lanes, Lane* lane);
  void EnterEveryone(uint32_t slot);
  void LeaveEveryone(uint32_t slot, bool keep);
  void ChangeAccepts(uint32_t slot, std::vector<int32_t> ops);

  Layouts PersonalLayouts(const Push& push);
  void PushOne(uint32_t slot, const Push& push, Layouts& layouts, PersonalOutcome* outcome);
  bool MakeRoom(uint32_t slot, Outbox* outbox, uint64_t bytes);
  uint64_t AppendTo(Lane& lane, const Push& push, Layouts& layouts, uint64_t now_ms, uint32_t pace);
  void Grow(Lane& lane);
  void QueueForFlush(Lane& lane);
  void EndLingering(uint64_t now_ns);
  uint32_t TypeOf(std::string_view room) const;
  // Null for everyone.
  static uint32_t TypeOf(const Room* room) { return room == nullptr ? 0 : room->type(); }
  const LaneLimits& LimitsOf(uint32_t type) const {
    return type == 0 ? limits_.lane : limits_.room_types[type - 1].lane;
  }
  void NoteCongestion(Lane& lane);

  // --- long polls (hub_poll.cc)
  std::string_view BeginAnswer(uint32_t slot, uint64_t message_bytes);
  void AnswerFromLanes(uint32_t slot);
  void LetTargetsLag(const Slice& slice);

  void Gather(uint32_t slot, SendPlan* plan);
  void GatherQueue(const MessageQueue& queue, SendPlan::Source source, uint64_t skip,
                   uint64_t bytes_max, SendPlan* plan) const;
  void GatherLane(Lane& lane, uint64_t from, uint64_t to, SendPlan* plan) const;
  void ConsumePlan(const SendPlan& plan, uint64_t taken);
  void CatchUp(uint32_t slot);

  HubLimits limits_;
  Accounting books_;
  Receipts receipts_;
  Pressure pressure_;
  PagePool pages_;
  ChunkPool chunks_;
  ChannelTable channels_;
  base::Pool<Cursor> cursors_;
  base::Pool<Outbox> outboxes_;
  FlowPool flows_;
  const Flow quiet_;
  std::vector<uint64_t> sent_;
  iovec slice_parts_[kSpanPartsMax];  // of the slice that is out
  const LaneShared shared_{&channels_, &cursors_, &flows_, &quiet_, &pages_, &books_, &receipts_,
                            &pressure_, &sent_, slice_parts_};
  std::vector<Bucket> buckets_;
  Everyone everyone_;
  std::vector<uint32_t> strays_;  // channels whose accept set has no lane
  uint64_t channels_count_ = 0;
  EncodingCounts channels_by_encoding_{};
  BlockedList blocked_list_;
  uint64_t now_ms_ = 0;
  uint64_t rooms_count_ = 0;
  std::vector<RoomChange> room_changes_;

  base::RingBuffer<uint32_t> own_;   // slots with something of their own to send
  LaneQueue grown_;                  // lanes to flush
  std::vector<Lane*> paced_;         // lanes held back by their pace
  std::vector<LaneQueue> lingering_;  // lanes that wait for more, by room type, soonest first
  uint64_t linger_until_ns_ = 0;     // of the soonest of them; 0: there is none
  bool linger_ = true;
  Lane* flushing_ = nullptr;         // whose slice is out
  std::vector<uint32_t> blocked_;    // scratch
  LayoutMemory layout_memory_;       // scratch
  std::vector<uint32_t> too_slow_;
  absl::flat_hash_set<uint32_t> observed_;  // slots; few, and mostly none
  std::vector<Skipped> skipped_;            // of those
  absl::flat_hash_map<uint32_t, wire::LongPoll> polls_;  // by slot
  std::vector<uint32_t> answered_;
  std::string poll_head_;            // scratch
  uint32_t congested_ = 0;
  size_t tick_bucket_ = 0;
};

}  // namespace halley::hub
