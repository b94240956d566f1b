// Shard: jobs, from the pusher's shard to those that do the work, and back.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "shard/shard.h"

namespace halley::shard {
namespace {

hub::Push PushOf(const SharedJob& job, uint32_t receipt) {
  return {job.job.op, job.job.batch, job.job.body, receipt, job.taken_ns};
}

Fate FateOf(const hub::PersonalOutcome& outcome) {
  if (outcome.taken > 0) return Fate::kTaken;
  if (outcome.refused > 0) return Fate::kQueueFull;
  return outcome.channels > 0 ? Fate::kNotWatching : Fate::kOffline;
}

}  // namespace

void Shard::RunJob(RpcId connection, uint64_t ticket, Job job) {
  base::Ref<SharedJob> shared(new SharedJob);
  shared->job = std::move(job);
  shared->origin = index_;
  shared->taken_ns = now_ns_;
  shared->ticket = jobs_.Open(connection, ticket, shared);
  const Job& asked = shared->job;
  for (const std::string& name : asked.names) {
    shared->owners.push_back(hub::ShardOf(hub::RoutingHash(name), fabric_.shards()));
  }
  switch (asked.kind) {
    case JobKind::kPushKeys:
    case JobKind::kKickKeys:
    case JobKind::kOnline: RouteByKey(shared); break;
    case JobKind::kPushRooms: RouteRooms(shared); break;
    case JobKind::kPushAll:
      SharePace(shared.operator->());
      RouteEverywhere(shared);
      break;
    case JobKind::kPushMids:
    case JobKind::kKickMids:
    case JobKind::kRooms:
    case JobKind::kStatus: RouteEverywhere(shared); break;
    case JobKind::kDrain:
    case JobKind::kUndrain: OrderDrain(*shared); break;
    case JobKind::kReload: AwaitReload(shared->ticket); break;
    case JobKind::kTraceBegin:
    case JobKind::kTraceEnd:
    case JobKind::kTraces: OrderTrace(shared); break;
  }
  FinishIfDone(shared->ticket);
}

// Every shard sees it by itself.
void Shard::OrderDrain(const SharedJob& job) {
  Drain drain;
  if (job.job.kind == JobKind::kDrain) {
    const config::GatewayOptions& usual = options_.gateway;
    drain.begin_ns = now_ns_ + job.job.grace_ms.value_or(usual.drain_grace_ms) * uint64_t{1'000'000};
    drain.window_ns = job.job.window_ms.value_or(usual.drain_window_ms) * uint64_t{1'000'000};
  }
  fabric_.RequestDrain(drain);
  JobPart part;
  part.taken = drain.begin_ns == 0 ? 0 : fabric_.ConnectionsCount();
  jobs_.Expect(job.ticket, 1, 0);
  jobs_.AddPart(job.ticket, std::move(part));
}

// Each shard gets the part of the pace that its channels are of all channels.
void Shard::SharePace(SharedJob* job) const {
  if (job->job.pace == 0) return;
  uint64_t channels = 0;
  for (uint32_t shard = 0; shard < fabric_.shards(); ++shard) {
    channels += fabric_.notice(shard).channels.load(std::memory_order_relaxed);
  }
  for (uint32_t shard = 0; shard < fabric_.shards(); ++shard) {
    const uint64_t share = fabric_.notice(shard).channels.load(std::memory_order_relaxed) *
                           job->job.pace / std::max<uint64_t>(channels, 1);
    job->pace_shares.push_back(static_cast<uint32_t>(std::max<uint64_t>(share, 1)));
  }
}

void Shard::RouteByKey(const base::Ref<SharedJob>& job) {
  slots_.assign(fabric_.shards(), 0);
  for (const uint32_t owner : job->owners) slots_[owner] = 1;
  const std::vector<uint32_t> involved = slots_;
  jobs_.Expect(job->ticket,
               static_cast<uint32_t>(std::count(involved.begin(), involved.end(), 1u)), 0);
  for (uint32_t shard = 0; shard < involved.size(); ++shard) {
    if (involved[shard] != 0) SendPart(job, shard);
  }
}

void Shard::RouteEverywhere(const base::Ref<SharedJob>& job) {
  jobs_.Expect(job->ticket, fabric_.shards(), 0);
  for (uint32_t shard = 0; shard < fabric_.shards(); ++shard) SendPart(job, shard);
}

void Shard::SendPart(const base::Ref<SharedJob>& job, uint32_t shard) {
  if (shard == index_) {
    DoAndReport(*job);
    return;
  }
  Command command;
  command.kind = CommandKind::kJob;
  command.job = job;
  port_.Send(shard, std::move(command));
}

void Shard::RouteRooms(const base::Ref<SharedJob>& job) {
  jobs_.Expect(job->ticket, 0, static_cast<uint32_t>(job->owners.size()));
  for (uint32_t room = 0; room < job->owners.size(); ++room) {
    if (job->owners[room] == index_) {
      NumberRoomPush(job, room);
      continue;
    }
    Command command;
    command.kind = CommandKind::kRoomPush;
    command.index = room;
    command.job = job;
    port_.Send(job->owners[room], std::move(command));
  }
}

void Shard::OnJobCommand(Command& command) {
  switch (command.kind) {
    case CommandKind::kJob: DoAndReport(*command.job); break;
    case CommandKind::kRoomPush: NumberRoomPush(command.job, command.index); break;
    case CommandKind::kRoomDeliver:
      DoAndReport(*command.job, command.index);
      if (command.job->origin == index_) FinishIfDone(command.job->ticket);
      break;
    case CommandKind::kRoomNumbered:
      jobs_.AddNumber(command.job->ticket, command.index, command.number,
                      static_cast<uint32_t>(command.count));
      FinishIfDone(command.job->ticket);
      break;
    case CommandKind::kJobReport:
      jobs_.AddPart(static_cast<uint32_t>(command.number),
                    std::move(*std::get<std::unique_ptr<JobPart>>(command.parcel)));
      FinishIfDone(static_cast<uint32_t>(command.number));
      break;
    default: HALLEY_ASSERT(false);
  }
}

// `room`: which of its rooms, of a push to rooms.
JobPart Shard::DoPart(const SharedJob& job, uint32_t room, uint32_t receipt) {
  JobPart part;
  switch (job.job.kind) {
    case JobKind::kPushKeys:
    case JobKind::kPushMids: DoPersonal(job, receipt, &part); break;
    case JobKind::kKickKeys:
    case JobKind::kKickMids: DoKick(job, &part); break;
    case JobKind::kPushAll:
      part.taken = hub_.PushAll(PushOf(job, receipt),
                                job.pace_shares.empty() ? 0 : job.pace_shares[index_], now_ms());
      break;
    case JobKind::kOnline:
      for (uint32_t i = 0; i < job.owners.size(); ++i) {
        if (job.owners[i] == index_ && hub_.IsOnline(job.job.names[i])) part.online.push_back(i);
      }
      break;
    case JobKind::kStatus: part.status.push_back(Status()); break;
    case JobKind::kDrain:
    case JobKind::kUndrain:
    case JobKind::kTraces:
    case JobKind::kReload: HALLEY_ASSERT(false);  // the first shard has done it all
    case JobKind::kRooms: HALLEY_ASSERT(false);   // is surveyed, over many turns
    case JobKind::kTraceBegin:
    case JobKind::kTraceEnd:
      watch_.TakeTraces();
      if (index_ == job.origin) part.traced = TracedNow();
      break;
    case JobKind::kPushRooms:
      part.taken = hub_.PushRoom(job.job.names[room], PushOf(job, receipt), now_ms());
      break;
  }
  if (watch_.tracing()) watch_.OnPush(job.job, room, part);
  return part;
}

void Shard::DoPersonal(const SharedJob& job, uint32_t receipt, JobPart* part) {
  const hub::Push push = PushOf(job, receipt);
  const auto note = [&](size_t i, const hub::PersonalOutcome& outcome) {
    part->taken += outcome.taken;
    part->fates[i] = FateOf(outcome);
  };
  if (job.job.kind == JobKind::kPushMids) {
    part->fates.resize(job.job.mids.size());
    for (size_t i = 0; i < job.job.mids.size(); ++i) note(i, hub_.PushMid(job.job.mids[i], push));
    return;
  }
  part->fates.resize(job.job.names.size());
  for (size_t i = 0; i < job.job.names.size(); ++i) {
    if (job.owners[i] == index_) note(i, hub_.PushKey(job.job.names[i], push));
  }
}

void Shard::DoKick(const SharedJob& job, JobPart* part) {
  const bool by_mid = job.job.kind == JobKind::kKickMids;
  const size_t targets = by_mid ? job.job.mids.size() : job.job.names.size();
  part->fates.resize(targets);
  std::vector<uint32_t> slots;
  for (size_t i = 0; i < targets; ++i) {
    slots.clear();
    if (by_mid) {
      hub_.FindMid(job.job.mids[i], &slots);
    } else if (job.owners[i] == index_) {
      hub_.FindKey(job.job.names[i], &slots);
    }
    for (const uint32_t slot : slots) {
      BeginClose(connections_.Get(slot), wire::CloseReason::kKicked);
    }
    part->taken += slots.size();
    if (!slots.empty()) part->fates[i] = Fate::kTaken;
  }
}

// On the room's home: the one place that orders the room's messages.
void Shard::NumberRoomPush(const base::Ref<SharedJob>& job, uint32_t room) {
  const std::string& id = job->job.names[room];
  const uint64_t sequence = home_.NextSequence(id);
  const absl::Span<const Home::Presence> shards = home_.Shards(id);
  if (job->origin == index_) {
    jobs_.AddNumber(job->ticket, room, sequence, static_cast<uint32_t>(shards.size()));
  } else {
    Command numbered;
    numbered.kind = CommandKind::kRoomNumbered;
    numbered.index = room;
    numbered.number = sequence;
    numbered.count = shards.size();
    numbered.job = job;
    port_.Send(job->origin, std::move(numbered));
  }
  for (const Home::Presence& presence : shards) {
    if (presence.shard == index_) {
      DoAndReport(*job, room);
      continue;
    }
    Command deliver;
    deliver.kind = CommandKind::kRoomDeliver;
    deliver.index = room;
    deliver.number = sequence;
    deliver.job = job;
    port_.Send(presence.shard, std::move(deliver));
  }
}

void Shard::Report(uint32_t origin, uint32_t ticket, JobPart part) {
  if (origin == index_) {
    jobs_.AddPart(ticket, std::move(part));
    return;
  }
  Command report;
  report.kind = CommandKind::kJobReport;
  report.number = ticket;
  report.parcel = std::make_unique<JobPart>(std::move(part));
  port_.Send(origin, std::move(report));
}

void Shard::FinishIfDone(uint32_t ticket) {
  JobTable::Finished finished;
  if (!jobs_.TakeIfFinished(ticket, &finished)) return;
  const RpcId id = finished.connection;
  Connection* connection = Find(id.slot, id.generation);
  if (connection == nullptr || connection->phase != Phase::kRpc) return;
  push_.OnJobDone(id, finished.pusher_ticket, std::move(finished.result));
}

}  // namespace halley::shard
