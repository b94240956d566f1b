#include "hub/lane.h"

#include <algorithm>

#include "base/assert.h"

namespace halley::hub {
namespace {

// A paced pass sends what a fiftieth of a second allows at once.
constexpr uint64_t kPaceSlicesPerSecond = 50;
// A pass takes in news while no more members than one batch of sends are through with it.
constexpr uint32_t kNewsDoneMax = 128;

}  // namespace

Lane::Lane(wire::Encoding encoding, Room* room, const LaneLimits& limits, const LaneShared& shared)
    : encoding_(encoding), room_(room), limits_(limits), shared_(shared) {}

Lane::~Lane() { HALLEY_ASSERT(members_.empty() && flow_ == kNone); }

Flow& Lane::Begin() {
  if (flow_ == kNone) {
    flow_ = shared_.flows->Take();
    Work().owner = this;
    Work().log.Open(shared_.pages);
  }
  return Work();
}

void Lane::EndWhenQuiet() {
  Flow& flow = Work();
  if (flow.pass_active || flow.settled != flow.log.head() || lagging() > 0) return;
  flow.owner = nullptr;
  flow.log.Close();
  flow.settled = {};
  flow.waiting.clear();
  flow.marks.clear();
  flow.trim_at_bytes = 0;
  flow.pace = 0;
  flow.paced_seq = flow.paced_until_ns = 0;
  shared_.flows->Give(flow_);
  flow_ = kNone;
}

void Lane::Join(const base::FanoutTarget& target) {
  const auto index = static_cast<uint32_t>(members_.size());
  members_.push_back(target);
  StoreIndex(index);
  if (Target() == log().head()) {
    LaggingToDone(index);
    return;
  }
  const uint32_t cursor = shared_.cursors->Take();
  (*shared_.cursors)[cursor] = {log().head(), true};
  members_[index].cursor = cursor;
  Work().waiting.push_back(target.slot);
}

LogPosition Lane::Leave(uint32_t index) {
  const LogPosition position = PositionOf(index);
  if (!InSync(index)) DropCursor(index);
  if (index < done_) {
    Swap(index, done_ - 1);
    index = --done_;
  }
  if (index < synced_) {
    Swap(index, synced_ - 1);
    index = --synced_;
  }
  Swap(index, static_cast<uint32_t>(members_.size() - 1));
  members_.pop_back();
  if (flow_ == kNone) return position;
  if (members_.empty()) {
    Flow& flow = Work();
    flow.pass_active = false;
    flow.settled = flow.log.head();
    flow.paced_until_ns = flow.pace = 0;
    flow.waiting.clear();
  }
  TrimToReaders();
  return position;
}

void Lane::Append(std::string_view prefix, std::string_view body, uint64_t now_ms, uint32_t pace,
                  uint32_t receipt, uint64_t taken_ns) {
  Flow& flow = Begin();
  if (Target() == flow.log.head()) {
    flow.news_ms = now_ms;
    flow.news_taken_ns = taken_ns;
  }
  flow.log.Append(prefix, body, now_ms);
  ++shared_.books->appended;
  shared_.books->expected += members_.size();
  if (receipt != kNone) {
    flow.marks.push_back({flow.log.head().seq - 1, receipt});
    shared_.receipts->Expect(receipt, members_.size());
  }
  if (pace > 0) {
    flow.pace = pace;
    flow.paced_seq = flow.log.head().seq;
  }
}

absl::Span<const Mark> Lane::MarksWithin(uint64_t from_seq, uint64_t to_seq) const {
  const std::vector<Mark>& marks = View().marks;
  if (marks.empty()) return {};
  const auto before = [](const Mark& mark, uint64_t seq) { return mark.seq < seq; };
  const auto begin = std::lower_bound(marks.begin(), marks.end(), from_seq, before);
  const auto end = std::lower_bound(begin, marks.end(), to_seq, before);
  return absl::MakeConstSpan(marks).subspan(static_cast<size_t>(begin - marks.begin()),
                                            static_cast<size_t>(end - begin));
}

void Lane::Deliver(uint64_t from_seq, uint64_t to_seq, uint64_t members) {
  shared_.books->delivered += (to_seq - from_seq) * members;
  for (const Mark& mark : MarksWithin(from_seq, to_seq)) {
    shared_.receipts->Deliver(mark.receipt, members);
  }
}

void Lane::Skip(SkipReason reason, uint64_t from_seq, uint64_t to_seq, uint64_t members) {
  shared_.books->skipped[static_cast<size_t>(reason)] += (to_seq - from_seq) * members;
  for (const Mark& mark : MarksWithin(from_seq, to_seq)) {
    shared_.receipts->Skip(mark.receipt, members);
  }
}

uint32_t Lane::ReceiptOf(uint64_t seq) const {
  const absl::Span<const Mark> marks = MarksWithin(seq, seq + 1);
  return marks.empty() ? kNone : marks.front().receipt;
}

uint64_t Lane::LingerUntilNs() const {
  const Flow& flow = View();
  if (limits_.linger_ms == 0 || flow.pass_active || flow.pace > 0) return 0;
  if (backlog_bytes() >= limits_.linger_bytes) return 0;
  return (flow.news_ms + limits_.linger_ms) * 1'000'000;
}

void Lane::StartPass(LaneEvents& events) {
  Flow& flow = Work();
  flow.from = flow.settled;
  const bool paced = flow.pace > 0 && flow.from.seq < flow.paced_seq;
  // What is paced is meant to take its time.
  flow.pass_taken_ns = paced ? 0 : flow.news_taken_ns;
  SetPassEnd(paced ? LogPosition{flow.log.MessageEnd(flow.from.seq), flow.from.seq + 1}
                   : flow.log.BoundaryWithin(flow.from, limits_.span_bytes));
  flow.pass_active = true;
  done_ = 0;
  // This is where those who are ahead of the passes before may come in.
  RejoinWaiting(events);
}

void Lane::SetPassEnd(LogPosition to) {
  Flow& flow = Work();
  flow.to = to;
  // When the first of the rest was taken is known by its page only, and near enough: it has waited.
  if (to != flow.log.head() && flow.news_taken_ns != 0) {
    flow.news_taken_ns = flow.log.WrittenMs(to.offset) * 1'000'000;
  }
}

void Lane::RejoinWaiting(LaneEvents& events) {
  Flow& flow = Work();
  if (flow.waiting.empty()) return;
  std::vector<uint32_t> waiting;
  waiting.swap(flow.waiting);
  for (const uint32_t slot : waiting) {
    // The slot may have left since, and somebody else may be there.
    const Channel& channel = (*shared_.channels)[slot];
    for (const Membership& membership : channel.memberships) {
      if (membership.lane != this || InSync(membership.index)) continue;
      CursorOf(membership.index).waiting = false;
      if (!channel.held) TryRejoin(membership.index, events);
      break;
    }
  }
}

void Lane::FinishPass() {
  Flow& flow = Work();
  HALLEY_ASSERT(done_ == synced_);
  flow.settled = flow.to;
  flow.pass_active = false;
  if (flow.pass_taken_ns != 0 && synced_ > 0) shared_.sent->push_back(flow.pass_taken_ns);
  if (flow.settled.seq >= flow.paced_seq) flow.paced_until_ns = flow.pace = 0;
  TrimToReaders();
}

size_t Lane::PacedSends(size_t sends, uint64_t now_ns) {
  Flow& flow = Work();
  if (flow.pace == 0 || flow.from.seq >= flow.paced_seq) return sends;
  if (now_ns < flow.paced_until_ns) return 0;
  sends = std::min<size_t>(sends, std::max<uint64_t>(flow.pace / kPaceSlicesPerSecond, 1));
  flow.paced_until_ns = now_ns + sends * 1'000'000'000 / flow.pace;
  return sends;
}

// A pass that has hardly begun takes in what was appended since, so that pushes which arrive one
// after the other go out in one send. The few that are through get the rest in sends of their own.
void Lane::TakeInNews(LaneEvents& events) {
  Flow& flow = Work();
  if (done_ > kNewsDoneMax || done_ >= synced_ / 2 || flow.pace > 0) return;
  const LogPosition news = flow.log.BoundaryWithin(flow.from, limits_.span_bytes);
  if (news.offset <= flow.to.offset) return;
  while (done_ > 0) {
    const uint32_t index = ToLagging(done_ - 1, flow.to);
    events.OnBehind(members_[index].slot);
  }
  SetPassEnd(news);
  RejoinWaiting(events);
}

Slice Lane::NextSlice(size_t sends, uint64_t now_ns, LaneEvents& events) {
  HALLEY_ASSERT(sends > 0);
  for (;;) {
    if (!View().pass_active) {
      if (!grown()) {
        TrimToReaders();
        return {};
      }
      StartPass(events);
    }
    if (done_ < synced_) break;
    FinishPass();
  }
  TakeInNews(events);
  Flow& flow = Work();
  // What lies side by side, so that the slice is one span.
  const size_t targets = members_.Run(done_, std::min<size_t>(sends, synced_ - done_)).size();
  flow.slice_targets = PacedSends(targets, now_ns);
  if (flow.slice_targets == 0) return {};
  // Built for each slice, since other lanes have their turns in between: a few parts, many sends.
  uint64_t reached = 0;
  const size_t parts =
      flow.log.Span(flow.from.offset, flow.to.offset, shared_.parts, kSpanPartsMax, &reached);
  // No message is longer than kMessageBytesMax.
  HALLEY_ASSERT(reached == flow.to.offset);
  return {members_.Run(done_, flow.slice_targets), {shared_.parts, parts}};
}

void Lane::CompleteSlice(absl::Span<const base::SendException> exceptions,
                         std::vector<uint32_t>* blocked) {
  Flow& flow = Work();
  HALLEY_ASSERT(flow.slice_targets > 0);
  auto count = static_cast<uint32_t>(flow.slice_targets);
  Deliver(flow.from.seq, flow.to.seq, count - exceptions.size());
  // From the highest index down, so that what is swapped in has been dealt with.
  for (size_t i = exceptions.size(); i-- > 0;) {
    HALLEY_ASSERT(exceptions[i].index < flow.slice_targets);
    const uint32_t index = done_ + exceptions[i].index;
    const auto bytes = static_cast<uint64_t>(std::max(exceptions[i].result, 0));
    const LogPosition position = flow.log.Advance(flow.from, bytes);
    Deliver(flow.from.seq, position.seq, 1);
    blocked->push_back(members_[index].slot);
    --count;
    Swap(index, done_ + count);
    ToLagging(done_ + count, position);
  }
  done_ += count;
  flow.slice_targets = 0;
  if (done_ == synced_) FinishPass();
}

LogPosition Lane::PositionOf(uint32_t index) const {
  const Flow& flow = View();
  if (!InSync(index)) return CursorOf(index).position;
  if (!flow.pass_active) return flow.settled;
  return index < done_ ? flow.to : flow.from;
}

bool Lane::Torn(uint32_t index) const {
  return !InSync(index) && !log().OnBoundary(CursorOf(index).position);
}

void Lane::MakeLagging(uint32_t index) {
  if (InSync(index)) ToLagging(index, PositionOf(index));
}

void Lane::AdvanceCursor(uint32_t index, uint64_t bytes) {
  Cursor& cursor = CursorOf(index);
  const LogPosition position = log().Advance(cursor.position, bytes);
  Deliver(cursor.position.seq, position.seq, 1);
  cursor.position = position;
}

void Lane::HandOver(uint32_t index) {
  HALLEY_ASSERT(!InSync(index) && !Torn(index));
  LogPosition& position = CursorOf(index).position;
  position = {log().MessageEnd(position.seq), position.seq + 1};
}

void Lane::TryRejoin(uint32_t index, LaneEvents& events) {
  if (InSync(index)) return;
  Cursor& cursor = CursorOf(index);
  const LogPosition target = Target();
  if (cursor.position == target) {
    DropCursor(index);
    LaggingToDone(index);
    if (lagging() == 0) TrimToReaders();
  } else if (View().pass_active && cursor.position == View().from) {
    DropCursor(index);
    LaggingToTodo(index);
  } else if (cursor.position.offset < target.offset) {
    events.OnBehind(members_[index].slot);
  } else if (!cursor.waiting) {
    cursor.waiting = true;
    Work().waiting.push_back(members_[index].slot);
  }
}

uint64_t Lane::CountPending() const {
  const Flow& flow = View();
  const uint64_t head = flow.log.head().seq;
  uint64_t pending = flow.pass_active
                         ? done_ * (head - flow.to.seq) + (synced_ - done_) * (head - flow.from.seq)
                         : synced_ * (head - flow.settled.seq);
  for (uint32_t index = synced_; index < members_.size(); ++index) {
    pending += head - CursorOf(index).position.seq;
  }
  return pending;
}

void Lane::StoreIndex(uint32_t index) {
  for (Membership& membership : (*shared_.channels)[members_[index].slot].memberships) {
    if (membership.lane == this) {
      membership.index = index;
      return;
    }
  }
  HALLEY_ASSERT(false);
}

void Lane::Swap(uint32_t a, uint32_t b) {
  if (a == b) return;
  std::swap(members_[a], members_[b]);
  StoreIndex(a);
  StoreIndex(b);
}

uint32_t Lane::ToLagging(uint32_t index, LogPosition position) {
  if (index < done_) {
    Swap(index, done_ - 1);
    index = --done_;
  }
  Swap(index, synced_ - 1);
  index = --synced_;
  const uint32_t cursor = shared_.cursors->Take();
  (*shared_.cursors)[cursor] = {position, false};
  members_[index].cursor = cursor;
  return index;
}

uint32_t Lane::LaggingToTodo(uint32_t index) {
  Swap(index, synced_);
  members_[synced_].cursor = kInSync;
  return synced_++;
}

void Lane::LaggingToDone(uint32_t index) {
  Swap(LaggingToTodo(index), done_);
  ++done_;
}

void Lane::DropCursor(uint32_t index) {
  shared_.cursors->Give(members_[index].cursor);
  members_[index].cursor = kInSync;
}

}  // namespace halley::hub
