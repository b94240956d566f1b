// HubModel: what every client of a hub must still receive, kept in the most naive way, and a parser
// of what it did receive.
//
// Each client has several streams: its replies, its own pushes, and one for each stay in a room or
// with one accept set. Within a stream the order is fixed, between streams it is not. A message
// that comes passes over those before it in its stream: they were skipped.
//
// Failures are reported to GoogleTest; the model goes on as well as it can.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/hub.h"
#include "wire/goim_frame.h"

namespace halley::hub {

class HubModel {
 public:
  // --- messages. Each has a number and stands for the bytes it has on either wire.
  struct Message {
    int32_t op = 0;
    bool batch = false;
    std::string body;
    std::string wire[wire::kEncodingsCount];
  };
  // A body of at least `bytes` bytes, or a batch of frames that have at least as many together.
  uint64_t NewPush(int32_t op, uint64_t bytes, uint32_t batch_frames);
  uint64_t NewReply(uint64_t bytes);
  const Message& message(uint64_t id) const { return messages_[id]; }

  // --- clients
  void Add(const Identity& identity);
  void Remove(uint32_t slot);
  bool Has(uint32_t slot) const { return clients_.count(slot) > 0; }
  size_t clients() const { return clients_.size(); }
  std::vector<uint32_t> slots() const;
  wire::Encoding encoding(uint32_t slot) const { return clients_.at(slot).encoding; }
  const std::set<int32_t>& ops(uint32_t slot) const { return clients_.at(slot).ops; }
  // The client's accept set became this one: a new stay with everyone, when it differs.
  void SetOps(uint32_t slot, const std::set<int32_t>& ops);
  // Newest first.
  std::vector<uint32_t> WithKey(std::string_view key) const;
  std::vector<uint32_t> WithMid(int64_t mid) const;

  // --- rooms
  void Join(uint32_t slot, const std::string& room);
  void LeaveRooms(uint32_t slot);
  std::vector<uint32_t> Members(const std::string& room) const;
  std::set<std::string> Rooms() const;

  // --- what must come. `maybe`: the hub took it for some of several clients, not saying which.
  void ExpectReply(uint32_t slot, uint64_t id);
  void ExpectPersonal(uint32_t slot, uint64_t id, bool maybe);
  void ExpectOfRoom(uint32_t slot, const std::string& room, uint64_t id);
  void ExpectOfEveryone(uint32_t slot, uint64_t id);

  // --- what came
  void Receive(uint32_t slot, std::string_view bytes);

  // Messages (not replies) that clients who are here have yet to get; those `maybe` not counted.
  uint64_t Pending(uint32_t slot) const;
  bool RepliesPending(uint32_t slot) const;
  // Nothing of a message that has not come whole.
  bool AtBoundary(uint32_t slot) const { return clients_.at(slot).received.empty(); }
  uint64_t received() const { return received_; }  // whole messages
  uint64_t passed_over() const { return passed_over_; }
  // What clients had yet to get when they were removed.
  uint64_t lost() const { return lost_; }

 private:
  struct Due {
    uint64_t id;
    bool maybe;
  };
  struct Client {
    wire::Encoding encoding = wire::Encoding::kGoimTcp;
    std::string key;
    int64_t mid = 0;
    uint64_t serial = 0;
    std::set<int32_t> ops;
    uint64_t everyone = 0;
    uint64_t personal = 0;
    uint64_t replies = 0;
    std::map<std::string, uint64_t> rooms;
    std::map<uint64_t, std::deque<Due>> streams;
    std::map<uint64_t, uint64_t> stream_of;  // message number -> stream
    std::string received;                    // since the last whole message
  };

  void Expect(uint32_t slot, uint64_t stream, uint64_t id, bool maybe);
  void OnWhole(Client& client, uint64_t id);
  static bool ReadId(const Client& client, uint64_t* id);

  std::vector<Message> messages_;
  std::map<uint32_t, Client> clients_;
  uint64_t next_serial_ = 0;
  uint64_t next_stream_ = 0;
  uint64_t received_ = 0;
  uint64_t passed_over_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace halley::hub
