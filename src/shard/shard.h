// Shard: a core's thread. One ring, a hub with its buckets, connections, pooled buffers, timers; the
// loop that ties them together, and the only routing decisions: key -> shard, room -> home.
//
// Start reading at Turn(). Each step is a function of that name, in the file named beside it.
//
// Threads    Constructed anywhere; Start(), Turn() and everything else on one thread. Others reach
//            it through the Fabric only.
// Ownership  Owns its connections, hub and buffers, and a copy of the options. Borrows ring, fabric, gate,
//            backend, push handler and feed, which outlive it. Owns the descriptors of its listeners and inside callers and
//            closes them.
// Limits     config::Options.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "backend/backend.h"
#include "base/networks.h"
#include "base/slab.h"
#include "config/listeners.h"
#include "config/options.h"
#include "hub/hub.h"
#include "io/ring.h"
#include "io/round.h"
#include "io/timer_wheel.h"
#include "shard/connection.h"
#include "shard/gate.h"
#include "shard/home.h"
#include "shard/job.h"
#include "shard/job_table.h"
#include "shard/mailbox.h"
#include "shard/memory_stage.h"
#include "shard/room_survey.h"
#include "shard/watch.h"

namespace halley::shard {

using config::ListenerKind;

struct ShardListener {
  ListenerKind kind;  // one that shards have
  int32_t fd;
  bool passed = false;  // whoever passed it goes on listening: it is not shut down
};

// The shard's end of a connection from another thread of this process, which pushes and asks
// through it as pushers do from outside.
struct InsideCaller {
  int32_t fd;
  bool observer;  // never pushes, so that it may be answered when no pusher is
};

struct ShardSetup {
  uint32_t index = 0;
  io::Ring* ring = nullptr;
  Fabric* fabric = nullptr;
  const config::Options* options = nullptr;
  uint32_t shards_per_cpu = 1;  // how many take turns on one: each turn's flushes are as much smaller
  uint64_t wall_offset_ms = 0;  // milliseconds since 1970 at the ring's time 0
  Gate* gate = nullptr;  // of all shards
  backend::Backend* backend = nullptr;
  RpcHandler* push = nullptr;
  journal::Feed* feed = nullptr;  // null: nothing is written down
  std::vector<ShardListener> listeners;
  std::vector<InsideCaller> inside;
};

class Shard final : private backend::BackendSink, private JobRunner {
 public:
  explicit Shard(const ShardSetup& setup);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() override;

  // Makes the calling thread the shard's and starts accepting.
  absl::Status Start();

  // One turn, and the wait for the next. False: everything is closed and the shard has nothing more to do
  // (after a stop).
  bool RunOnce() {
    Turn();
    return Wait();
  }
  // Its halves, for threads that wait for a turn of others between them; and what has come in while they
  // did.
  void Turn();
  bool Wait();
  void Fetch() { ring_.Enter(0); }
  // Whether the next turn has something to do at once.
  bool HasWork() const;

  ShardStatus Status() const;
  const hub::Hub& hub() const { return hub_; }
  const Watch& watch() const { return watch_; }

 private:
  // --- the turn (shard.cc)
  void ReapCompletions();
  void ReadReadable();
  void DrainMailboxes();
  void TakeBackendAnswers();
  void SettleLogins();
  void AdvanceTimers();
  void FlushOwn();
  void FlushLanes();
  void ReportDeliveries();
  void CloseTooSlow();
  void CloseStalled();
  void CloseAnswered();
  void WatchMemory();
  void ReleaseDrained();
  void RearmStarved();
  void PublishAndWake();
  void TakeTimes();
  void AdvanceEvacuation();
  void AdvanceStop();
  uint64_t SleepNs();
  void OnCompletion(const io::Completion& completion);
  void OnExpired(Connection& connection);
  void WatchAnswers();
  void Tick();
  void BeginStop();

