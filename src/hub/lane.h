// Lane: one encoding of a room's stream. A dense array of members and one log; fan-out by cursor.
//
// A member is in sync (no state at all) or lagging (a cursor). The array has three zones:
//
//     [0, done)        in sync, and through with the current pass: have everything up to pass.to
//     [done, synced)   in sync, not yet reached by the pass: have everything up to pass.from
//     [synced, size)   lagging: each has a cursor
//
// A pass sends [from, to) to the middle zone, slice by slice, over as many turns as it takes. What
// is appended meanwhile belongs to the next pass, but for what comes while hardly anybody is through
// with this one: that it takes in. Without a pass the middle zone is empty and every
// member in sync is at settled().
//
// A lagging member catches up to Target() with sends of its own (see Hub), and rejoins there. A
// member that joins while the passes are further behind starts with a cursor at the head, and waits
// for the pass that reaches it: it gets what is appended after it came and nothing before.
//
// Threads    One shard's.
// Ownership  Borrows what LaneShared names, which outlives it.
// Limits     LaneLimits: beyond them the tail is let go, and who still needed it skips (counted).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "base/chunked_array.h"
#include "base/fanout.h"
#include "base/segmented_vector.h"
#include "hub/accounting.h"
#include "hub/channel.h"
#include "hub/flow.h"
#include "hub/log.h"
#include "hub/receipts.h"
#include "wire/goim_frame.h"

namespace halley::hub {

class Room;

enum class Overflow : uint8_t { kSkip, kLatest, kClose };

struct LaneLimits {
  uint64_t log_bytes = 4 << 20;
  uint64_t log_messages = 65536;
  uint64_t log_age_ms = 60'000;
  uint64_t span_bytes = 65536;  // of one fan-out send
  uint32_t linger_ms = 0;        // what is appended may wait so long for more
  uint64_t linger_bytes = 16384;  // but not when so much of it waits
  Overflow overflow = Overflow::kSkip;
  bool low_class = false;  // members that lag are the first to suffer when memory is scarce
};

// What a shard must do without when memory is scarce. Members in sync are never touched by it.
struct Pressure {
  bool short_logs = false;  // logs keep a quarter of their limits for members that lag
  bool skip_low = false;    // and nothing, in rooms of the low class
};

// Parts of one fan-out send (the Ring's limit); a message must fit in that many pages.
inline constexpr size_t kSpanPartsMax = 64;
// So much does, wherever in a page it begins.
inline constexpr size_t kMessageBytesMax = (kSpanPartsMax - 1) * PagePool::kBlockBytes;

// FanoutTarget::cursor of a member in sync.
inline constexpr uint32_t kInSync = UINT32_MAX;

struct Cursor {
  LogPosition position;
  bool waiting = false;  // on the lane's list of members that are ahead of the pass
};

// What lanes share on one shard.
struct LaneShared {
  ChannelTable* channels;
  base::Pool<Cursor>* cursors;
  FlowPool* flows;
  const Flow* quiet;
  PagePool* pages;
  Accounting* books;
  Receipts* receipts;
  const Pressure* pressure;
  // Push::taken_ns of what has gone out to everybody who keeps up (Hub::sent()).
  std::vector<uint64_t>* sent;
  // Where the slice that is out has its parts; kSpanPartsMax of them.
  iovec* parts;
};

// The part of a pass that is sent in one batch.
struct Slice {
  absl::Span<const base::FanoutTarget> targets;
  absl::Span<const iovec> span;
};

// Told of the rare things that happen to members while a lane does its work.
class LaneEvents {
 public:
  virtual ~LaneEvents() = default;
  // The member's cursor stands within a message that the log lets go: keep these bytes, they must
  // be sent before anything else. They come in several calls, the first of which says so.
  virtual void OnRemainder(uint32_t slot, std::string_view bytes, bool first,
                           uint32_t receipt) = 0;
  // The member, which lags, will not get so many messages.
  virtual void OnSkipped(uint32_t /*slot*/, uint64_t /*messages*/, SkipReason /*why*/) {}
  // The member skipped and the policy is to close.
  virtual void OnTooSlow(uint32_t slot) = 0;
  // The member has something to send of its own in this lane, or may rejoin.
  virtual void OnBehind(uint32_t slot) = 0;
};

class Lane {
 public:
  // `room` is null for everyone's lanes; `limits` outlive the lane.
  Lane(wire::Encoding encoding, Room* room, const LaneLimits& limits, const LaneShared& shared);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane();

  wire::Encoding encoding() const { return encoding_; }
  Room* room() const { return room_; }
  const LaneLimits& limits() const { return limits_; }
  size_t members() const { return members_.size(); }
  size_t lagging() const { return members_.size() - synced_; }
  bool empty() const { return members_.empty(); }

  // Adds a member at the head. The channel's membership entry for this lane stands already.
  void Join(const base::FanoutTarget& target);
  // Removes a member and returns where it was.
  LogPosition Leave(uint32_t index);

