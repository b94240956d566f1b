// Shard: rooms and their homes.
//
// A room's home numbers its messages and sends them on to the shards that have members. So a shard
// tells the home when its first member comes and its last one goes, and the first member's reply
// waits for the home's confirmation: a client that has been told it is in the room gets every
// message pushed after that.
#include <utility>

#include "base/assert.h"
#include "shard/shard.h"

namespace halley::shard {

Shard::Joined Shard::EnterRoom(Connection& connection, std::string_view id) {
  const bool at_home = hub::ShardOf(hub::RoutingHash(id), fabric_.shards()) == index_;
  if (at_home && !MayOpenAtHome(id)) return Joined::kRefused;
  const hub::Room* room = hub_.JoinRoom(SlotOf(connection), id);
  TellHomes();
  NoteRecount(*room);
  if (room->announced) return Joined::kIn;
  room_waiters_[room->epoch].push_back({SlotOf(connection), GenerationOf(connection)});
  return Joined::kWaits;
}

// Of a room that is at home here. A yes counts it among the node's, so it must be present then.
bool Shard::MayOpenAtHome(std::string_view room) {
  return !home_.Shards(room).empty() || gate_.OpenRoom();
}

void Shard::SetAbsent(const std::string& room, uint32_t shard) {
  const size_t before = home_.rooms_count();
  home_.SetAbsent(room, shard);
  if (home_.rooms_count() < before) gate_.CloseRoom();
  resummed_.insert(room);
}

void Shard::NoteRecount(const hub::Room& room) {
  if (fabric_.shards() > 1) recounted_.insert(std::string(room.id()));
}

void Shard::SendNote(uint32_t to, CommandKind kind, RoomNote note) {
  Command command;
  command.kind = kind;
  command.parcel = std::make_unique<RoomNote>(std::move(note));
  port_.Send(to, std::move(command));
}

void Shard::TellHomes() {
  for (hub::Hub::RoomChange& change : hub_.TakeRoomChanges()) {
    const uint32_t home = hub::ShardOf(hub::RoutingHash(change.room), fabric_.shards());
    hub::Room* room = hub_.FindRoom(change.room);
    if (!change.present) {
      if (home == index_) {
        SetAbsent(change.room, index_);
      } else {
        SendNote(home, CommandKind::kRoomAbsent, {change.room, 0, 0});
      }
      continue;
    }
    HALLEY_ASSERT(room != nullptr);
    room->epoch = ++next_epoch_;
    if (home == index_) {
      home_.SetPresent(change.room, index_, room->members());
      room->announced = true;
    } else {
      room->online_ours = room->members();
      SendNote(home, CommandKind::kRoomPresent, {change.room, room->epoch, room->members()});
    }
  }
}

void Shard::OnRoomCommand(uint32_t from, Command& command) {
  const RoomNote& note = *std::get<std::unique_ptr<RoomNote>>(command.parcel);
  switch (command.kind) {
    case CommandKind::kRoomPresent: OnPresent(from, note); break;
    case CommandKind::kRoomAbsent: SetAbsent(note.room, from); break;
    case CommandKind::kRoomConfirmed: OnConfirmed(note); break;
    case CommandKind::kRoomRefused: OnRefused(note); break;
    case CommandKind::kRoomCount:
      if (home_.SetMembers(note.room, from, note.count)) resummed_.insert(note.room);
      break;
    case CommandKind::kRoomOnline: OnOnline(note); break;
    default: HALLEY_ASSERT(false);
  }
}

void Shard::OnPresent(uint32_t from, const RoomNote& note) {
  if (!MayOpenAtHome(note.room)) {
    SendNote(from, CommandKind::kRoomRefused, {note.room, note.epoch, 0});
    return;
  }
  home_.SetPresent(note.room, from, note.count);
  resummed_.insert(note.room);
  SendNote(from, CommandKind::kRoomConfirmed, {note.room, note.epoch, home_.Members(note.room)});
}

void Shard::OnConfirmed(const RoomNote& note) {
  hub::Room* room = hub_.FindRoom(note.room);
  // A room that emptied and filled again since waits for its own confirmation.
  if (room != nullptr && room->epoch == note.epoch) {
    room->announced = true;
    room->online = note.count;
  }
  const auto found = room_waiters_.find(note.epoch);
  if (found == room_waiters_.end()) return;
  const std::vector<Name> waiters = std::move(found->second);
  room_waiters_.erase(found);
  for (const Name& name : waiters) {
    Connection* connection = Find(name.slot, name.generation);
    if (connection != nullptr && connection->phase == Phase::kWaiting) FinishWaiting(*connection);
  }
}

// All that are in it wait, for it was never confirmed; when they have gone, the home is told that
// nobody is here, which it knows.
void Shard::OnRefused(const RoomNote& note) {
  const auto found = room_waiters_.find(note.epoch);
  if (found == room_waiters_.end()) return;
  const std::vector<Name> waiters = std::move(found->second);
  room_waiters_.erase(found);
  for (const Name& name : waiters) {
    Connection* connection = Find(name.slot, name.generation);
    if (connection != nullptr) BeginClose(*connection, wire::CloseReason::kRoomsFull);
  }
}

void Shard::OnOnline(const RoomNote& note) {
  hub::Room* room = hub_.FindRoom(note.room);
  if (room == nullptr) return;
  room->online = note.count;
  room->online_ours = static_cast<uint32_t>(note.epoch);
}

// Once a second: counts that changed go to the homes, sums that changed come from here.
void Shard::ShareCounts() {
  for (const std::string& id : recounted_) {
    const hub::Room* room = hub_.FindRoom(id);
    if (room == nullptr) continue;
    const uint32_t home = hub::ShardOf(hub::RoutingHash(id), fabric_.shards());
    if (home != index_) {
      SendNote(home, CommandKind::kRoomCount, {id, 0, room->members()});
    } else if (home_.SetMembers(id, index_, room->members())) {
      resummed_.insert(id);
    }
  }
  recounted_.clear();
  for (const std::string& id : resummed_) {
    const uint32_t sum = home_.Members(id);
    for (const Home::Presence& presence : home_.Shards(id)) {
      if (presence.shard == index_) continue;
      SendNote(presence.shard, CommandKind::kRoomOnline, {id, presence.members, sum});
    }
  }
  resummed_.clear();
}

// Members here as they are, members elsewhere as last heard.
uint64_t Shard::OnlineIn(const hub::Room& room) const {
  uint64_t elsewhere = room.online - std::min(room.online, room.online_ours);
  if (hub::ShardOf(hub::RoutingHash(room.id()), fabric_.shards()) == index_) {
    elsewhere = 0;
    for (const Home::Presence& presence : home_.Shards(room.id())) {
      if (presence.shard != index_) elsewhere += presence.members;
    }
  }
  return elsewhere + room.members();
}

}  // namespace halley::shard