  // --- clients (clients.cc)
  void ArmAccepts();
  void OnAccept(const io::Completion& completion);
  void CloseListener(uint32_t listener);
  void OnClientReady(Connection& connection, uint32_t readiness);
  bool Choked(const Connection& connection) const;
  void ReadClient(Connection& connection);
  // Feeds what is in `bytes` to the session until it asks for more; returns how much is left over,
  // at the end of `bytes`.
  size_t FeedClient(Connection& connection, char* bytes, size_t size, uint32_t* frames_left);
  bool TakeBytes(Connection& connection, size_t bytes_max, size_t* bytes_left, bool* drained,
                 char** bytes, size_t* size);
  wire::CloseReason OnEvent(Connection& connection, const session::Event& event);
  void AnswerWithFile(Connection& connection, std::string_view response);
  void SendFile(Connection& connection);
  void OnSignOfLife(Connection& connection);
  void OnHeartbeat(Connection& connection, const wire::GoimFrame& frame);
  wire::CloseReason OnChangeRoom(Connection& connection, const wire::GoimFrame& frame);
  wire::CloseReason OnAccepts(Connection& connection, const wire::GoimFrame& frame, bool add);
  void KeepUnread(Connection& connection, const char* bytes, size_t size);
  void GrowInbox(Connection& connection, size_t bytes_max);
  void QueueReadable(Connection& connection);
  void Arm(Connection& connection, io::Op op);
  void SetDeadline(Connection& connection, uint64_t deadline_ns);
  static constexpr uint64_t kTenthNs = 100'000'000;
  // A live client may be silent for so long, but no longer than its login holds or it may be here.
  uint64_t SilentUntilNs(const Connection& connection, uint32_t ms) const {
    return std::min({now_ns_ + uint64_t{ms} * 1'000'000, NsOf(connection.expires_ds),
                     NsOf(connection.leave_at_ds)});
  }
  static uint64_t NsOf(uint32_t tenths) { return tenths == 0 ? UINT64_MAX : tenths * kTenthNs; }
  backend::ClientIdentity IdentityOf(const Connection& connection) const;

  // --- letting in, and the node's limits (admission.cc)
  void OpenClient(int32_t fd, session::Transport transport);
  wire::CloseReason AskGate(int32_t fd, AddressKey* seat);
  uint64_t HandshakesCount() const;
  void TurnAway(int32_t fd, session::Transport transport, wire::CloseReason reason);
  // What the gate knows a client by, from its accept until it ends or moves on.
  void TakeSeat(const Connection& connection, AddressKey seat, const Meter& meter);
  AddressKey LeaveSeat(const Connection& connection);
  Meter& MeterOf(const Connection& connection);
  bool MayReceive(Connection& connection, size_t bytes);
  wire::CloseReason CheckEvent(Connection& connection, const session::Event& event,
                               bool* farewell_written);

  // --- logging in and moving (login.cc)
  void OnConnectReply(backend::Ticket ticket, backend::ConnectReply reply) override;
  wire::CloseReason BeginLogin(Connection& connection, const session::Event& event);
  void FinishLogin(Connection& connection, backend::ConnectReply& reply);
  void Disown(const backend::ConnectReply& reply, uint64_t serial);
  // Disowns, and begins to close.
  void Abandon(Connection& connection, const backend::ConnectReply& reply,
               wire::CloseReason reason);
  void Admit(Connection& connection, const Asked& asked, const backend::ConnectReply& reply);
  uint32_t IdleMs(wire::Encoding encoding, const Asked& asked,
                  const backend::ConnectReply& reply) const;
  uint32_t ExpiresDs(uint64_t expires_in_ms) const;
  bool PlaceForKey(const std::string& key, wire::Encoding encoding,
                   std::vector<uint32_t>* displaced) const;
  void FinishWaiting(Connection& connection);
  void SendAway(Connection& connection, uint32_t owner, backend::ConnectReply reply);
  void Adopt(uint32_t from, uint64_t token, Adoption& adoption);
  void SendDepartures();

  // --- new tokens of those who are logged in (refresh.cc)
  void OnRefresh(Connection& connection, const wire::GoimFrame& frame);
  void OnRefreshReply(backend::Ticket ticket, backend::RefreshReply reply) override;
  void SettleRefreshes();

  // --- closing (closing.cc)
  // Ends a connection, whatever it is; harmless when it is ending already. `farewell_written`: the
  // session's last words are queued. The object stays valid until the end of the turn.
  void BeginClose(Connection& connection, wire::CloseReason reason, bool farewell_written = false);
  void OnSilence(Connection& connection);
  void CloseChannel(Connection& connection, bool farewell_written);
  bool FlushNow(uint32_t slot);
  bool SendTo(int32_t fd, std::string_view bytes);
  void ForgetRpc(Connection& connection);
  void Linger(Connection& connection);
  void BeginDrain(Connection& connection);
  void Release(Connection& connection);
  void Discard(Connection& connection);

  // --- options that are read again (reload.cc)
  void AwaitReload(uint32_t ticket);
  void ReportReloads();
  void TakeOptions();

