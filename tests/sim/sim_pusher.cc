#include "sim/sim_pusher.h"

#include <cstring>
#include <utility>

namespace halley::sim {
namespace {

std::string Framed(const push::v1::Request& request) {
  const std::string payload = request.SerializeAsString();
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(payload.size() >> shift));
  }
  return bytes + payload;
}

push::v1::Message* MessageOf(PushKind kind, push::v1::Request* request) {
  switch (kind) {
    case PushKind::kKeys: return request->mutable_push_keys()->mutable_message();
    case PushKind::kMids: return request->mutable_push_mids()->mutable_message();
    case PushKind::kRooms: return request->mutable_push_rooms()->mutable_message();
    case PushKind::kAll: break;
  }
  return request->mutable_push_all()->mutable_message();
}

}  // namespace

uint32_t SimPusher::PushKeys(std::vector<std::string> keys, int32_t op, size_t bytes) {
  Message& message = ledger_.Add(PushKind::kKeys);
  message.names = std::move(keys);
  message.op = op;
  message.body_bytes = bytes;
  const uint32_t id = message.id;
  Push(&message);
  return id;
}

uint32_t SimPusher::PushMids(std::vector<int64_t> mids, int32_t op, size_t bytes) {
  Message& message = ledger_.Add(PushKind::kMids);
  message.mids = std::move(mids);
  message.op = op;
  message.body_bytes = bytes;
  const uint32_t id = message.id;
  Push(&message);
  return id;
}

uint32_t SimPusher::PushRooms(std::vector<std::string> rooms, int32_t op, size_t bytes) {
  Message& message = ledger_.Add(PushKind::kRooms);
  message.names = std::move(rooms);
  message.op = op;
  message.body_bytes = bytes;
  const uint32_t id = message.id;
  Push(&message);
  return id;
}

uint32_t SimPusher::PushAll(int32_t op, size_t bytes, uint32_t pace) {
  Message& message = ledger_.Add(PushKind::kAll);
  message.op = op;
  message.body_bytes = bytes;
  message.pace = pace;
  const uint32_t id = message.id;
  Push(&message);
  return id;
}

void SimPusher::Push(Message* message) {
  push::v1::Request request;
  request.set_id(++next_id_);
  push::v1::Message* wire = MessageOf(message->kind, &request);
  wire->set_op(message->op);
  wire->set_batch(message->batch());
  wire->set_confirm_ms(message->confirm_ms);
  wire->set_body(Ledger::PushBody(*message));
  for (const std::string& name : message->names) {
    if (message->kind == PushKind::kKeys) request.mutable_push_keys()->add_keys(name);
    if (message->kind == PushKind::kRooms) request.mutable_push_rooms()->add_rooms(name);
  }
  for (const int64_t mid : message->mids) request.mutable_push_mids()->add_mids(mid);
  if (message->kind == PushKind::kAll) request.mutable_push_all()->set_pace(message->pace);
  message->pusher = number_;
  message->sent = core_.Stamp();
  unanswered_[next_id_] = message->id;
  net_.Send(link_, Framed(request));
}

uint64_t SimPusher::Call(push::v1::Request request) {
  request.set_id(++next_id_);
  unanswered_[next_id_] = kNoMessage;
  net_.Send(link_, Framed(request));
  return next_id_;
}

void SimPusher::OnTaken(std::string_view bytes) {
  inbox_.append(bytes);
  while (inbox_.size() >= 4) {
    size_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<uint8_t>(inbox_[static_cast<size_t>(i)]);
    if (length == 0) core_.Fail("a reply of no bytes");
    if (inbox_.size() < 4 + length || length == 0) return;
    OnReply(std::string_view(inbox_).substr(4, length));
    inbox_.erase(0, 4 + length);
  }
}

void SimPusher::OnReply(std::string_view payload) {
  push::v1::Reply reply;
  if (!reply.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    core_.Fail("a reply that is no Reply");
    return;
  }
  if (reply.id() == 0) {
    replies_[0] = std::move(reply);
    return;
  }
  const auto found = unanswered_.find(reply.id());
  if (found == unanswered_.end()) {
    core_.Fail("a reply to what was not asked, or a second one");
    return;
  }
  const uint32_t id = found->second;
  unanswered_.erase(found);
  if (id == kNoMessage || reply.code() != push::v1::CODE_OK) {
    replies_[reply.id()] = std::move(reply);
  } else {
    ++pushes_replied_;
    OnPushReply(&ledger_.at(id), reply.push());
  }
}

void SimPusher::OnPushReply(Message* message, const push::v1::PushResult& result) {
  message->done = core_.Stamp();
  message->taken = result.taken();
  for (const push::v1::Refused& refused : result.refused()) {
    const bool fresh = message->refused.emplace(refused.index(), refused.why()).second;
    if (!fresh || refused.index() >= message->targets_count()) {
      core_.Fail("a reply refuses a target twice, or one that is none");
    }
  }
  if (result.has_deliveries() != (message->confirm_ms > 0)) {
    core_.Fail("a reply with deliveries that were not asked for, or without");
  }
  message->delivered = result.deliveries().delivered();
  message->pending = result.deliveries().pending();
  if (message->confirm_ms > 0 &&
      message->delivered + message->pending + result.deliveries().skipped() != message->taken) {
    core_.Fail("deliveries that do not add up to what was taken");
  }
  message->sequence.assign(result.sequence().begin(), result.sequence().end());
  if (message->kind == PushKind::kRooms && message->sequence.size() != message->names.size()) {
    core_.Fail("a reply to a room push without a number for each room");
  }
}

void SimPusher::OnEnd(bool reset) {
  over_ = true;
  if (!reset) {
    core_.After(core_.Delay(core_.faults().network_delay_ns), [this] { net_.Leave(link_); });
  }
}

}  // namespace halley::sim