  // Appends a message for all members. `pace`: deliveries per second on this shard, 0 for none.
  void Append(std::string_view prefix, std::string_view body, uint64_t now_ms, uint32_t pace,
              uint32_t receipt = kNone, uint64_t taken_ns = 0);
  // Something is appended that no pass has covered yet, or a pass is under way.
  bool grown() const { return View().pass_active || View().settled != log().head(); }
  // Bytes that wait for members which keep up.
  uint64_t backlog_bytes() const {
    return log().head().offset - (View().pass_active ? View().from : View().settled).offset;
  }

  // Starts a pass when none is under way and something grew, and returns its next slice of at most
  // `sends` targets; empty targets: nothing to send now (members lag, or the pace holds it back).
  // The slice is valid until CompleteSlice(), which must be called for a slice with targets before
  // anything else.
  Slice NextSlice(size_t sends, uint64_t now_ns, LaneEvents& events);
  // `exceptions` name, by index within the slice and ascending, who did not take everything; those
  // are lagging afterwards, their slots appended to `*blocked`.
  void CompleteSlice(absl::Span<const base::SendException> exceptions,
                     std::vector<uint32_t>* blocked);
  bool paced() const { return View().pace > 0; }
  // When a slice held back by its pace may go on; 0 when none is.
  uint64_t paced_until_ns() const { return View().paced_until_ns; }

  // Where a lagging member rejoins.
  LogPosition Target() const { return View().pass_active ? View().to : View().settled; }
  bool InSync(uint32_t index) const { return index < synced_; }
  LogPosition PositionOf(uint32_t index) const;
  // A lagging member's cursor stands within a message.
  bool Torn(uint32_t index) const;

  // Makes a member in sync lagging where it stands (its socket is full because of another source).
  void MakeLagging(uint32_t index);
  // A lagging member took `bytes` more; the books are told what that completed.
  void AdvanceCursor(uint32_t index, uint64_t bytes);
  // A lagging member has the next message, whole, from somebody else, who tells the books.
  void HandOver(uint32_t index);
  // A lagging member that is not blocked: back in sync if it stands where that is possible; told
  // OnBehind() if it has something to send; else it waits for the next pass.
  void TryRejoin(uint32_t index, LaneEvents& events);

  // Lets go of what nobody needs, and of what limits forbid to keep.
  void Enforce(uint64_t now_ms, LaneEvents& events);

  const Log& log() const { return View().log; }

  // When what has grown should go out at the latest, though it may wait for more until then; 0: at
  // once.
  uint64_t LingerUntilNs() const;

  // The hub's notes about this lane, with those at the end.
  bool queued = false;     // among the lanes to flush: waits for its turn, for its pace, or is out
  bool congested = false;  // counted among those whose backlog pushes back

  // A member will not get messages [from, to), which it was to get.
  void Skip(SkipReason reason, uint64_t from_seq, uint64_t to_seq, uint64_t members = 1);
  // Who waits for the message; kNone for nobody.
  uint32_t ReceiptOf(uint64_t seq) const;

  // Messages that members still have to get, by walking them; for the books at rest.
  uint64_t CountPending() const;

 private:
  // What a lane without a flow looks like is one, too.
  const Flow& View() const { return flow_ == kNone ? *shared_.quiet : (*shared_.flows)[flow_]; }
  Flow& Work() { return (*shared_.flows)[flow_]; }
  Flow& Begin();
  void EndWhenQuiet();
  // Of messages [from, to), those that somebody waits for.
  absl::Span<const Mark> MarksWithin(uint64_t from_seq, uint64_t to_seq) const;
  void Deliver(uint64_t from_seq, uint64_t to_seq, uint64_t members);
  void Swap(uint32_t a, uint32_t b);
  void StoreIndex(uint32_t index);
  uint32_t ToLagging(uint32_t index, LogPosition position);
  void LaggingToDone(uint32_t index);
  uint32_t LaggingToTodo(uint32_t index);
  void DropCursor(uint32_t index);
  void StartPass(LaneEvents& events);
  void SetPassEnd(LogPosition to);
  void TakeInNews(LaneEvents& events);
  void RejoinWaiting(LaneEvents& events);
  void FinishPass();
  size_t PacedSends(size_t sends, uint64_t now_ns);
  void TrimToReaders();
  void LetGo(LogPosition tail, SkipReason why, LaneEvents& events);
  void SkipMember(uint32_t index, LogPosition tail, SkipReason why, LaneEvents& events);
  Cursor& CursorOf(uint32_t index) { return (*shared_.cursors)[members_[index].cursor]; }
  const Cursor& CursorOf(uint32_t index) const {
    return (*shared_.cursors)[members_[index].cursor];
  }

  const wire::Encoding encoding_;
  Room* const room_;
  const LaneLimits& limits_;
  const LaneShared& shared_;
  base::SegmentedVector<base::FanoutTarget> members_;
  uint32_t done_ = 0;
  uint32_t synced_ = 0;
  uint32_t flow_ = kNone;  // while something is under way

 public:
  // Behind what members that come and go need, which fits a cache line.
  Lane* next = nullptr;  // see LaneQueue
  Lane* previous = nullptr;
  std::unique_ptr<Lane> sibling;  // see LaneSet
  uint64_t lingers_until_ns = 0;  // not 0: waits for more among those that linger
};
static_assert(sizeof(Lane) <= 96);

}  // namespace halley::hub
