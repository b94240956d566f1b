#include "shard/job_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace halley::shard {
namespace {

Refusal RefusalOf(Fate fate) {
  switch (fate) {
    case Fate::kNotWatching: return Refusal::kNotWatching;
    case Fate::kQueueFull: return Refusal::kQueueFull;
    case Fate::kOffline:
    case Fate::kTaken: break;
  }
  return Refusal::kOffline;
}

}  // namespace

uint32_t JobTable::Open(RpcId connection, uint64_t pusher_ticket, base::Ref<SharedJob> job) {
  const uint32_t ticket = entries_.Take();
  Entry& entry = entries_[ticket];
  entry = Entry{};
  entry.open = true;
  entry.connection = connection;
  entry.pusher_ticket = pusher_ticket;
  const Job& asked = job->job;
  if (asked.confirm_ms > 0) entry.result.deliveries.emplace();
  switch (asked.kind) {
    case JobKind::kPushKeys:
    case JobKind::kKickKeys: entry.fates.resize(asked.names.size()); break;
    case JobKind::kPushMids:
    case JobKind::kKickMids: entry.fates.resize(asked.mids.size()); break;
    case JobKind::kPushRooms:
      entry.fates.resize(asked.names.size());
      entry.result.sequence.resize(asked.names.size());
      break;
    case JobKind::kRooms:
      entry.tally = std::make_unique<RoomTally>(asked.rooms.order, asked.rooms.limit);
      break;
    case JobKind::kPushAll:
    case JobKind::kOnline:
    case JobKind::kStatus:
    case JobKind::kDrain:
    case JobKind::kUndrain:
    case JobKind::kReload:
    case JobKind::kTraceBegin:
    case JobKind::kTraceEnd:
    case JobKind::kTraces: break;
  }
  entry.job = std::move(job);
  return ticket;
}

void JobTable::Expect(uint32_t ticket, uint32_t reports, uint32_t numbers) {
  entries_[ticket].reports_left += reports;
  entries_[ticket].numbers_left += numbers;
}

void JobTable::AddPart(uint32_t ticket, JobPart part) {
  Entry& entry = entries_[ticket];
  --entry.reports_left;
  entry.result.taken += part.taken;
  if (auto& sum = entry.result.deliveries) {
    sum->delivered += part.deliveries.delivered;
    sum->skipped += part.deliveries.skipped;
    sum->pending += part.deliveries.pending;
  }
  for (size_t i = 0; i < part.fates.size(); ++i) {
    entry.fates[i] = std::max(entry.fates[i], part.fates[i]);
  }
  JobResult& result = entry.result;
  if (entry.tally != nullptr) {
    entry.tally->Add(std::move(part.rooms));
    if (entry.reports_left == 0) tallies_.push_back(ticket);
  }
  result.online.insert(result.online.end(), part.online.begin(), part.online.end());
  if (entry.job->job.kind == JobKind::kReload) result.reloaded = std::move(part.reloaded);
  if (part.traced.has_value()) result.traced = *std::move(part.traced);
  std::move(part.status.begin(), part.status.end(), std::back_inserter(result.status));
}

void JobTable::AddNumber(uint32_t ticket, uint32_t room, uint64_t sequence, uint32_t sent_on_to) {
  Entry& entry = entries_[ticket];
  HALLEY_ASSERT(entry.numbers_left > 0);
  --entry.numbers_left;
  entry.reports_left += sent_on_to;
  entry.result.sequence[room] = sequence;
  if (sent_on_to > 0) entry.fates[room] = Fate::kTaken;
}

std::optional<JobTable::Tallying> JobTable::FirstTally() {
  if (tallies_.empty()) return std::nullopt;
  const uint32_t ticket = tallies_.front();
  Entry& entry = entries_[ticket];
  return Tallying{ticket, entry.connection, entry.pusher_ticket, entry.tally.get()};
}

bool JobTable::TakeIfFinished(uint32_t ticket, Finished* finished) {
  Entry& entry = entries_[ticket];
  HALLEY_ASSERT(entry.open);
  if (entry.numbers_left > 0 || entry.reports_left > 0) return false;
  JobResult& result = entry.result;
  if (entry.tally != nullptr) {
    if (!entry.tally->done()) return false;
    HALLEY_ASSERT(tallies_.front() == ticket);
    tallies_.pop_front();
    result.rooms_total = entry.tally->total();
  }
  for (uint32_t i = 0; i < entry.fates.size(); ++i) {
    if (entry.fates[i] != Fate::kTaken) result.refused.push_back({i, RefusalOf(entry.fates[i])});
  }
  std::sort(result.online.begin(), result.online.end());
  std::sort(result.status.begin(), result.status.end(),
            [](const ShardStatus& a, const ShardStatus& b) { return a.shard < b.shard; });
  *finished = {entry.connection, entry.pusher_ticket, std::move(result)};
  entry = Entry{};
  entries_.Give(ticket);
  return true;
}

}  // namespace halley::shard
