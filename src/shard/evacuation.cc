// Shard: being drained of its clients, which are told to go evenly over a window.
//
// Whose turn it is *retires*: it leaves its rooms with what it is owed of them, is no longer read,
// and is closed once all of that is sent, which for who keeps up is the next turn. So nobody misses
// what was pushed before it was told. Who lags further than a queue holds is asked again later; at the
// end of the window it is for the stop that follows, which waits for nobody for long.
#include <algorithm>

#include "shard/shard.h"

namespace halley::shard {
namespace {

// Per turn: an even rate needs few of them, and after a pause the rest is for the turns that follow.
constexpr size_t kRetiresPerTurn = 256;

}  // namespace

void Shard::AdvanceEvacuation() {
  const Drain drain = fabric_.drain();
  const bool begun = drain.begin_ns != 0 && now_ns_ >= drain.begin_ns;
  // A later order counts in place of an earlier one, for those that are left.
  if (begun && !(evacuation_.under_way && evacuation_.begin_ns == drain.begin_ns)) {
    BeginEvacuation(drain);
  }
  if (!begun) EndEvacuation();
  if (evacuation_.under_way && stop_ == StopPhase::kRunning) RetireClients(drain);
  CloseRetired();
}

void Shard::BeginEvacuation(const Drain& drain) {
  evacuation_.under_way = true;
  evacuation_.begin_ns = drain.begin_ns;
  evacuation_.clients = clients_;
  evacuation_.next.clear();
  connections_.ForEach([&](uint32_t slot, Connection& connection) {
    if (connection.phase == Phase::kRpc || connection.phase >= Phase::kLingering) return;
    evacuation_.next.push_back({slot, GenerationOf(connection)});
  });
}

// Who has retired goes all the same.
void Shard::EndEvacuation() {
  evacuation_.under_way = false;
  evacuation_.next.clear();
}

// As many as are due by now, whether they were told or went by themselves.
void Shard::RetireClients(const Drain& drain) {
  const uint64_t elapsed_ns = std::min(now_ns_ - drain.begin_ns, drain.window_ns);
  const double share = drain.window_ns == 0 ? 1.0
                                            : static_cast<double>(elapsed_ns) /
                                                  static_cast<double>(drain.window_ns);
  const auto gone = static_cast<uint64_t>(share * static_cast<double>(evacuation_.clients));
  const uint64_t stay = evacuation_.clients - std::min(gone, evacuation_.clients);
  size_t budget = std::min(kRetiresPerTurn, evacuation_.next.size());
  while (budget-- > 0 && clients_ > stay + evacuation_.retired.size()) {
    const Name name = evacuation_.next.front();
    evacuation_.next.pop_front();
    Connection* connection = Find(name.slot, name.generation);
    if (connection == nullptr || connection->phase >= Phase::kLingering) continue;
    if (!Retire(*connection)) evacuation_.next.push_back(name);
  }
}

// False: its turn must come again.
bool Shard::Retire(Connection& connection) {
  const uint32_t slot = SlotOf(connection);
  if (!hub_.Live(slot)) {
    BeginClose(connection, wire::CloseReason::kDraining);
    return true;
  }
  if (wire::IsLongPoll(connection.session.encoding())) {
    hub_.EndPoll(slot);  // which ends it
    return true;
  }
  // Who waits for its room is told first that it is in it.
  if (connection.phase != Phase::kLive) return false;
  const hub::Room* room = hub_.RoomOf(slot);
  const std::string left = room == nullptr ? "" : std::string(room->id());
  if (!hub_.Retire(slot)) return false;
  if (fabric_.shards() > 1 && !left.empty()) recounted_.insert(left);
  TellHomes();
  connection.phase = Phase::kWaiting;
  connection.extra = std::make_unique<Greeting>();
  evacuation_.retired.push_back({slot, GenerationOf(connection)});
  return true;
}

void Shard::CloseRetired() {
  std::erase_if(evacuation_.retired, [this](const Name& name) {
    Connection* connection = Find(name.slot, name.generation);
    if (connection == nullptr || connection->phase >= Phase::kLingering) return true;
    if (!hub_.Drained(name.slot)) return false;
    BeginClose(*connection, wire::CloseReason::kDraining);
    return true;
  });
}

// A client's own, so that those who are told together do not come back together; the same in every
// run of a simulation.
uint32_t Shard::RetryMs(const Connection& connection) const {
  const uint64_t spread = options_.gateway.drain_retry_ms;
  if (connection.reason != wire::CloseReason::kDraining || spread == 0) return 0;
  const uint64_t mixed = (connection.serial * 0x9e3779b97f4a7c15u ^ now_ns_) * 0xbf58476d1ce4e5b9u;
  return static_cast<uint32_t>(1 + (mixed >> 32) % spread);
}

}  // namespace halley::shard
