// SimNode: what must hold.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

constexpr uint64_t kTurnsPerSecondAsleep = 40;
constexpr uint64_t kTurnsPerEnd = 4;
constexpr size_t kListeners = 5;

std::string Of(uint32_t shard) { return " on shard " + std::to_string(shard); }

// The connections whose descriptors are open on a shard.
std::string LinksOf(const SimNet& net, uint32_t shard) {
  std::string text = " (links";
  for (const auto& link : net.links()) {
    if (link->ring != nullptr && link->shard == shard) text += " " + std::to_string(link->id);
  }
  return text + ")" + Of(shard);
}

}  // namespace

void SimNode::Expect(bool holds, const std::string& what) {
  if (!holds) core().Fail(what);
}

void SimNode::ExpectEqual(uint64_t is, uint64_t should, const std::string& what) {
  Expect(is == should, what + ": " + std::to_string(is) + ", not " + std::to_string(should));
}

void SimNode::CheckBooks() {
  for (uint32_t i = 0; i < shards(); ++i) {
    const hub::Accounting books = shards_[i]->Status().accounting;
    const uint64_t skipped =
        std::accumulate(books.skipped.begin(), books.skipped.end(), uint64_t{0});
    ExpectEqual(books.delivered + skipped + books.pending, books.expected,
                "delivered, skipped and pending are not what was expected" + Of(i));
    uint64_t taken = 0;
    for (const auto& client : clients_) {
      const auto found = client->delivered_by_shard().find(i);
      if (found != client->delivered_by_shard().end()) taken += found->second;
    }
    for (const auto& poller : pollers_) taken += poller->delivered_by(i);
    ExpectEqual(books.delivered, taken, "delivered is not what sockets took" + Of(i));
  }
  const auto served = std::count_if(visitors_.begin(), visitors_.end(),
                                    [](const auto& visitor) { return visitor->served(); });
  ExpectEqual(Sum().closed[static_cast<size_t>(wire::CloseReason::kPageServed)],
              static_cast<uint64_t>(served), "visitors whose sockets took the whole file");
  const auto answered = std::count_if(pollers_.begin(), pollers_.end(),
                                      [](const auto& poller) { return poller->answered(); });
  Expect(Sum().closed[static_cast<size_t>(wire::CloseReason::kPollAnswered)] <=
             static_cast<uint64_t>(answered),
         "polls are closed as answered whose sockets did not take the whole response");
}

void SimNode::CheckDelivered() {
  CheckBooks();
  Missing missing;
  for (const auto& client : clients_) {
    if (!client->steady()) continue;
    CheckClient(*client);
    AddMissing(*client, &missing);
    CheckNumbers(*client);
  }
  CheckConfirmed();
  const hub::Accounting books = Sum().accounting;
  // A client that has vanished takes nothing, until its time is up.
  const auto& links = net().links();
  const bool deaf = std::any_of(links.begin(), links.end(), [](const auto& link) {
    return link->ring != nullptr && (link->vanished || link->stalled);
  });
  if (!deaf) ExpectEqual(books.pending, 0, "messages pending at rest");
  const uint64_t skipped = books.skipped[static_cast<size_t>(hub::SkipReason::kOverflow)] +
                           books.skipped[static_cast<size_t>(hub::SkipReason::kMemory)];
  const bool shared_keys = setup_.options.client.duplicate_key == config::DuplicateKey::kAllow;
  using config::PersonalOverflow;
  const PersonalOverflow policy = setup_.options.client.personal_overflow;
  const bool skips = policy == PersonalOverflow::kSkip || policy == PersonalOverflow::kLatest;
  const uint64_t lost = books.refused + (skips ? skipped : 0);
  Expect(missing.to_keys <= (shared_keys || skips ? lost : 0),
         std::to_string(missing.to_keys) + " pushes to keys were lost");
  Expect(missing.to_keys + missing.to_mids <= lost,
         std::to_string(missing.to_mids) + " pushes to mids were lost, of which only " +
             std::to_string(lost) + " were refused or skipped");
  Expect(missing.to_many <= skipped + books.refused,
         std::to_string(missing.to_many) + " pushes to rooms or all were lost, of which only " +
             std::to_string(skipped + books.refused) + " were skipped or refused");
  if (ledger_.AllReplied()) {
    ExpectEqual(ledger_.TakenSum(), books.expected, "what replies call taken is not what was expected");
  }
}

