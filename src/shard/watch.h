// Watch: which of a shard's clients the access log or a trace tells of, and telling it.
//
// Who is not watched pays a bit in its Connection, which is looked at where something happens to it alone: never for
// each member of a room. A push is held against the short list of connections that are traced, once.
//
// Threads    The shard's.
// Ownership  Borrows all that WatchSetup names, which outlives it. Owns what is remembered of who is watched.
// Invariant  connection.watched exactly where there is a Watched for its slot.
// Limits     kTracedMax traced connections; of each trace kLinesPerSecond lines, the rest is counted and told in one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/networks.h"
#include "base/slab.h"
#include "config/options.h"
#include "hub/hub.h"
#include "io/ring.h"
#include "journal/feed.h"
#include "shard/connection.h"
#include "shard/job.h"
#include "shard/mailbox.h"
#include "shard/trace.h"
#include "shard/watched.h"

namespace halley::shard {

struct WatchSetup {
  uint32_t shard = 0;
  io::Ring* ring = nullptr;
  hub::Hub* hub = nullptr;
  base::Slab<Connection>* connections = nullptr;
  TraceTable* traces = nullptr;
  const base::Networks* proxies = nullptr;
  journal::Feed* feed = nullptr;  // null: nobody writes anything down
};

class Watch {
 public:
  static constexpr size_t kTracedMax = 256;
  static constexpr uint32_t kLinesPerSecond = 100;
  static constexpr uint32_t kScannedPerTurn = 256;

  explicit Watch(const WatchSetup& setup) : setup_(setup) {}

  void SetOptions(const config::AccessLogOptions& options);

  // Once a turn.
  void Advance(uint64_t now_ns) {
    now_ns_ = now_ns;
    if (setup_.traces->number() != number_) TakeTraces();
    if (traces_ == 0) return;
    if (scanning()) Scan();
    TellSkipped();
  }
  // Several times a second.
  void Tick();
  // There is something to do in the next turn.
  bool scanning() const { return scan_places_ != 0; }
  // Whether a trace is on; else pushes need not be told.
  bool tracing() const { return traces_ > 0; }
  // Takes the traces of the node that are on now.
  void TakeTraces();
  // A line about a trace itself.
  void Announce(std::string_view line);

  // --- what happens to clients; to be told where there is somebody who wants to know
  bool wants_accepts() const { return one_in_ > 0 || of_kind_[static_cast<size_t>(TraceKind::kIp)] > 0; }
  void OnAccepted(Connection& connection);
  void OnTurnedAway(int32_t fd, session::Transport transport, wire::CloseReason reason);
  // The rest of those that are watched, but for who is known now and comes from another shard.
  void OnEvent(Connection& connection, const session::Event& event);
  void OnKnown(Connection& connection, std::string_view key, int64_t mid, std::string_view forwarded_for);
  void OnLogin(const Connection& connection, std::string_view room);
  void OnRetired(const Connection& connection, const std::string& room);
  std::unique_ptr<Watched> OnLeaving(Connection& connection);
  void OnArrived(Connection& connection, std::unique_ptr<Watched> watched);
  // It could not be taken in; the descriptor is still open, or -1.
  void OnLost(const Watched& watched, session::Transport transport, int32_t fd, wire::CloseReason reason);
  // Before the hub forgets it, and when all that it will be sent is on its way.
  void OnEnding(const Connection& connection);
  void OnEnded(Connection& connection);

  // `room`: which of its rooms, of a push to rooms. What this shard did about it is in `part`.
  void OnPush(const Job& job, uint32_t room, const JobPart& part);

  size_t watched_count() const { return watched_.size(); }
  size_t traced_count() const { return traced_.size(); }

 private:
  // A trace of the node's as this shard sees it.
  struct Seen {
    Trace trace;           // id 0: there is none in this place
    std::string described;
    uint32_t lines = 0;    // since the second began
    uint64_t left_out = 0;
    bool full = false;     // that kTracedMax was reached has been told
  };

  uint32_t SlotOf(const Connection& connection) const { return setup_.connections->IndexOf(connection); }
  Watched& Of(uint32_t slot) { return *watched_.at(slot); }
  Watched& Insert(Connection& connection, Watched watched);
  void Forget(Connection& connection);
  std::string AddressOf(const Connection& connection, std::string_view forwarded_for) const;
  // The places of traces that match.
  uint16_t PlacesOfAddress(std::string_view address) const;
  uint16_t PlacesOfName(std::string_view key, int64_t mid) const;
  void Match(Connection& connection, uint16_t places);
  // Of one that is here already.
  void Discover(Connection& connection, uint16_t places);
  void Unmatch(uint16_t places);
  void BeginTrace(const Trace& trace);
  void Scan();
  void TellSkipped();
  void Tell(const Watched& watched, std::string_view what);
  void TellEnd(const Watched& watched, session::Transport transport, int32_t fd, wire::CloseReason reason);

  const WatchSetup setup_;
  uint64_t now_ns_ = 0;
  uint32_t one_in_ = 0;  // 0: there is no access log
  absl::flat_hash_map<uint32_t, std::unique_ptr<Watched>> watched_;  // by slot

  uint64_t number_ = 0;  // of the table's, as they were taken
  std::array<Seen, kTracesMax> seen_;
  uint32_t traces_ = 0;
  std::array<uint32_t, 3> of_kind_{};
  std::vector<uint32_t> traced_;  // slots of those that a trace matches
  uint64_t second_ns_ = 0;        // when this second of lines began
  uint16_t scan_places_ = 0;      // of traces whose clients are still looked for
  uint32_t scan_next_ = 0;
  std::vector<uint32_t> slots_;   // scratch
};

}  // namespace halley::shard
