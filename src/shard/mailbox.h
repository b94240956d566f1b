// Mailbox, Port, Fabric: how shards talk. A Fabric is every shard's mailboxes and notice board; a
// Port is one producer's end of it. Commands cross by value; what several shards must read is an
// immutable job behind one counted reference per shard.
//
// Threads    The Fabric is built before the threads and outlives them. A Port is its producer's;
//            Receive() is for the consuming shard. A Fabric's orders and options: any thread.
// Limits     Mailboxes hold kMailboxCommands. What does not fit waits in the Port, in order, and goes
//            out in a later turn: a full mailbox never blocks and never drops.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backend/backend.h"
#include "base/ref.h"
#include "base/spsc_queue.h"
#include "config/options.h"
#include "session/client_session.h"
#include "shard/bucket_rooms.h"
#include "shard/connection.h"
#include "shard/gate.h"
#include "shard/job.h"
#include "shard/trace.h"
#include "shard/watched.h"

namespace halley::shard {

// A job on its way, with what routing worked out once.
struct SharedJob : base::Counted<SharedJob> {
  Job job;
  uint32_t origin = 0;                // the shard that gathers the result
  uint32_t ticket = 0;                // its number there
  uint64_t taken_ns = 0;              // when that shard took it, on the rings' clock
  std::vector<uint32_t> owners;       // per name: the shard that owns the key or is the room's home
  std::vector<uint32_t> pace_shares;  // kPushAll with a pace: deliveries per second, per shard
};

// What happened to one target on one shard, worst to best: the best of all shards counts.
enum class Fate : uint8_t { kOffline, kNotWatching, kQueueFull, kTaken };

// One shard's part of a result.
struct JobPart {
  uint64_t taken = 0;
  std::vector<Fate> fates;         // per name or mid, for personal pushes and kicks
  std::vector<BucketRooms> rooms;  // kRooms: one per bucket
  std::vector<uint32_t> online;
  std::vector<ShardStatus> status;
  Deliveries deliveries;
  Reloaded reloaded;
  std::optional<Traced> traced;  // of one shard
};

// A connection on its way to the shard that owns its key. The descriptor travels beside it.
struct Adoption {
  session::ClientSession session{session::Transport::kTcp};
  backend::ConnectReply login;
  std::string unread;       // bytes that came behind the login
  Asked asked;
  uint64_t serial = 0;
  AddressKey seat = kNoAddress;
  Meter meter;
  std::unique_ptr<Watched> watched;  // null: it is not
};

// A room's presence on a shard, and its counts.
struct RoomNote {
  std::string room;
  uint64_t epoch = 0;  // of the presence, so that an old confirmation is recognised
  uint32_t count = 0;
};

enum class CommandKind : uint8_t {
  kNone,
  kAdopt,          // Adoption; number = the descriptor's token
  kRoomPresent,    // RoomNote, to the room's home: this shard has members now
  kRoomAbsent,     // RoomNote, to the home: no more members here
  kRoomConfirmed,  // RoomNote, from the home: pushes will come from here on; count = all members
  kRoomRefused,    // RoomNote, from the home: the node has as many rooms as it may
  kRoomCount,      // RoomNote, to the home: members on this shard
  kRoomOnline,     // RoomNote, from the home: members on all shards
  kJob,            // job: do your part and report
  kRoomPush,       // job, index = which room: number it, send it on to who has members
  kRoomDeliver,    // job, index, number = its sequence: append it
  kRoomNumbered,   // to the origin: index, number = sequence, count = shards it was sent on to
  kJobReport,      // JobPart, to the origin; number = ticket
};

struct Command {
  CommandKind kind = CommandKind::kNone;
  uint32_t index = 0;
  uint64_t number = 0;
  uint64_t count = 0;
  base::Ref<SharedJob> job;
  std::variant<std::monostate, std::unique_ptr<Adoption>, std::unique_ptr<RoomNote>,
               std::unique_ptr<JobPart>>
      parcel;
};

// What a shard lets the others know without a command. Gauges: a moment old at most.
struct alignas(base::kCacheLineBytes) Notice {
  std::atomic<uint32_t> sleeping{0};
  std::atomic<uint32_t> congested{0};
  std::atomic<uint64_t> connections{0};
  std::atomic<uint64_t> channels{0};
  std::atomic<uint64_t> held_bytes{0};
  std::atomic<uint64_t> options_number{0};  // of those in use
  std::atomic<uint64_t> turns{0};  // one that sleeps wakes for a turn many times a second, too
};

// How the node is drained: from `begin_ns` on nobody is let in, and who is there is told to go, evenly
// over the window. On the rings' clock.
struct Drain {
  uint64_t begin_ns = 0;  // 0: it is not
  uint64_t window_ns = 0;
};

class Fabric {
 public:
  static constexpr size_t kMailboxCommands = 1024;