  // --- telling clients to go, for the node is drained or their time is over (evacuation.cc)
  void BeginEvacuation(const Drain& drain);
  void EndEvacuation();
  void RetireClients(const Drain& drain);
  bool Retire(Connection& connection, wire::CloseReason reason);
  void CloseRetired();
  uint32_t LeaveAtDs(const Connection& connection) const;
  void OnLifetimeOver(Connection& connection);
  uint32_t RetryMs(const Connection& connection) const;

  // --- rooms and their homes (rooms.cc)
  // kWaits: for the home's word. kRefused: the node has no room for one more, and nothing is joined.
  enum class Joined : uint8_t { kIn, kWaits, kRefused };
  Joined EnterRoom(Connection& connection, std::string_view room);
  bool MayOpenAtHome(std::string_view room);
  void SetAbsent(const std::string& room, uint32_t shard);
  void NoteRecount(const hub::Room& room);
  void TellHomes();
  void OnRoomCommand(uint32_t from, Command& command);
  void OnPresent(uint32_t from, const RoomNote& note);
  void OnConfirmed(const RoomNote& note);
  void OnRefused(const RoomNote& note);
  void OnOnline(const RoomNote& note);
  void SendNote(uint32_t to, CommandKind kind, RoomNote note);
  void ShareCounts();
  uint64_t OnlineIn(const hub::Room& room) const;

  // --- jobs (jobs.cc)
  void RunJob(RpcId connection, uint64_t ticket, Job job) override;
  void OrderDrain(const SharedJob& job);
  void SharePace(SharedJob* job) const;
  void RouteByKey(const base::Ref<SharedJob>& job);
  void RouteRooms(const base::Ref<SharedJob>& job);
  void RouteEverywhere(const base::Ref<SharedJob>& job);
  void SendPart(const base::Ref<SharedJob>& job, uint32_t shard);
  void OnJobCommand(Command& command);
  JobPart DoPart(const SharedJob& job, uint32_t room, uint32_t receipt);
  void DoPersonal(const SharedJob& job, uint32_t receipt, JobPart* part);
  void DoKick(const SharedJob& job, JobPart* part);
  void NumberRoomPush(const base::Ref<SharedJob>& job, uint32_t room);
  void Report(uint32_t origin, uint32_t ticket, JobPart part);
  void FinishIfDone(uint32_t ticket);

  // --- questions for rooms, a slice of a survey and of a tally each turn (surveys.cc)
  struct Survey {
    uint32_t origin;
    uint32_t ticket;
    RoomSurvey survey;
  };
  void AdvanceSurveys();
  void AdvanceTally();

  // --- reports that wait for deliveries (confirm.cc)
  struct HeldReport {
    uint32_t origin;
    uint32_t ticket;
    uint64_t deadline_ns;
    JobPart part;
  };
  void DoAndReport(const SharedJob& job, uint32_t room = 0);
  void SendHeld(uint32_t receipt, HeldReport held);
  void ReportHeld(uint32_t receipt);

  // --- traces (tracing.cc)
  void OrderTrace(const base::Ref<SharedJob>& job);
  Traced TracedNow();

  // --- the memory budget (memory.cc)
  uint64_t HeldBytes() const;
  void RelieveMemory();

  // --- push connections (rpc.cc)
  void OpenRpc(int32_t fd);
  void OpenInside(const InsideCaller& caller);
  void OnRpcReady(Connection& connection, uint32_t readiness);
  void ReadRpc(Connection& connection);
  void FeedRpc(Connection& connection, char* bytes, size_t size, uint32_t* frames_left);
  void FlushRpcs();
  bool FlushRpc(Connection& connection);
  void MarkRpcDirty(Connection& connection);
  void ResumeRpcs();
  void SendRpc(RpcId connection, std::string_view bytes) override;
  void PauseRpc(RpcId connection, bool paused) override;
  bool MayReadRpc(const Connection& connection) const;

  // The session's turn: bytes are read and understood.
  static bool Reads(const Connection& connection) {
    return connection.phase == Phase::kHandshake || connection.phase == Phase::kLive;
  }
  Connection* Find(uint32_t slot, uint32_t generation) {
    return connections_.Find(slot, generation);
  }
  uint32_t SlotOf(const Connection& connection) const { return connections_.IndexOf(connection); }
  uint32_t GenerationOf(const Connection& connection) const {
    return connections_.GenerationOf(connection);
  }
  uint64_t now_ms() const { return now_ns_ / 1'000'000; }

