#include "sim/sim_client.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace halley::sim {
namespace {

// goim's ops.
constexpr int32_t kHeartbeat = 2;
constexpr int32_t kHeartbeatReply = 3;
constexpr int32_t kAuth = 7;
constexpr int32_t kAuthReply = 8;
constexpr int32_t kChangeRoom = 12;
constexpr int32_t kSub = 14;
constexpr int32_t kUnsub = 16;
constexpr int32_t kRefresh = 18;

std::string ListOf(const std::vector<int32_t>& ops) {
  std::string list;
  for (const int32_t op : ops) list += (list.empty() ? "" : ",") + std::to_string(op);
  return list;
}

}  // namespace

SimClient::SimClient(SimCore* core, SimNet* net, const Ledger* ledger, uint32_t number,
                     ClientSetup setup)
    : core_(*core),
      net_(*net),
      ledger_(*ledger),
      number_(number),
      setup_(std::move(setup)),
      rng_(core->rng.Fork()),
      taken_(setup_.websocket),
      read_(setup_.websocket) {}

// --- what a client does

void SimClient::Connect(uint32_t shard) {
  link_ = net_.Connect(
      this, setup_.websocket ? shard::ListenerKind::kWebSocket : shard::ListenerKind::kTcp, shard);
  if (setup_.websocket) net_.Send(link_, UpgradeRequest(setup_.headers));
}

void SimClient::Send(const Frame& frame) {
  const std::string bytes = GoimFrame(frame);
  net_.Send(link_, setup_.websocket ? WsMessage(bytes, &rng_) : bytes);
}

SimClient::Asked& SimClient::Ask(int32_t op, std::string body, int32_t reply_op,
                                 std::string reply_body) {
  Frame request{op, ++next_seq_, static_cast<int16_t>(rng_.Between(0, 3)), std::move(body)};
  asked_.emplace_back();
  core_.Note("ask", number_, static_cast<uint64_t>(op));
  asked_.back().reply = {reply_op, request.seq, request.ver, std::move(reply_body)};
  Send(request);
  return asked_.back();
}

void SimClient::Login() {
  std::string token = "{\"mid\":" + std::to_string(setup_.mid) + ",\"key\":\"" + setup_.key +
                      "\",\"room_id\":\"" + setup_.room + "\",\"accepts\":[" +
                      ListOf(setup_.accepts) + "]}";
  if (login_sent_) {
    // Once logged in, op 7 is the application's.
    Ask(kAuth, std::move(token), kAuth, {});
    return;
  }
  login_sent_ = true;
  Asked& asked = Ask(kAuth, std::move(token), kAuthReply, {});
  asked.login = true;
  asked.rooms = true;
  session_.may_from = core_.Stamp();
  if (!setup_.room.empty()) {
    stays_.push_back({.room = setup_.room, .may_from = session_.may_from});
    asked.begins.push_back(0);
  }
  for (const int32_t op : setup_.accepts) watches_.push_back({.op = op, .may_from = session_.may_from});
}

void SimClient::Heartbeat() { Ask(kHeartbeat, {}, kHeartbeatReply, {}).any_body = true; }

void SimClient::EndStay(std::vector<Stay>* stays, size_t index, std::vector<size_t>* ends) {
  Stay& stay = (*stays)[index];
  if (stay.sure_until != SimCore::kNever) return;
  stay.sure_until = core_.Stamp();
  ends->push_back(index);
}

void SimClient::ChangeRoom(std::string room) {
  const uint64_t now = core_.Stamp();
  Asked& asked = Ask(kChangeRoom, room, kChangeRoom + 1, room);
  asked.rooms = true;
  if (!stays_.empty()) EndStay(&stays_, stays_.size() - 1, &asked.ends);
  if (room.empty()) return;
  asked.begins.push_back(stays_.size());
  stays_.push_back({.room = std::move(room), .may_from = now});
}

// The watch of `op` that is not to end, or the count of watches.
size_t SimClient::OpenWatch(int32_t op) {
  for (size_t i = watches_.size(); i-- > 0;) {
    if (watches_[i].op == op && watches_[i].sure_until == SimCore::kNever) return i;
  }
  return watches_.size();
}

void SimClient::Watch(std::vector<int32_t> ops) {
  watches_changed_ = true;
  const uint64_t now = core_.Stamp();
  const std::string list = ListOf(ops);
  Asked& asked = Ask(kSub, list, kSub + 1, list);
  for (const int32_t op : ops) {
    if (OpenWatch(op) < watches_.size()) continue;
    asked.begins.push_back(watches_.size());
    watches_.push_back({.op = op, .may_from = now});
  }
}

void SimClient::Unwatch(std::vector<int32_t> ops) {
  watches_changed_ = true;
  const std::string list = ListOf(ops);
  Asked& asked = Ask(kUnsub, list, kUnsub + 1, list);
  for (const int32_t op : ops) {
    const size_t open = OpenWatch(op);
    if (open < watches_.size()) EndStay(&watches_, open, &asked.ends);
  }
}

void SimClient::Refresh(std::string token) {
  Ask(kRefresh, std::move(token), kRefresh + 1, {}).refresh = true;
}

void SimClient::Say(int32_t op, std::string body) { Ask(op, std::move(body), op, {}); }

void SimClient::SayUnanswered(int32_t op) { Send({op, ++next_seq_, 1, "nobody listens"}); }

void SimClient::Ping(std::string payload) {
  net_.Send(link_, WsFrame(0x89, payload, static_cast<uint32_t>(rng_.Next())));
  pings_.push_back(std::move(payload));
}

void SimClient::SendClose(uint16_t code) {
  session_.sure_until = core_.Stamp();
  net_.Send(link_, WsClose(code, static_cast<uint32_t>(rng_.Next())));
}

void SimClient::SendRubbish(std::string_view bytes) {
  spoke_rubbish_ = true;
  session_.sure_until = core_.Stamp();
  net_.Send(link_, bytes);
}

void SimClient::Finish() {
  session_.sure_until = core_.Stamp();
  net_.Finish(link_);
}

void SimClient::Leave() {
  session_.sure_until = core_.Stamp();
  net_.Leave(link_);
}

void SimClient::Abort() {
  session_.sure_until = core_.Stamp();
  net_.Abort(link_);
}

void SimClient::Vanish() {
  session_.sure_until = core_.Stamp();
  net_.Vanish(link_);
}

bool SimClient::steady() const {
  return link_ != nullptr && logged_in_ && session_.sure_until == SimCore::kNever && !link_->broken &&
         !link_->server_fin && !link_->server_gone && !over_;
}

// --- what it reads

void SimClient::OnBytes(std::string_view bytes) {
  std::vector<Said> said;
  // What is malformed was malformed when it was taken.
  read_.Feed(bytes, &said);
  for (const Said& what : said) {
    const bool frame = what.kind == Said::Kind::kFrame || what.kind == Said::Kind::kPushed;
    if (!frame) continue;
    if (what.frame.op == kAuthReply) read_login_ = true;
    Named named;
    const bool push = what.frame.op >= kPushOpMin && what.frame.op <= kPushOpMax;
    if (push && ledger_.Read(what.frame.body, what.frame.op, &named) &&
        named.part + 1 == named.parts) {
      ++pushes_read_;
    }
  }
}

void SimClient::OnEnd(bool reset) {
  over_ = true;
  reset_ = reset;
  if (reset) return;
  // A client that sees the end closes too, sooner or later.
  core_.After(core_.Delay(core_.faults().network_delay_ns), [this] { net_.Leave(link_); });
}

}  // namespace halley::sim
