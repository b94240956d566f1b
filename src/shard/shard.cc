#include "shard/shard.h"

#include <algorithm>

#include "base/assert.h"
#include "shard/hub_limits.h"

namespace halley::shard {
namespace {

constexpr uint64_t kTickNs = 125'000'000;
constexpr uint32_t kTicksPerSecond = 8;
constexpr uint64_t kEvacuationNs = 10'000'000;  // clients go in lots of so long
constexpr uint64_t kSleepNsMax = 100'000'000;   // how soon a stop request is seen
constexpr uint64_t kRetryNs = 1'000'000;        // something waits for another shard
constexpr size_t kReapBatches = 8;
constexpr size_t kCommandsPerMailbox = 256;
constexpr size_t kExpiredPerTurn = 1024;
constexpr size_t kOwnBatches = 4;
constexpr size_t kPlans = 64;
// Of the backend's descriptor, which is no connection's; none has the last number of all.
constexpr uint32_t kAnswersSlot = 0xFFFFFF;
static_assert(kPlans <= io::Ring::kBatchMax);
static_assert(hub::kSpanPartsMax <= io::Ring::kSpanPartsMax);
static_assert(hub::SendPlan::kPartsMax <= io::Ring::kSpanPartsMax);

// A round of all that share a CPU is to take no longer than one turn of a shard with a CPU of its
// own; but a batch of fewer sends costs more for each.
size_t FlushSends(uint64_t asked, uint32_t shards_per_cpu) {
  constexpr uint64_t kLeast = 16;
  return std::max(std::min(asked, kLeast), asked / shards_per_cpu);
}

}  // namespace

Shard::Shard(const ShardSetup& setup)
    : index_(setup.index),
      ring_(*setup.ring),
      fabric_(*setup.fabric),
      options_(*setup.options),
      gate_(*setup.gate),
      backend_(*setup.backend),
      push_(*setup.push),
      session_limits_(SessionLimitsOf(options_, setup.backend->TakesRefreshes())),
      proxies_(ProxiesOf(options_)),
      inbox_bytes_max_(session::ClientSession::InboxBytesMax(session_limits_)),
      flush_sends_(FlushSends(options_.shard.flush_sends, setup.shards_per_cpu)),
      listeners_(setup.listeners),
      inside_(setup.inside),
      port_(setup.fabric, setup.index),
      hub_(HubLimitsOf(options_, setup.wall_offset_ms)),
      wheel_(setup.ring->NowNs()),
      watch_({index_, setup.ring, &hub_, &connections_, &setup.fabric->traces(), &proxies_, setup.feed}),
      accept_again_ns_(setup.listeners.size(), 0),
      departures_(fabric_.shards()),
      arrivals_(fabric_.shards()),
      plans_(kPlans) {
  counts_.shard = index_;
  watch_.SetOptions(options_.access_log);
  requests_.reserve(io::Ring::kBatchMax);
  exceptions_.reserve(io::Ring::kBatchMax);
}

Shard::~Shard() {
  connections_.ForEach([&](uint32_t, Connection& connection) { round_.Put(&connection.inbox); });
}

absl::Status Shard::Start() {
  const absl::Status started = ring_.Start();
  if (!started.ok()) return started;
  now_ns_ = ring_.NowNs();
  next_tick_ns_ = now_ns_ + kTickNs;
  push_.Attach(this);
  for (const InsideCaller& caller : inside_) OpenInside(caller);
  ArmAccepts();
  WatchAnswers();
  return absl::OkStatus();
}

void Shard::Turn() {
  now_ns_ = ring_.NowNs();
  hub_.SetTime(now_ms());
  watch_.Advance(now_ns_);
  ++counts_.turns;
  ReapCompletions();
  ReadReadable();
  DrainMailboxes();
  TakeBackendAnswers();
  SettleLogins();
  AdvanceTimers();
  AdvanceEvacuation();
  AdvanceStop();
  FlushOwn();
  FlushLanes();
  ReportDeliveries();
  FlushRpcs();
  AdvanceSurveys();
  CloseTooSlow();
  CloseAnswered();
  WatchMemory();
  RearmStarved();
  ReleaseDrained();
  PublishAndWake();
  TakeTimes();
}

void Shard::ReapCompletions() {
  std::array<io::Completion, 64> completions;
  for (size_t batch = 0; batch < kReapBatches; ++batch) {
    const size_t count = ring_.Reap(absl::MakeSpan(completions));
    for (size_t i = 0; i < count; ++i) OnCompletion(completions[i]);
    if (count < completions.size()) return;
  }
}

void Shard::OnCompletion(const io::Completion& completion) {
  if (completion.tag.op == io::Op::kWake) return;
  if (completion.tag.op == io::Op::kAccept) {
    OnAccept(completion);
    return;
  }
  if (completion.tag.slot == kAnswersSlot) {
    if (!completion.more) WatchAnswers();
    return;
  }
  Connection* connection = Find(completion.tag.slot, completion.tag.generation);
  if (connection == nullptr || connection->armed != completion.tag.op) {
    ++counts_.stale_completions;
    return;
  }
  if (!completion.more) connection->armed = io::Op::kNone;
  switch (connection->phase) {
    case Phase::kDraining:
      if (connection->armed == io::Op::kNone) Release(*connection);
      return;
    case Phase::kLingering:
      Discard(*connection);
      return;
    case Phase::kHandshake:
    case Phase::kWaiting:
    case Phase::kLive:
    case Phase::kAnswering:
    case Phase::kRpc: break;
  }
  if (completion.outcome == io::Outcome::kFailed) {
    BeginClose(*connection, wire::CloseReason::kInternal);
    return;
  }
  // A watch may end without a reason of the connection's own; it is armed again this turn.
  if (connection->armed == io::Op::kNone && completion.tag.op == io::Op::kWatch) {
    starved_.push_back({completion.tag.slot, completion.tag.generation});
  }
  const uint32_t readiness =
      completion.outcome == io::Outcome::kOk ? completion.value : io::kReadable | io::kWritable;
  if ((readiness & (io::kEnded | io::kHangup)) != 0) connection->ended = true;
  if (connection->phase == Phase::kRpc) {
    OnRpcReady(*connection, readiness);
  } else {
    OnClientReady(*connection, readiness);
  }
}

void Shard::ReadReadable() {
  ResumeRpcs();
  readable_now_.clear();
  readable_now_.swap(readable_);
  for (const Name& name : readable_now_) {
    Connection* connection = Find(name.slot, name.generation);
    if (connection == nullptr) continue;
    connection->readable_queued = false;
    switch (connection->phase) {
      case Phase::kHandshake:
      case Phase::kLive: ReadClient(*connection); break;
      case Phase::kRpc: ReadRpc(*connection); break;
      case Phase::kLingering: Discard(*connection); break;
      case Phase::kWaiting: connection->readable_later = true; break;
      case Phase::kAnswering:
      case Phase::kDraining: break;
    }
  }
}

void Shard::DrainMailboxes() {
  Command command;
  for (uint32_t from = 0; from < fabric_.shards(); ++from) {
    if (from == index_) continue;
    for (size_t i = 0; i < kCommandsPerMailbox && port_.Receive(from, &command); ++i) {
      switch (command.kind) {
        case CommandKind::kNone: break;
        case CommandKind::kAdopt:
          Adopt(from, command.number, *std::get<std::unique_ptr<Adoption>>(command.parcel));
          break;
        case CommandKind::kRoomPresent:
        case CommandKind::kRoomAbsent:
        case CommandKind::kRoomConfirmed:
        case CommandKind::kRoomRefused:
        case CommandKind::kRoomCount:
        case CommandKind::kRoomOnline: OnRoomCommand(from, command); break;
        case CommandKind::kJob:
        case CommandKind::kRoomPush:
        case CommandKind::kRoomDeliver:
        case CommandKind::kRoomNumbered:
        case CommandKind::kJobReport: OnJobCommand(command); break;
      }
    }
  }
}

void Shard::WatchAnswers() {
  const int descriptor = backend_.AnswersDescriptor();
  if (descriptor >= 0) ring_.Watch({kAnswersSlot, 0, io::Op::kWatch}, descriptor);
}

void Shard::TakeBackendAnswers() { backend_.TakeAnswers(*this); }

void Shard::SettleLogins() {
  SettleRefreshes();
  if (answers_.empty()) return;
  std::vector<Answer> answers;
  answers.swap(answers_);
  for (Answer& answer : answers) {
    Connection* connection = Find(answer.ticket.slot, answer.ticket.generation);
    if (connection == nullptr || connection->phase != Phase::kWaiting ||
        connection->session.authenticated()) {
      // The client has gone while the backend thought.
      const bool accepted = answer.reply.verdict == backend::ConnectVerdict::kAccepted;
      if (accepted && answer.reply.serial != 0) Disown(answer.reply, answer.reply.serial);
      continue;
    }
    FinishLogin(*connection, answer.reply);
  }
}

void Shard::AdvanceTimers() {
  expired_.clear();
  wheel_.Advance(now_ns_, kExpiredPerTurn, &expired_);
  for (const uint32_t slot : expired_) OnExpired(connections_.Get(slot));
  if (now_ns_ < next_tick_ns_) return;
  next_tick_ns_ = now_ns_ + kTickNs;
  Tick();
}

void Shard::OnExpired(Connection& connection) {
  // Heartbeats move the deadline, not the wheel's entry.
  if (now_ns_ < connection.deadline_ns) {
    wheel_.Set(SlotOf(connection), connection.deadline_ns);
    return;
  }
  switch (connection.phase) {
    case Phase::kHandshake:
    case Phase::kAnswering:
      BeginClose(connection, wire::CloseReason::kHandshakeTimeout);
      break;
    case Phase::kWaiting:
    case Phase::kLive: OnSilence(connection); break;
    case Phase::kRpc: {
      const RpcId id{SlotOf(connection), GenerationOf(connection)};
      if (connection.rpc()->closing != wire::CloseReason::kNone) {
        BeginClose(connection, connection.rpc()->closing);
      } else if (!push_.Authorized(id)) {
        BeginClose(connection, wire::CloseReason::kRpcUnauthorized);
      }
      break;
    }
    case Phase::kLingering: BeginDrain(connection); break;
    case Phase::kDraining: break;
  }
}

void Shard::Tick() {
  ++ticks_;
  for (uint32_t i = 0; i < (options_.shard.buckets + kTicksPerSecond - 1) / kTicksPerSecond; ++i) {
    hub_.Tick(now_ms());
  }
  TakeOptions();
  ReportReloads();
  watch_.Tick();
  CloseStalled();
  RelieveMemory();
  for (size_t i = 0; i < accept_again_ns_.size(); ++i) {
    if (accept_again_ns_[i] == 0 || now_ns_ < accept_again_ns_[i]) continue;
    accept_again_ns_[i] = 0;
    if (stop_ == StopPhase::kRunning) {
      ring_.Accept({static_cast<uint32_t>(i), 0, io::Op::kAccept}, listeners_[i].fd);
    }
  }
  if (ticks_ % kTicksPerSecond != 0) return;
  ShareCounts();
  round_.Trim();
}

void Shard::FlushOwn() {
  for (size_t batch = 0; batch < kOwnBatches; ++batch) {
    const size_t count = hub_.PlanOwn(absl::MakeSpan(plans_));
    if (count == 0) return;
    requests_.clear();
    for (size_t i = 0; i < count; ++i) {
      requests_.push_back({plans_[i].fd, plans_[i].parts, plans_[i].parts_count});
    }
    exceptions_.clear();
    ring_.SendEach(requests_, &exceptions_);
    size_t next = 0;
    for (uint32_t i = 0; i < count; ++i) {
      auto result = static_cast<int64_t>(hub::Hub::PlanBytes(plans_[i]));
      if (next < exceptions_.size() && exceptions_[next].index == i) {
        result = exceptions_[next++].result;
      }
      hub_.SettleOwn(plans_[i], result);
      if (result < 0) BeginClose(connections_.Get(plans_[i].slot), wire::CloseReason::kPeerReset);
    }
  }
}

void Shard::FlushLanes() {
  size_t left = flush_sends_;
  hub::Slice slice;
  std::vector<uint32_t>& dead = slots_;
  while (left > 0 && hub_.NextLaneSlice(std::min(left, io::Ring::kBatchMax), now_ns_, &slice)) {
    left -= slice.targets.size();
    exceptions_.clear();
    dead.clear();
    ring_.SendSame(slice.span, slice.targets, &exceptions_);
    for (const base::SendException& exception : exceptions_) {
      if (exception.result < 0) dead.push_back(slice.targets[exception.index].slot);
    }
    hub_.CompleteLaneSlice(exceptions_);
    // BeginClose() uses the scratch list of slots too.
    const std::vector<uint32_t> closing = dead;
    for (const uint32_t slot : closing) {
      BeginClose(connections_.Get(slot), wire::CloseReason::kPeerReset);
    }
  }
}

void Shard::RearmStarved() {
  for (const Name& name : starved_) {
    Connection* connection = Find(name.slot, name.generation);
    if (connection == nullptr || connection->armed != io::Op::kNone) continue;
    if (connection->phase == Phase::kDraining) continue;
    Arm(*connection, io::Op::kWatch);
  }
  starved_.clear();
}

void Shard::PublishAndWake() {
  SendDepartures();
  Notice& notice = fabric_.notice(index_);
  const bool congested = hub_.Congested() || memory_stage_ == MemoryStage::kCloseSlow;
  notice.congested.store(congested ? 1 : 0, std::memory_order_relaxed);
  notice.connections.store(clients_, std::memory_order_relaxed);
  notice.channels.store(hub_.channels_count(), std::memory_order_relaxed);
  notice.turns.store(counts_.turns, std::memory_order_relaxed);
  sleepers_.clear();
  port_.Publish(&sleepers_);
  for (const uint32_t shard : sleepers_) ring_.Wake(shard);
}

bool Shard::HasWork() const {
  return !readable_.empty() || !answers_.empty() || !refresh_answers_.empty() ||
         !rpc_dirty_.empty() || !to_close_.empty() || watch_.scanning() ||
         !surveys_.empty() || jobs_.tallying() || hub_.receipts().AnyDone() || hub_.HasWork();
}

uint64_t Shard::SleepNs() {
  const bool departing = std::any_of(departures_.begin(), departures_.end(),
                                     [](const auto& list) { return !list.empty(); });
  if (departing || port_.HasWaiting() || !rpc_waiting_.empty()) return kRetryNs;
  uint64_t until = std::min(next_tick_ns_, now_ns_ + kSleepNsMax);
  if (evacuation_.under_way && clients_ > 0) until = std::min(until, now_ns_ + kEvacuationNs);
  const uint64_t held_back = hub_.HeldBackUntilNs();
  if (held_back != 0) until = std::min(until, held_back);
  if (!held_deadlines_.empty()) until = std::min(until, held_deadlines_.begin()->first);
  return until > now_ns_ ? until - now_ns_ : 1;
}

bool Shard::Wait() {
  if (HasWork()) {
    ring_.Enter(0);
    return stop_ != StopPhase::kStopped;
  }
  std::atomic<uint32_t>& sleeping = fabric_.notice(index_).sleeping;
  // Stored before the last look at the mailboxes; see Port::Publish().
  sleeping.store(1, std::memory_order_seq_cst);
  ring_.Enter(port_.InboundEmpty() ? SleepNs() : 0);
  sleeping.store(0, std::memory_order_seq_cst);
  return stop_ != StopPhase::kStopped;
}

}  // namespace halley::shard
