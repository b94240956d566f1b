// CometService: goim's comet calls, each a push through this process' own push client.
//
// What it keeps better than goim: a full queue does not stop the keys behind it, a broadcast's speed is
// deliveries per second, calls of one caller reach a room in their order.
//
// Source     goim v2 internal/comet/grpc/server.go (proto/README.md 3).
// Threads    gRPC's own call it; answers come on the push client's thread.
// Ownership  Borrows both clients, which must live until the server has ended.
// Errors     A status of gRPC's with one sentence; RESOURCE_EXHAUSTED when `calls_max` are being
//            answered, and when queues were full. Nobody being there is success, as in goim.
// Limits     calls_max; that of a message is the server's (comet_server.cc).
#pragma once

#include <atomic>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "goim/comet.grpc.pb.h"
#include "halley/push_client.h"

namespace halley::comet {

class CometService final : public goim::comet::Comet::CallbackService {
 public:
  // `pusher` pushes, `observer` asks.
  CometService(PushClient* pusher, PushClient* observer, size_t calls_max);

  grpc::ServerUnaryReactor* Ping(grpc::CallbackServerContext* context,
                                 const goim::comet::Empty* request,
                                 goim::comet::Empty* reply) override;
  grpc::ServerUnaryReactor* PushMsg(grpc::CallbackServerContext* context,
                                    const goim::comet::PushMsgReq* request,
                                    goim::comet::PushMsgReply* reply) override;
  grpc::ServerUnaryReactor* Broadcast(grpc::CallbackServerContext* context,
                                      const goim::comet::BroadcastReq* request,
                                      goim::comet::BroadcastReply* reply) override;
  grpc::ServerUnaryReactor* BroadcastRoom(grpc::CallbackServerContext* context,
                                          const goim::comet::BroadcastRoomReq* request,
                                          goim::comet::BroadcastRoomReply* reply) override;
  grpc::ServerUnaryReactor* Rooms(grpc::CallbackServerContext* context,
                                  const goim::comet::RoomsReq* request,
                                  goim::comet::RoomsReply* reply) override;

 private:
  // False: it is refused, and answered so.
  bool Enter(grpc::ServerUnaryReactor* reactor);
  void Leave(grpc::ServerUnaryReactor* reactor, const absl::Status& status);
  PushClient::Callback<PushReport> WhenPushed(grpc::ServerUnaryReactor* reactor);

  PushClient& pusher_;
  PushClient& observer_;
  const size_t calls_max_;
  std::atomic<size_t> calls_{0};  // being answered
};

}  // namespace halley::comet