// What replies said was delivered is what sockets took until then; the rest may have come later.
void SimNode::CheckConfirmed() {
  std::map<uint32_t, uint64_t> received;
  for (const auto& client : clients_) {
    for (const uint32_t id : client->received()) ++received[id];
  }
  for (const auto& poller : pollers_) {
    for (const uint32_t id : poller->received()) ++received[id];
  }
  for (const Message& message : ledger_.messages()) {
    if (message.confirm_ms == 0 || !message.replied()) continue;
    const uint64_t got = received[message.id];
    Expect(message.delivered <= got && got <= message.delivered + message.pending,
           "push " + std::to_string(message.id) + " was taken by " + std::to_string(got) +
               " sockets, and its reply said " + std::to_string(message.delivered) + " and " +
               std::to_string(message.pending) + " pending");
  }
}

void SimNode::CheckClient(const SimClient& client) {
  const std::string who = "client " + std::to_string(client.number()) + " (link " +
                          std::to_string(client.link()->id) + ") ";
  ExpectEqual(client.unanswered(), 0, who + "waits for answers");
  Expect(client.whole(), who + "was left within a message");
  if (client.link()->stalled) return;
  ExpectEqual(client.pushes_read(), client.received().size(), who + "read not what was taken");
  ExpectEqual(client.link()->delivered_bytes, client.link()->taken_bytes, who + "lost bytes");
}

void SimNode::AddMissing(const SimClient& client, Missing* missing) {
  for (const Message& message : ledger_.messages()) {
    if (!message.replied()) continue;
    const size_t owed = client.SurelyOwed(message);
    const size_t got = client.times_received(message.id);
    if (got >= owed) continue;
    const std::string what = "push " + std::to_string(message.id) + " to client " +
                             std::to_string(client.number());
    bool refused = false;
    for (const auto& [index, why] : message.refused) {
      const bool mine = message.kind == PushKind::kKeys
                            ? message.names[index] == client.setup().key
                            : message.kind == PushKind::kMids &&
                                  message.mids[index] == client.setup().mid;
      if (message.kind != PushKind::kRooms && !mine) continue;
      refused = refused || mine;
      Expect(!mine || why == push::v1::REFUSAL_QUEUE_FULL, what + " was refused without a cause");
    }
    if (refused) continue;
    core().Note("missing", message.id, client.number());
    core().Note("of kind", static_cast<uint64_t>(message.kind), static_cast<uint64_t>(message.op));
    uint64_t& count = message.kind == PushKind::kKeys   ? missing->to_keys
                      : message.kind == PushKind::kMids ? missing->to_mids
                                                        : missing->to_many;
    count += owed - got;
  }
}

// What comes in one stay comes in the order of the room's numbers.
void SimNode::CheckNumbers(const SimClient& client) {
  for (const SimClient::Run& run : client.SureRuns()) {
    uint64_t last = 0;
    for (const uint32_t id : run.ids) {
      const Message& message = ledger_.at(id);
      if (std::count(message.names.begin(), message.names.end(), run.room) != 1) continue;
      const auto target = std::find(message.names.begin(), message.names.end(), run.room);
      const uint64_t number =
          message.sequence[static_cast<size_t>(target - message.names.begin())];
      Expect(number > last, "client " + std::to_string(client.number()) + " gets number " +
                                std::to_string(number) + " of room " + run.room + " after " +
                                std::to_string(last));
      last = number;
    }
  }
}

// There is one order of a room's messages in which all members got theirs: what any two clients saw
// one after the other makes a graph without a circle.
void SimNode::CheckRoomOrder() {
  std::map<std::string, std::map<uint32_t, std::set<uint32_t>>> after;
  for (const auto& client : clients_) {
    for (const auto& [room, ids] : client->by_room()) {
      for (size_t i = 0; i < ids.size(); ++i) {
        std::set<uint32_t>& next = after[room][ids[i]];
        if (i + 1 < ids.size()) next.insert(ids[i + 1]);
      }
    }
  }
  for (const auto& [room, graph] : after) {
    std::map<uint32_t, size_t> before;
    for (const auto& [id, next] : graph) {
      before.try_emplace(id, 0);
      for (const uint32_t other : next) ++before[other];
    }
    std::vector<uint32_t> free;
    for (const auto& [id, count] : before) {
      if (count == 0) free.push_back(id);
    }
    size_t placed = 0;
    while (!free.empty()) {
      const uint32_t id = free.back();
      free.pop_back();
      ++placed;
      for (const uint32_t other : graph.at(id)) {
        if (--before[other] == 0) free.push_back(other);
      }
    }
    ExpectEqual(placed, graph.size(), "members of room " + room + " got its messages in two orders");
  }
}