  const uint32_t index_;
  io::Ring& ring_;
  Fabric& fabric_;
  config::Options options_;  // a copy of its own, which OnOptions() changes
  Gate& gate_;
  backend::Backend& backend_;
  RpcHandler& push_;
  session::SessionLimits session_limits_;
  const base::Networks proxies_;
  const size_t inbox_bytes_max_;
  const size_t flush_sends_;  // of lanes, in one turn
  std::vector<ShardListener> listeners_;
  const std::vector<InsideCaller> inside_;

  Port port_;
  hub::Hub hub_;
  io::Round round_;
  io::TimerWheel wheel_;
  base::Slab<Connection> connections_;
  Watch watch_;
  Home home_;
  MemoryStage memory_stage_ = MemoryStage::kPlenty;
  uint64_t held_elsewhere_ = 0;  // by the other shards, a tick ago
  JobTable jobs_;
  std::deque<Survey> surveys_;  // this shard's parts, one after the other
  absl::flat_hash_map<uint32_t, HeldReport> held_reports_;  // by receipt
  absl::btree_set<std::pair<uint64_t, uint32_t>> held_deadlines_;
  struct AwaitedReload {
    uint64_t number;
    uint32_t ticket;
  };
  std::vector<AwaitedReload> awaited_reloads_;
  uint64_t options_number_ = 0;  // of those in use
  ShardStatus counts_;  // what is counted as it happens; Status() fills in the rest

  uint64_t now_ns_ = 0;
  uint64_t next_tick_ns_ = 0;
  uint64_t next_serial_ = 0;
  uint32_t ticks_ = 0;
  uint64_t clients_ = 0;
  uint64_t rpc_connections_ = 0;

  struct Name {
    uint32_t slot;
    uint32_t generation;
  };
  std::vector<AddressKey> seats_;        // by slot
  std::vector<Meter> meters_;
  std::vector<Name> readable_;           // to be read next turn
  std::vector<Name> readable_now_;       // scratch: this turn's
  std::vector<Name> starved_;            // whose watch ended early
  std::vector<Name> rpc_waiting_;        // not read because somebody is congested
  std::vector<uint64_t> accept_again_ns_;  // per listener: when to arm it again; 0: armed
  struct Answer {
    backend::Ticket ticket;
    backend::ConnectReply reply;
  };
  std::vector<Answer> answers_;
  struct RefreshAnswer {
    backend::Ticket ticket;
    backend::RefreshReply reply;
  };
  std::vector<RefreshAnswer> refresh_answers_;

  struct Departure {
    io::Passage passage;
    std::unique_ptr<Adoption> adoption;
  };
  std::vector<std::vector<Departure>> departures_;                   // per shard
  std::vector<absl::flat_hash_map<uint32_t, int32_t>> arrivals_;     // per shard: token -> fd
  uint32_t next_token_ = 0;

  uint64_t next_epoch_ = 0;
  absl::flat_hash_map<uint64_t, std::vector<Name>> room_waiters_;  // by the room's epoch
  absl::flat_hash_set<std::string> recounted_;  // rooms whose members here changed
  absl::flat_hash_set<std::string> resummed_;   // rooms at home here whose sum changed

  std::string out_;                        // scratch: bytes a session wants sent
  std::string farewell_;                   // scratch
  std::vector<hub::SendPlan> plans_;
  std::vector<io::SendRequest> requests_;
  std::vector<base::SendException> exceptions_;
  std::vector<uint32_t> slots_;            // scratch
  std::vector<uint32_t> sleepers_;
  std::vector<uint32_t> expired_;

  enum class StopPhase : uint8_t { kRunning, kFlushing, kClosing, kStopped };
  StopPhase stop_ = StopPhase::kRunning;
  uint64_t stop_deadline_ns_ = 0;
  struct Evacuation {
    bool under_way = false;
    uint64_t begin_ns = 0;        // of the order that it follows
    uint64_t clients = 0;         // when it began
    std::deque<Name> next;        // whose turn is to come
  };
  Evacuation evacuation_;
  struct Retired {
    Name name;
    wire::CloseReason reason;
  };
  std::vector<Retired> retired_;           // to be closed when they have been sent what they are owed
  std::vector<Name> to_close_;             // while stopping: who is still to be told
  std::vector<Name> released_;             // drained: freed at the end of the turn
  std::vector<Name> rpc_dirty_;            // push connections with bytes to send
};

}  // namespace halley::shard
