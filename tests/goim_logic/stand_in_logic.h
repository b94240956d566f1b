// StandInLogic: goim's logic as a test wants it, on loopback.
//
// Threads    gRPC's call it; what a test reads of it is behind a lock.
#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "goim/logic.grpc.pb.h"

namespace halley::goim_logic::testing {

class StandInLogic final : public goim::logic::Logic::Service {
 public:
  // `port` 0: a free one.
  explicit StandInLogic(int port = 0) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    HALLEY_ASSERT(server_ != nullptr);
  }
  ~StandInLogic() override {
    LetGo();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  int port() const { return port_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  // Holds logins back until LetGo().
  void Hold() { Set(&held_, true); }
  void LetGo() { Set(&held_, false); }
  // Lines of what it was asked, in order; a connect's token first.
  std::vector<std::string> asked() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }
  std::vector<goim::logic::OnlineReq> reports() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return reports_;
  }

  // A token is what to answer: "refuse", "no key", "internal", or the key.
  grpc::Status Connect(grpc::ServerContext* context, const goim::logic::ConnectReq* request,
                       goim::logic::ConnectReply* reply) override {
    std::unique_lock<std::mutex> lock(mutex_);
    asked_.push_back(absl::StrCat("connect ", request->token(), " cookie ", request->cookie(), " server ",
                                  request->server()));
    changed_.wait(lock, [&] { return !held_ || context->IsCancelled(); });
    if (request->token() == "refuse") return {grpc::StatusCode::UNKNOWN, "invalid token:refuse"};
    if (request->token() == "internal") return {grpc::StatusCode::INTERNAL, "broken"};
    if (request->token() != "no key") reply->set_key(request->token());
    reply->set_mid(7);
    reply->set_roomid("live://1");
    reply->add_accepts(1000);
    reply->add_accepts(-1);
    reply->set_heartbeat(480'000'000'000);
    return grpc::Status::OK;
  }
  grpc::Status Disconnect(grpc::ServerContext*, const goim::logic::DisconnectReq* request,
                          goim::logic::DisconnectReply*) override {
    return Note("disconnect", *request);
  }
  grpc::Status Heartbeat(grpc::ServerContext*, const goim::logic::HeartbeatReq* request,
                         goim::logic::HeartbeatReply*) override {
    return Note("heartbeat", *request);
  }
  grpc::Status Receive(grpc::ServerContext*, const goim::logic::ReceiveReq* request,
                       goim::logic::ReceiveReply*) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto& proto = request->proto();
    asked_.push_back(absl::StrCat("receive ", request->mid(), " ver ", proto.ver(), " op ", proto.op(),
                                  " seq ", proto.seq(), " body ", proto.body()));
    return grpc::Status::OK;
  }
  // It is the only comet, so its rooms are all there are.
  grpc::Status RenewOnline(grpc::ServerContext*, const goim::logic::OnlineReq* request,
                           goim::logic::OnlineReply* reply) override {
    *reply->mutable_allroomcount() = request->roomcount();
    const std::lock_guard<std::mutex> lock(mutex_);
    reports_.push_back(*request);
    return grpc::Status::OK;
  }

 private:
  template <typename Request>
  grpc::Status Note(const char* what, const Request& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    asked_.push_back(absl::StrCat(what, " ", request.mid(), " ", request.key(), " server ",
                                  request.server()));
    return grpc::Status::OK;
  }
  void Set(bool* what, bool to) {
    const std::lock_guard<std::mutex> lock(mutex_);
    *what = to;
    changed_.notify_all();
  }

  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  std::vector<std::string> asked_;
  std::vector<goim::logic::OnlineReq> reports_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace halley::goim_logic::testing
