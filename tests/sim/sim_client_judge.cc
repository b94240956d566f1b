// SimClient: judging what it is sent.
#include <algorithm>
#include <string>

#include "sim/sim_client.h"

namespace halley::sim {
namespace {

bool IsPush(const Frame& frame) { return frame.op >= kPushOpMin && frame.op <= kPushOpMax; }

}  // namespace

void SimClient::Wrong(const std::string& what) {
  core_.Fail("client " + std::to_string(number_) + (setup_.websocket ? " (ws" : " (tcp") + ", key '" +
             setup_.key + "', link " + std::to_string(link_->id) + "): " + what);
}

void SimClient::OnTaken(std::string_view bytes) {
  std::vector<Said> said;
  if (!taken_.wrong().empty()) return;
  const bool whole = taken_.Feed(bytes, &said);
  for (const Said& what : said) OnSaid(what);
  if (!whole) Wrong(taken_.wrong());
}

void SimClient::OnSaid(const Said& said) {
  if (batch_next_ != 0 && !IsPush(said.frame)) Wrong("something within a batch");
  switch (said.kind) {
    case Said::Kind::kUpgraded: upgraded_ = true; break;
    case Said::Kind::kRefused: http_refused_ = said.code; break;
    case Said::Kind::kClose: close_code_ = said.code; break;
    case Said::Kind::kPong:
      if (!pings_.empty() && pings_.front() == said.payload) {
        pings_.pop_front();
      } else if (!spoke_rubbish_) {
        Wrong("a pong that answers no ping");
      }
      break;
    case Said::Kind::kPushed:
      if (!IsPush(said.frame)) Wrong("an answer within op 9");
      OnPush(said.frame);
      break;
    case Said::Kind::kFrame:
      if (!IsPush(said.frame)) {
        OnReply(said.frame);
      } else if (setup_.websocket) {
        Wrong("a push that is not within op 9");
      } else {
        OnPush(said.frame);
      }
      break;
  }
}

void SimClient::OnReply(const Frame& frame) {
  const std::string name = "op " + std::to_string(frame.op) + " seq " + std::to_string(frame.seq);
  if (asked_.empty()) {
    if (spoke_rubbish_) return;
    Wrong("an answer to nothing: " + name);
    return;
  }
  core_.Note("answered", number_, static_cast<uint64_t>(frame.op));
  const Asked asked = std::move(asked_.front());
  asked_.pop_front();
  if (frame.op != asked.reply.op || frame.seq != asked.reply.seq || frame.ver != asked.reply.ver) {
    Wrong("answered with " + name + " where op " + std::to_string(asked.reply.op) + " seq " +
          std::to_string(asked.reply.seq) + " was due");
    return;
  }
  if (asked.any_body) {
    if (frame.body.size() != 4) Wrong("a heartbeat's answer without a count");
    online_ = 0;
    for (const char c : frame.body) online_ = online_ << 8 | static_cast<uint8_t>(c);
  } else if (asked.refresh) {
    refreshed_.push_back(frame.body);
  } else if (frame.body != asked.reply.body) {
    Wrong("an answer with another body: " + name);
  }
  const uint64_t now = core_.Stamp();
  std::vector<Stay>& stays = asked.rooms ? stays_ : watches_;
  for (const size_t index : asked.ends) stays[index].may_until = now;
  for (const size_t index : asked.begins) stays[index].sure_from = now;
  if (asked.login) {
    logged_in_ = true;
    session_.sure_from = now;
    for (size_t i = 0; i < setup_.accepts.size(); ++i) watches_[i].sure_from = now;
  }
}

void SimClient::OnPush(const Frame& frame) {
  Named named;
  if (!logged_in_) Wrong("a push before the login was answered");
  if (frame.ver != 1 || frame.seq != 0) Wrong("a push with an odd header");
  if (!ledger_.Read(frame.body, frame.op, &named)) {
    Wrong("a push that nobody sent");
    return;
  }
  if (named.part != batch_next_ || (batch_next_ != 0 && named.id != batch_id_)) {
    Wrong("a batch out of order");
  }
  batch_id_ = named.id;
  batch_next_ = named.part + 1 == named.parts ? 0 : static_cast<uint16_t>(named.part + 1);
  if (batch_next_ == 0) OnWholePush(ledger_.at(named.id));
}

void SimClient::OnWholePush(const Message& message) {
  core_.Note("pushed", number_, message.id);
  received_.push_back(message.id);
  ++delivered_[link_->shard];
  const size_t times = ++times_[message.id];
  const size_t may = MayComeTimes(message);
  if (times > may) {
    Wrong("push " + std::to_string(message.id) +
          (may == 0 ? " is not for this client" : " came too often"));
    return;
  }
  CheckOrder(message);
}

bool SimClient::MayWatch(const Message& message) const {
  return std::any_of(watches_.begin(), watches_.end(), [&](const Stay& watch) {
    return watch.op == message.op && watch.MayMeet(message);
  });
}

bool SimClient::SurelyWatches(const Message& message) const {
  return std::any_of(watches_.begin(), watches_.end(), [&](const Stay& watch) {
    return watch.op == message.op && watch.SurelyCovers(message);
  });
}

// The targets through which the message may have come.
std::vector<std::string> SimClient::RoomsItCameThrough(const Message& message) const {
  std::vector<std::string> rooms;
  for (const std::string& room : message.names) {
    const bool may = std::any_of(stays_.begin(), stays_.end(), [&](const Stay& stay) {
      return stay.room == room && stay.MayMeet(message);
    });
    if (may) rooms.push_back(room);
  }
  return rooms;
}

size_t SimClient::MayComeTimes(const Message& message) const {
  switch (message.kind) {
    case PushKind::kRooms: return RoomsItCameThrough(message).size();
    case PushKind::kAll: return MayWatch(message) ? 1 : 0;
    case PushKind::kKeys:
      if (!MayWatch(message)) return 0;
      return static_cast<size_t>(std::count(message.names.begin(), message.names.end(), setup_.key));
    case PushKind::kMids:
      if (!MayWatch(message)) return 0;
      return static_cast<size_t>(std::count(message.mids.begin(), message.mids.end(), setup_.mid));
  }
  return 0;
}

// What one pusher sent to one target comes in the order it was sent.
void SimClient::CheckOrder(const Message& message) {
  std::string target;
  if (message.kind == PushKind::kRooms) {
    const std::vector<std::string> rooms = RoomsItCameThrough(message);
    // Through which of several rooms it came cannot be told.
    if (rooms.size() != 1) return;
    target = rooms.front();
    by_room_[target].push_back(message.id);
  } else if (message.kind == PushKind::kAll && watches_changed_) {
    return;
  }
  const auto [last, fresh] =
      last_.try_emplace({message.pusher, message.kind, target}, message.id);
  if (!fresh && message.id < last->second) {
    Wrong("push " + std::to_string(message.id) + " comes after " + std::to_string(last->second) +
          ", which its pusher sent later");
  }
  last->second = std::max(last->second, message.id);
}

std::vector<SimClient::Run> SimClient::SureRuns() const {
  std::vector<Run> runs;
  for (const Stay& stay : stays_) {
    const auto received = by_room_.find(stay.room);
    if (received == by_room_.end()) continue;
    runs.push_back({stay.room, {}});
    for (const uint32_t id : received->second) {
      if (stay.SurelyCovers(ledger_.at(id))) runs.back().ids.push_back(id);
    }
  }
  return runs;
}

size_t SimClient::SurelyOwed(const Message& message) const {
  if (!session_.SurelyCovers(message)) return 0;
  switch (message.kind) {
    case PushKind::kRooms: {
      size_t owed = 0;
      for (const std::string& room : message.names) {
        owed += std::any_of(stays_.begin(), stays_.end(), [&](const Stay& stay) {
          return stay.room == room && stay.SurelyCovers(message);
        }) ? 1 : 0;
      }
      return owed;
    }
    case PushKind::kAll: return SurelyWatches(message) ? 1 : 0;
    case PushKind::kKeys:
    case PushKind::kMids: return SurelyWatches(message) ? MayComeTimes(message) : 0;
  }
  return 0;
}

}  // namespace halley::sim