  explicit Fabric(uint32_t shards);

  uint32_t shards() const { return shards_; }
  Notice& notice(uint32_t shard) { return notices_[shard]; }
  base::SpscQueue<Command>& mailbox(uint32_t from, uint32_t to) {
    return *mailboxes_[from * shards_ + to];
  }

  // Told by anyone, seen by every shard within its longest sleep.
  void RequestStop() { stop_.store(true, std::memory_order_release); }
  bool stop_requested() const { return stop_.load(std::memory_order_acquire); }

  // Likewise; a later one counts in place of an earlier one, and Drain{} ends it. From several
  // threads at a time, what a shard sees for a moment may be of both.
  void RequestDrain(const Drain& drain) {
    drain_window_ns_.store(drain.window_ns, std::memory_order_relaxed);
    drain_begin_ns_.store(drain.begin_ns, std::memory_order_release);
  }
  Drain drain() const {
    const uint64_t begin_ns = drain_begin_ns_.load(std::memory_order_acquire);
    return {begin_ns, drain_window_ns_.load(std::memory_order_relaxed)};
  }

  // --- reading the options again
  // Any thread asks, and is given a number; the main thread takes the asking, and says what came of all
  // that was asked up to a number.
  uint64_t RequestReload() { return reload_asked_.fetch_add(1, std::memory_order_acq_rel) + 1; }
  uint64_t reload_asked() const { return reload_asked_.load(std::memory_order_acquire); }
  void FinishReload(uint64_t number, Reloaded outcome);
  bool ReloadFinished(uint64_t number) const {
    return reload_done_.load(std::memory_order_acquire) >= number;
  }
  // Of the last that was finished.
  Reloaded ReloadOutcome() const;
  // The main thread gives options out; each shard takes them when it sees their number grow, and notes
  // that on the notice board.
  void GiveOptions(const config::Options& options);
  uint64_t options_number() const { return options_number_.load(std::memory_order_acquire); }
  std::shared_ptr<const config::Options> TakeOptions() const;
  bool EveryShardTookOptions() const;

  TraceTable& traces() { return traces_; }

  uint64_t ConnectionsCount() const;
  bool AnyoneCongested() const;

 private:
  const uint32_t shards_;
  std::vector<std::unique_ptr<base::SpscQueue<Command>>> mailboxes_;  // [from][to]
  const std::unique_ptr<Notice[]> notices_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> drain_begin_ns_{0};
  std::atomic<uint64_t> drain_window_ns_{0};
  std::atomic<uint64_t> reload_asked_{0};
  std::atomic<uint64_t> reload_done_{0};
  std::atomic<uint64_t> options_number_{0};
  mutable std::mutex reload_mutex_;  // of the two below; no shard's turn takes it but after a reload
  Reloaded reload_outcome_;
  std::shared_ptr<const config::Options> options_;
  TraceTable traces_;
};

class Port {
 public:
  Port(Fabric* fabric, uint32_t shard) : fabric_(fabric), shard_(shard), waiting_(fabric->shards()) {}

  void Send(uint32_t to, Command command);
  // Makes what was sent visible; names in `sleepers` the shards that must be woken for it.
  void Publish(std::vector<uint32_t>* sleepers);
  // Commands that did not fit yet.
  bool HasWaiting() const { return waiting_count_ > 0; }
  // As many wait as a mailbox holds: what can wait elsewhere should.
  bool Clogged() const { return waiting_count_ >= Fabric::kMailboxCommands; }

  // Takes the next command for this shard from `from`.
  bool Receive(uint32_t from, Command* command) {
    return fabric_->mailbox(from, shard_).TryPop(command);
  }
  // The consumer's last look before it sleeps.
  bool InboundEmpty() const;
  // Commands that wait to be received.
  size_t InboundCount() const;

 private:
  Fabric* const fabric_;
  const uint32_t shard_;
  std::vector<std::deque<Command>> waiting_;  // per destination
  size_t waiting_count_ = 0;
};

}  // namespace halley::shard
