// Shard: reports that wait until it is known what became of the deliveries.
#include <utility>

#include "base/assert.h"
#include "shard/shard.h"

namespace halley::shard {

void Shard::DoAndReport(const SharedJob& job, uint32_t room) {
  if (job.job.kind == JobKind::kRooms) {
    surveys_.push_back({job.origin, job.ticket, RoomSurvey(job.job.rooms.prefix)});
    return;
  }
  if (job.job.confirm_ms == 0) {
    Report(job.origin, job.ticket, DoPart(job, room, hub::kNone));
    return;
  }
  const uint32_t receipt = hub_.receipts().Open();
  const uint64_t deadline_ns = now_ns_ + uint64_t{job.job.confirm_ms} * 1'000'000;
  HeldReport held{job.origin, job.ticket, deadline_ns, DoPart(job, room, receipt)};
  if (hub_.receipts().Seal(receipt)) {
    SendHeld(receipt, std::move(held));
    return;
  }
  held_deadlines_.emplace(deadline_ns, receipt);
  held_reports_.emplace(receipt, std::move(held));
}

void Shard::SendHeld(uint32_t receipt, HeldReport held) {
  const hub::Receipt outcome = hub_.receipts().Close(receipt);
  held.part.deliveries = {outcome.delivered, outcome.skipped, outcome.pending()};
  Report(held.origin, held.ticket, std::move(held.part));
}

void Shard::ReportHeld(uint32_t receipt) {
  const auto found = held_reports_.find(receipt);
  HALLEY_ASSERT(found != held_reports_.end());
  HeldReport held = std::move(found->second);
  held_reports_.erase(found);
  held_deadlines_.erase({held.deadline_ns, receipt});
  const uint32_t origin = held.origin;
  const uint32_t ticket = held.ticket;
  SendHeld(receipt, std::move(held));
  if (origin == index_) FinishIfDone(ticket);
}

// What is known by now, and what will not be waited for any longer.
void Shard::ReportDeliveries() {
  for (const uint32_t receipt : hub_.receipts().TakeDone()) ReportHeld(receipt);
  while (!held_deadlines_.empty() && held_deadlines_.begin()->first <= now_ns_) {
    ReportHeld(held_deadlines_.begin()->second);
  }
}

}  // namespace halley::shard