// At rest a shard turns for its ticks and nothing else, but for connections whose time is up just now:
// of those that have vanished, say.
void SimNode::CheckSleeps() {
  const auto ends = [this] {
    const shard::ShardStatus sum = Sum();
    uint64_t count = std::accumulate(sum.closed.begin(), sum.closed.end(), uint64_t{0});
    for (const auto& link : net().links()) count += link->ring == nullptr ? 1 : 0;
    return count;
  };
  const uint64_t before = world_.turns();
  const uint64_t ended = ends();
  world_.For(kSecond);
  const uint64_t turns = world_.turns() - before;
  Expect(turns <= kTurnsPerSecondAsleep * shards() + kTurnsPerEnd * (ends() - ended),
         "shards that have nothing to do turn " + std::to_string(turns) + " times in a second");
}

void SimNode::CheckEmpty() {
  CheckBooks();
  const shard::ShardStatus sum = Sum();
  ExpectEqual(sum.connections, 0, "connections when everybody has gone");
  ExpectEqual(sum.channels, 0, "channels when everybody has gone");
  ExpectEqual(sum.rooms, 0, "rooms when everybody has gone");
  ExpectEqual(sum.push_connections, 0, "push connections when everybody has gone");
  ExpectEqual(sum.buffer_bytes, 0, "bytes in buffers when everybody has gone");
  ExpectEqual(sum.accounting.pending, 0, "messages pending when everybody has gone");
  if (gate_ != nullptr) {
    ExpectEqual(gate_->addresses(), 0, "addresses with connections when everybody has gone");
    ExpectEqual(gate_->rooms(), 0, "rooms counted when everybody has gone");
  }
  uint64_t accepted = 0;
  uint64_t pushers = 0;
  for (const auto& link : net().links()) accepted += link->accepted ? 1 : 0;
  for (const auto& pusher : pushers_) pushers += pusher->link() && pusher->link()->accepted ? 1 : 0;
  ExpectEqual(sum.accepted, accepted, "connections counted as accepted");
  const uint64_t closed = std::accumulate(sum.closed.begin(), sum.closed.end(), uint64_t{0});
  ExpectEqual(closed, accepted - pushers, "connections closed for a reason");
  if (!setup_.options.access_log.file.empty() && setup_.options.access_log.one_in == 1) {
    TakeTold();
    ExpectEqual(ended_count_ + ended_dropped(), accepted - pushers, "lines of the access log");
  }
  for (const auto& shard : shards_) {
    ExpectEqual(shard->watch().watched_count(), 0, "connections watched when everybody has gone");
    ExpectEqual(shard->watch().traced_count(), 0, "connections traced when everybody has gone");
  }
  ExpectEqual(sum.moved_in + sum.closed[static_cast<size_t>(wire::CloseReason::kMoveFailed)],
              sum.moved_out, "connections that arrived, or failed to, of those that moved");
  for (uint32_t i = 0; i < shards(); ++i) {
    if (world_.stopped(i)) continue;
    ExpectEqual(world_.ring(i).descriptors_count(), kListeners,
                "descriptors open" + LinksOf(net(), i));
    ExpectEqual(world_.ring(i).unwatched_count(), 0, "listeners not armed" + Of(i));
  }
}

void SimNode::StopAndCheck() {
  fabric_.RequestStop();
  const uint64_t patience_ns = options().gateway.shutdown_timeout_ms * kMs;
  const uint64_t given_up_ns = core().now() + patience_ns;
  Expect(world_.Until(patience_ns + 2 * kSecond, [&] { return world_.all_stopped(); }),
         "the shards do not stop");
  // A client that does not take its leave in time is left to the end of the process.
  if (core().now() >= given_up_ns) return CheckBooks();
  for (uint32_t i = 0; i < shards(); ++i) {
    ExpectEqual(world_.ring(i).descriptors_count(), 0,
                "descriptors left open" + LinksOf(net(), i));
  }
  CheckBooks();
}

}  // namespace halley::sim
