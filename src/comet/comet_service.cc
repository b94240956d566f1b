#include "comet/comet_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "comet/translate.h"
#include "wire/utf8.h"

namespace halley::comet {
namespace {

// Where Rooms says of how many rooms it could not say the name.
constexpr char kRoomsLeftOut[] = "halley-rooms-left-out";

// The codes have the same numbers.
grpc::Status StatusOf(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message().data(), status.message().size()));
}

absl::Status Missing(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": goim's job always gives one"));
}

// goim ends such a call with an error, too, though it was the end of the keys behind it.
absl::Status FullQueues(const PushReport& report) {
  const auto full = std::ranges::count_if(
      report.refused, [](const PushRefused& each) { return each.why == PushRefusal::kQueueFull; });
  if (full == 0) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      full, " of the keys have clients that read too slowly, and their queues are full; ", report.taken,
      " clients were pushed to: push less, or see client.personal_overflow"));
}

}  // namespace

CometService::CometService(PushClient* pusher, PushClient* observer, size_t calls_max)
    : pusher_(*pusher), observer_(*observer), calls_max_(calls_max) {}

bool CometService::Enter(grpc::ServerUnaryReactor* reactor) {
  if (calls_.fetch_add(1, std::memory_order_relaxed) < calls_max_) return true;
  Leave(reactor, absl::ResourceExhaustedError(
                     absl::StrCat(calls_max_, " calls are being answered: call less at a time, or "
                                              "raise comet_grpc.calls")));
  return false;
}

void CometService::Leave(grpc::ServerUnaryReactor* reactor, const absl::Status& status) {
  calls_.fetch_sub(1, std::memory_order_relaxed);
  reactor->Finish(StatusOf(status));
}

PushClient::Callback<PushReport> CometService::WhenPushed(grpc::ServerUnaryReactor* reactor) {
  return [this, reactor](absl::StatusOr<PushReport> report) {
    Leave(reactor, report.ok() ? FullQueues(*report) : report.status());
  };
}

grpc::ServerUnaryReactor* CometService::Ping(grpc::CallbackServerContext* context,
                                             const goim::comet::Empty*, goim::comet::Empty*) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* CometService::PushMsg(grpc::CallbackServerContext* context,
                                                const goim::comet::PushMsgReq* request,
                                                goim::comet::PushMsgReply*) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!Enter(reactor)) return reactor;
  if (request->keys().empty() || !request->has_proto()) {
    Leave(reactor, Missing("keys or proto are missing"));
    return reactor;
  }
  const absl::StatusOr<PushMessage> message = MessageOf(request->proto(), request->protoop());
  if (!message.ok()) {
    Leave(reactor, message.status());
    return reactor;
  }
  std::vector<std::string> keys;
  keys.reserve(static_cast<size_t>(request->keys_size()));
  for (const std::string& key : request->keys()) {
    // Nobody has the empty one, which the node refuses with all that stand beside it.
    if (!key.empty()) keys.push_back(key);
  }
  if (keys.empty()) {
    Leave(reactor, absl::OkStatus());
    return reactor;
  }
  pusher_.PushKeys(keys, *message, WhenPushed(reactor));
  return reactor;
}

grpc::ServerUnaryReactor* CometService::Broadcast(grpc::CallbackServerContext* context,
                                                  const goim::comet::BroadcastReq* request,
                                                  goim::comet::BroadcastReply*) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!Enter(reactor)) return reactor;
  if (!request->has_proto()) {
    Leave(reactor, Missing("proto is missing"));
    return reactor;
  }
  const absl::StatusOr<PushMessage> message = MessageOf(request->proto(), request->protoop());
  if (!message.ok()) {
    Leave(reactor, message.status());
    return reactor;
  }
  // Below 0 goim does not pace either.
  const auto pace = static_cast<uint32_t>(std::max(request->speed(), 0));
  pusher_.PushAll(*message, pace, WhenPushed(reactor));
  return reactor;
}

grpc::ServerUnaryReactor* CometService::BroadcastRoom(grpc::CallbackServerContext* context,
                                                      const goim::comet::BroadcastRoomReq* request,
                                                      goim::comet::BroadcastRoomReply*) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!Enter(reactor)) return reactor;
  if (request->roomid().empty() || !request->has_proto()) {
    Leave(reactor, Missing("roomID or proto is missing"));
    return reactor;
  }
  // Members of a room get whatever is pushed to it.
  const absl::StatusOr<PushMessage> message = MessageOf(request->proto(), request->proto().op());
  if (!message.ok()) {
    Leave(reactor, message.status());
    return reactor;
  }
  pusher_.PushRooms({request->roomid()}, *message, WhenPushed(reactor));
  return reactor;
}

grpc::ServerUnaryReactor* CometService::Rooms(grpc::CallbackServerContext* context,
                                              const goim::comet::RoomsReq*,
                                              goim::comet::RoomsReply* reply) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!Enter(reactor)) return reactor;
  const auto list_them = [this, context, reactor, reply](absl::StatusOr<RoomList> list) {
    if (!list.ok()) return Leave(reactor, list.status());
    size_t left_out = 0;
    for (const RoomMembers& each : list->rooms) {
      // One string that is not UTF-8 would make all of the reply unreadable.
      if (wire::IsUtf8(each.room)) {
        (*reply->mutable_rooms())[each.room] = true;
      } else {
        ++left_out;
      }
    }
    if (left_out > 0) context->AddTrailingMetadata(kRoomsLeftOut, std::to_string(left_out));
    Leave(reactor, absl::OkStatus());
  };
  observer_.Rooms("", UINT32_MAX, list_them, RoomOrder::kNone);
  return reactor;
}

}  // namespace halley::comet
