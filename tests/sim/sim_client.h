// SimClient: one connection of a goim client, on TCP or WebSocket, and the judge of what it is sent.
//
// It judges the bytes its server's socket has taken, in the moment they are taken, so that nothing
// escapes because the client reads late or never. What it does depends on what it has read.
//
// It knows when it was in a room for sure, and when it may have been: from the reply to the request
// that took it there until the request to leave, and from that request until the reply to the other.
// Between the two a push may or may not reach it. The same holds for the ops it watches.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sim/frames.h"
#include "sim/ledger.h"
#include "sim/peer.h"
#include "sim/sim_core.h"
#include "sim/sim_net.h"

namespace halley::sim {

struct ClientSetup {
  bool websocket = false;
  std::string headers;  // more of the upgrade's, each with its CRLF
  std::string key;  // empty: the backend makes one up
  int64_t mid = 0;
  std::string room;
  std::vector<int32_t> accepts = {1000};
};

// A time in a room, or of watching an op, in stamps.
struct Stay {
  std::string room;
  int32_t op = 0;
  uint64_t may_from = SimCore::kNever;
  uint64_t sure_from = SimCore::kNever;
  uint64_t sure_until = SimCore::kNever;
  uint64_t may_until = SimCore::kNever;

  bool MayMeet(const Message& message) const {
    return may_from < message.done && message.sent < may_until;
  }
  bool SurelyCovers(const Message& message) const {
    return sure_from < message.sent && message.done < sure_until;
  }
};

class SimClient final : public Peer {
 public:
  SimClient(SimCore* core, SimNet* net, const Ledger* ledger, uint32_t number, ClientSetup setup);

  // --- what a client does
  // Connects and, on WebSocket, asks for the upgrade.
  void Connect(uint32_t shard);
  void Login();
  void Start(uint32_t shard) {
    Connect(shard);
    Login();
  }
  void Heartbeat();
  void ChangeRoom(std::string room);
  void Watch(std::vector<int32_t> ops);
  void Unwatch(std::vector<int32_t> ops);
  // Shows a new token.
  void Refresh(std::string token);
  // An op of the application's own.
  void Say(int32_t op, std::string body);
  // A frame that the server must not answer, as those before the login.
  void SayUnanswered(int32_t op);
  void Ping(std::string payload);
  void SendClose(uint16_t code);
  // Bytes that mean nothing; but for what they may ask by chance, as a ping of two bytes does.
  void SendRubbish(std::string_view bytes);
  void Stall(bool stalled) { net_.Stall(link_, stalled); }
  // Four ways to go.
  void Finish();
  void Leave();
  void Abort();
  void Vanish();

  // --- what it has seen
  const ClientSetup& setup() const { return setup_; }
  uint32_t number() const { return number_; }
  Link* link() const { return link_; }
  bool logged_in() const { return logged_in_; }       // op 8 was taken
  bool read_login() const { return read_login_; }     // and read
  bool upgraded() const { return upgraded_; }
  size_t unanswered() const { return asked_.size() + pings_.size(); }
  bool over() const { return over_; }
  bool reset() const { return reset_; }
  // It has neither gone nor been sent away, and its connection stands.
  bool steady() const;
  int close_code() const { return close_code_; }  // -1: none came
  int http_refused() const { return http_refused_; }
  uint32_t online() const { return online_; }     // of the last heartbeat's reply
  // What new tokens were answered with: for how many seconds they hold, or nothing.
  const std::vector<std::string>& refreshed() const { return refreshed_; }
  // Pushes, whole, in the order they were taken; a batch is one.
  const std::vector<uint32_t>& received() const { return received_; }
  size_t times_received(uint32_t id) const {
    const auto found = times_.find(id);
    return found == times_.end() ? 0 : found->second;
  }
  const std::map<uint32_t, uint64_t>& delivered_by_shard() const { return delivered_; }
  // Of what was received, what surely came through this room, in order.
  const std::map<std::string, std::vector<uint32_t>>& by_room() const { return by_room_; }
  uint64_t pushes_read() const { return pushes_read_; }

  // --- what it must have seen
  // How often `message` should have reached this client, were nothing skipped: 0 where that is not
  // sure. Only for steady clients.
  size_t SurelyOwed(const Message& message) const;
  // For each stay in a room, what was received in it that was surely pushed during it, in order.
  struct Run {
    std::string room;
    std::vector<uint32_t> ids;
  };
  std::vector<Run> SureRuns() const;
  // Nothing has begun that was not ended.
  bool whole() const { return taken_.whole() && batch_next_ == 0; }

  // --- Peer
  void OnTaken(std::string_view bytes) override;
  void OnBytes(std::string_view bytes) override;
  void OnEnd(bool reset) override;

 private:
  struct Asked {
    Frame reply;
    bool any_body = false;
    bool refresh = false;
    bool login = false;
    std::vector<size_t> begins;  // of stays_ or watches_
    std::vector<size_t> ends;
    bool rooms = false;          // of stays_
  };

  void Wrong(const std::string& what);
  void Send(const Frame& frame);
  // Sends a request and expects `reply_op` with `reply_body`.
  Asked& Ask(int32_t op, std::string body, int32_t reply_op, std::string reply_body);
  void EndStay(std::vector<Stay>* stays, size_t index, std::vector<size_t>* ends);
  size_t OpenWatch(int32_t op);
  void OnSaid(const Said& said);
  void OnReply(const Frame& frame);
  void OnPush(const Frame& frame);
  void OnWholePush(const Message& message);
  std::vector<std::string> RoomsItCameThrough(const Message& message) const;
  size_t MayComeTimes(const Message& message) const;
  bool MayWatch(const Message& message) const;
  bool SurelyWatches(const Message& message) const;
  void CheckOrder(const Message& message);

  SimCore& core_;
  SimNet& net_;
  const Ledger& ledger_;
  const uint32_t number_;
  const ClientSetup setup_;
  Rng rng_;
  Link* link_ = nullptr;
  int32_t next_seq_ = 0;

  // As taken by the server's socket.
  ServerStream taken_;
  std::deque<Asked> asked_;
  std::deque<std::string> pings_;
  bool upgraded_ = false;
  bool logged_in_ = false;
  bool login_sent_ = false;
  bool spoke_rubbish_ = false;
  bool watches_changed_ = false;
  int close_code_ = -1;
  int http_refused_ = 0;
  uint32_t online_ = 0;
  std::vector<std::string> refreshed_;
  Stay session_;  // from login to end
  std::vector<Stay> stays_;
  std::vector<Stay> watches_;
  uint32_t batch_id_ = 0;
  uint16_t batch_next_ = 0;  // part of the batch that must come next; 0: none is under way
  std::vector<uint32_t> received_;
  std::map<uint32_t, size_t> times_;
  std::map<uint32_t, uint64_t> delivered_;
  std::map<std::string, std::vector<uint32_t>> by_room_;
  std::map<std::tuple<uint32_t, PushKind, std::string>, uint32_t> last_;  // by pusher and target

  // As read by the client.
  ServerStream read_;
  bool read_login_ = false;
  uint64_t pushes_read_ = 0;
  bool over_ = false;
  bool reset_ = false;
};

// Pushed ops; all others are answers.
inline constexpr int32_t kPushOpMin = 1000;
inline constexpr int32_t kPushOpMax = 1999;

}  // namespace halley::sim
