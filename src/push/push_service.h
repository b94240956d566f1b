// PushService: the push port's requests and replies, on one shard. It decodes what a pusher sends,
// checks it, gives it to the shard as a Job and answers with what came of it.
//
// Pushing back: when a connection has `pipelined` requests, or kJobMessagesMax requests' worth of
// bytes, unanswered, it is not read until half of that is left, so that bytes are read in batches.
// Frames that the shard had already read by then are still served.
//
// Threads    One shard's.
// Ownership  Borrows the runner from Attach() on. Jobs leave by value; results arrive by value.
// Invariant  Every request of an open connection is answered exactly once.
// Limits     config::PushOptions, and those of push/codec.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "config/options.h"
#include "push/codec.h"
#include "push/rooms_reply.h"
#include "shard/job.h"

namespace halley::push {

class PushService final : public shard::RpcHandler {
 public:
  explicit PushService(const config::PushOptions& options);
  ~PushService() override;

  void Attach(shard::JobRunner* runner) override;
  void OnOpened(shard::RpcId connection, bool inside) override;
  [[nodiscard]] wire::CloseReason OnFrame(shard::RpcId connection,
                                          std::string_view payload) override;
  void OnRooms(shard::RpcId connection, uint64_t ticket,
               absl::Span<const shard::RoomCount> rooms) override;
  void OnJobDone(shard::RpcId connection, uint64_t ticket, shard::JobResult result) override;
  void OnClosed(shard::RpcId connection) override;
  // A new secret is for who connects from now on.
  void OnOptions(const config::Options& options) override;
  bool Authorized(shard::RpcId connection) const override;
  void AddStatus(shard::ShardStatus* status) const override;

 private:
  // A connection holds at most this many largest requests' worth of job memory before it is not
  // read for a while.
  static constexpr size_t kJobMessagesMax = 4;
  // Memory of requests and replies is kept for reuse up to this size.
  static constexpr size_t kBytesKept = 65536;
  using Digest = std::array<unsigned char, 32>;

  // A request whose job runs. Its ticket is its index.
  struct Unanswered {
    bool live = false;
    shard::JobKind kind = shard::JobKind::kStatus;
    uint64_t request_id = 0;
    size_t job_bytes = 0;
    RoomsReply rooms;  // so far, of kRooms
  };

  struct Pusher {
    uint32_t generation = 0;
    bool inside = false;
    bool authorized = false;
    bool paused = false;
    uint32_t unanswered_count = 0;
    size_t job_bytes = 0;
    std::vector<Unanswered> unanswered;
    std::vector<uint32_t> free_tickets;
  };

  static Digest DigestOf(std::string_view secret);

  Pusher* Find(shard::RpcId connection);
  wire::CloseReason Serve(shard::RpcId connection, std::string_view payload);
  wire::CloseReason OnHello(shard::RpcId connection, Pusher* pusher);
  void Run(shard::RpcId connection, Pusher* pusher, shard::Job job);
  uint64_t TakeTicket(Pusher* pusher);
  void UpdatePause(shard::RpcId connection, Pusher* pusher);
  void Answer(shard::RpcId connection, uint64_t request_id);
  void Refuse(shard::RpcId connection, uint64_t request_id, Fault fault);

  config::PushOptions options_;
  Digest secret_digest_;
  shard::JobRunner* runner_ = nullptr;
  absl::flat_hash_map<uint32_t, Pusher> pushers_;  // by slot

  uint64_t requests_ = 0;
  uint64_t invalid_ = 0;
  uint64_t unauthorized_ = 0;

  // Reused from request to request for their memory.
  v1::Request request_;
  v1::Reply reply_;
  v1::RoomsResult rooms_slice_;
  std::string reply_bytes_;
};

}  // namespace halley::push
