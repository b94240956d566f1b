// SimPusher: a backend's connection to the push port, speaking real protobuf.
//
// What a reply says is entered into the ledger when the server's socket has taken the reply.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "halley/push.pb.h"
#include "sim/ledger.h"
#include "sim/peer.h"
#include "sim/sim_core.h"
#include "sim/sim_net.h"

namespace halley::sim {

class SimPusher final : public Peer {
 public:
  // `number` tells pushers' connections apart.
  SimPusher(SimCore* core, SimNet* net, Ledger* ledger, uint32_t number)
      : core_(*core), net_(*net), ledger_(*ledger), number_(number) {}

  void Connect(uint32_t shard) { link_ = net_.Connect(this, shard::ListenerKind::kPush, shard); }
  Link* link() { return link_; }

  // --- pushes; the message's id
  uint32_t PushKeys(std::vector<std::string> keys, int32_t op = 1000, size_t bytes = 32);
  uint32_t PushMids(std::vector<int64_t> mids, int32_t op = 1000, size_t bytes = 32);
  uint32_t PushRooms(std::vector<std::string> rooms, int32_t op = 1000, size_t bytes = 32);
  uint32_t PushAll(int32_t op = 1000, size_t bytes = 32, uint32_t pace = 0);
  // A message that the caller has filled in.
  void Push(Message* message);

  // --- other calls; the reply's id
  uint64_t Call(push::v1::Request request);
  // Bytes that are no request.
  void SendRaw(std::string_view bytes) { net_.Send(link_, bytes); }

  bool over() const { return over_; }
  size_t unanswered() const { return unanswered_.size(); }
  // Replies to calls that were not pushes, and any with an error code.
  const std::map<uint64_t, push::v1::Reply>& replies() const { return replies_; }
  uint64_t pushes_replied() const { return pushes_replied_; }

  // --- Peer
  void OnTaken(std::string_view bytes) override;
  void OnBytes(std::string_view bytes) override { read_bytes_ += bytes.size(); }
  void OnEnd(bool reset) override;

 private:
  static constexpr uint32_t kNoMessage = UINT32_MAX;

  void OnReply(std::string_view payload);
  void OnPushReply(Message* message, const push::v1::PushResult& result);

  SimCore& core_;
  SimNet& net_;
  Ledger& ledger_;
  const uint32_t number_;
  Link* link_ = nullptr;
  uint64_t next_id_ = 0;
  std::map<uint64_t, uint32_t> unanswered_;  // request id -> message, or kNoMessage
  std::map<uint64_t, push::v1::Reply> replies_;
  std::string inbox_;
  uint64_t pushes_replied_ = 0;
  uint64_t read_bytes_ = 0;
  bool over_ = false;
};

}  // namespace halley::sim
