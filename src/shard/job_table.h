// JobTable: jobs whose result is still being gathered on the shard they came to.
//
// A room push is finished when each room's home has said how many shards it sent it on to, and each
// of those has reported; the two may arrive in any order, so they are counted apart. A question for rooms is
// finished when every shard has reported and its tally is done; tallies are worked at one after the other.
//
// Threads    One shard's.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/chunked_array.h"
#include "base/ref.h"
#include "shard/mailbox.h"
#include "shard/room_tally.h"

namespace halley::shard {

class JobTable {
 public:
  // What a finished job's pusher is to be told.
  struct Finished {
    RpcId connection;
    uint64_t pusher_ticket = 0;
    JobResult result;
  };

  // Opens an entry; the number stands in the job's ticket.
  uint32_t Open(RpcId connection, uint64_t pusher_ticket, base::Ref<SharedJob> job);

  // Before anything is sent: so many reports, so many rooms' numbers, will come.
  void Expect(uint32_t ticket, uint32_t reports, uint32_t numbers);
  void AddPart(uint32_t ticket, JobPart part);
  void AddNumber(uint32_t ticket, uint32_t room, uint64_t sequence, uint32_t sent_on_to);

  // The tally whose turn it is, of a question for rooms that all shards have reported of.
  struct Tallying {
    uint32_t ticket;
    RpcId connection;
    uint64_t pusher_ticket;
    RoomTally* tally;
  };
  std::optional<Tallying> FirstTally();
  bool tallying() const { return !tallies_.empty(); }

  // True when everything has come; the entry is closed and its result moved out.
  bool TakeIfFinished(uint32_t ticket, Finished* finished);

  size_t open() const { return entries_.in_use(); }

 private:
  struct Entry {
    bool open = false;
    RpcId connection;
    uint64_t pusher_ticket = 0;
    base::Ref<SharedJob> job;
    uint32_t reports_left = 0;  // may wrap below zero while a home's number is on its way
    uint32_t numbers_left = 0;
    std::vector<Fate> fates;
    std::unique_ptr<RoomTally> tally;  // kRooms
    JobResult result;
  };

  base::Pool<Entry> entries_;
  std::deque<uint32_t> tallies_;  // tickets
};

}  // namespace halley::shard
