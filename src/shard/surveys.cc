// Shard: questions for rooms. However many rooms there are, a turn does a slice of one survey, for whoever asked,
// and a slice of one tally, for who asked here.
#include <optional>
#include <utility>

#include "shard/shard.h"

namespace halley::shard {
namespace {

// A tenth of a millisecond or two each (bench/push/rooms_bench.cc): a push that comes meanwhile hardly waits.
constexpr size_t kRoomsSurveyed = 512;
constexpr size_t kTallySteps = 1024;

}  // namespace

void Shard::AdvanceSurveys() {
  if (!surveys_.empty() && surveys_.front().survey.Advance(hub_, kRoomsSurveyed)) {
    JobPart part;
    part.rooms = surveys_.front().survey.Take();
    Report(surveys_.front().origin, surveys_.front().ticket, std::move(part));
    surveys_.pop_front();
  }
  AdvanceTally();
}

void Shard::AdvanceTally() {
  const std::optional<JobTable::Tallying> first = jobs_.FirstTally();
  if (!first.has_value()) return;
  const RpcId id = first->connection;
  const Connection* const connection = Find(id.slot, id.generation);
  if (connection == nullptr || connection->phase != Phase::kRpc) {
    first->tally->Abandon();
  } else {
    push_.OnRooms(id, first->pusher_ticket, first->tally->Advance(kTallySteps));
  }
  FinishIfDone(first->ticket);
}

}  // namespace halley::shard
