// Shard: telling clients to go. All of them evenly over a window, when the node is drained; each at its
// own time, when connections have one (client.lifetime_s).
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
// Whose time is over, and who has not been sent all it is owed, is given so much more.
constexpr uint64_t kLeaveAgainNs = 1'000'000'000;
constexpr uint64_t kRetiredNs = 10'000'000'000;

// RFC 6455's registry: the service restarts. Of all whom we ask to come back.
constexpr uint16_t kComeBack = 1012;

// A client's own number, the same in every run of a simulation.
uint64_t Mixed(uint64_t serial, uint64_t now_ns) {
  return ((serial * 0x9e3779b97f4a7c15u ^ now_ns) * 0xbf58476d1ce4e5b9u) >> 32;
}

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
  while (budget-- > 0 && clients_ > stay + retired_.size()) {
    const Name name = evacuation_.next.front();
    evacuation_.next.pop_front();
    Connection* connection = Find(name.slot, name.generation);
    if (connection == nullptr || connection->phase >= Phase::kLingering) continue;
    if (connection->retired) continue;
    if (!Retire(*connection, wire::CloseReason::kDraining)) evacuation_.next.push_back(name);
  }
}

// False: its turn must come again.
bool Shard::Retire(Connection& connection, wire::CloseReason reason) {
  const uint32_t slot = SlotOf(connection);
  if (!hub_.Live(slot)) {
    BeginClose(connection, reason);
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
  connection.retired = true;
  if (connection.watched) watch_.OnRetired(connection, left);
  retired_.push_back({{slot, GenerationOf(connection)}, reason});
  return true;
}

void Shard::CloseRetired() {
  std::erase_if(retired_, [this](const Retired& each) {
    Connection* connection = Find(each.name.slot, each.name.generation);
    if (connection == nullptr || connection->phase >= Phase::kLingering) return true;
    if (!hub_.Drained(each.name.slot)) return false;
    BeginClose(*connection, each.reason);
    return true;
  });
}

// For one that logs in now. Who came together does not leave together.
uint32_t Shard::LeaveAtDs(const Connection& connection) const {
  const uint64_t lifetime_ds = uint64_t{options_.client.lifetime_s} * 10;
  if (lifetime_ds == 0) return 0;
  const uint64_t sooner_ds = Mixed(connection.serial, now_ns_) % (lifetime_ds / 10 + 1);
  return static_cast<uint32_t>(now_ns_ / kTenthNs + lifetime_ds - sooner_ds);
}

void Shard::OnLifetimeOver(Connection& connection) {
  // It does not take what it is owed.
  if (connection.retired) {
    BeginClose(connection, wire::CloseReason::kLifetimeOver);
    return;
  }
  Retire(connection, wire::CloseReason::kLifetimeOver);
  SetDeadline(connection, now_ns_ + (connection.retired ? kRetiredNs : kLeaveAgainNs));
}

// A client's own, so that those who are told together do not come back together.
uint32_t Shard::RetryMs(const Connection& connection) const {
  const uint64_t spread = options_.gateway.drain_retry_ms;
  if (wire::WebSocketCloseCode(connection.reason) != kComeBack || spread == 0) return 0;
  return static_cast<uint32_t>(1 + Mixed(connection.serial, now_ns_) % spread);
}

}  // namespace halley::shard
