#include "push/push_service.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/rpc_frame.h"

namespace halley::push {

PushService::PushService(const config::PushOptions& options)
    : options_(options), secret_digest_(DigestOf(options.secret)) {}

PushService::~PushService() = default;

PushService::Digest PushService::DigestOf(std::string_view secret) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  return digest;
}

void PushService::Attach(shard::JobRunner* runner) {
  HALLEY_ASSERT(runner_ == nullptr && runner != nullptr);
  runner_ = runner;
}

PushService::Pusher* PushService::Find(shard::RpcId connection) {
  const auto found = pushers_.find(connection.slot);
  if (found == pushers_.end() || found->second.generation != connection.generation) return nullptr;
  return &found->second;
}

void PushService::OnOpened(shard::RpcId connection, bool inside) {
  const auto [entry, added] = pushers_.try_emplace(connection.slot);
  HALLEY_ASSERT(added);
  entry->second.generation = connection.generation;
  entry->second.inside = inside;
  entry->second.authorized = inside || options_.secret.empty();
}

void PushService::OnClosed(shard::RpcId connection) {
  HALLEY_ASSERT(Find(connection) != nullptr);
  pushers_.erase(connection.slot);
}

void PushService::OnOptions(const config::Options& options) {
  options_ = options.push;
  secret_digest_ = DigestOf(options_.secret);
}

bool PushService::Authorized(shard::RpcId connection) const {
  const auto found = pushers_.find(connection.slot);
  return found != pushers_.end() && found->second.generation == connection.generation &&
         found->second.authorized;
}

void PushService::AddStatus(shard::ShardStatus* status) const {
  status->push_requests += requests_;
  status->push_invalid += invalid_;
  status->push_unauthorized += unauthorized_;
}

wire::CloseReason PushService::OnFrame(shard::RpcId connection, std::string_view payload) {
  ++requests_;
  const wire::CloseReason reason = Serve(connection, payload);
  if (payload.size() > kBytesKept) request_ = v1::Request();
  return reason;
}

wire::CloseReason PushService::Serve(shard::RpcId connection, std::string_view payload) {
  Pusher* pusher = Find(connection);
  HALLEY_ASSERT(pusher != nullptr);
  if (!request_.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    Refuse(connection, 0, {v1::CODE_INVALID_ARGUMENT,
                           "the frame does not hold a halley.push.v1.Request: check the framing"});
    return wire::CloseReason::kRpcBadRequest;
  }
  const bool is_hello = request_.call_case() == v1::Request::kHello;
  if (!pusher->authorized && !is_hello) {
    Refuse(connection, request_.id(),
           {v1::CODE_UNAUTHENTICATED, "this node has a secret: send Hello with it first"});
    return wire::CloseReason::kRpcUnauthorized;
  }
  if (request_.id() == 0) {
    Refuse(connection, 0,
           {v1::CODE_INVALID_ARGUMENT, "request id 0 is reserved: number requests from 1"});
    return wire::CloseReason::kNone;
  }
  if (is_hello) return OnHello(connection, pusher);
  shard::Job job;
  JobLimits limits{.body_bytes = options_.body_bytes};
  if (pusher->inside) limits.rooms = UINT32_MAX;
  if (auto fault = DecodeJob(&request_, limits, &job)) {
    Refuse(connection, request_.id(), *std::move(fault));
    return wire::CloseReason::kNone;
  }
  Run(connection, pusher, std::move(job));
  return wire::CloseReason::kNone;
}

wire::CloseReason PushService::OnHello(shard::RpcId connection, Pusher* pusher) {
  if (!pusher->inside && !options_.secret.empty()) {
    // Digests, so that the time taken tells nothing of the secret, its length included.
    const Digest shown = DigestOf(request_.hello().secret());
    if (CRYPTO_memcmp(shown.data(), secret_digest_.data(), shown.size()) != 0) {
      pusher->authorized = false;
      Refuse(connection, request_.id(),
             {v1::CODE_UNAUTHENTICATED, "the secret is wrong: use the node's push.secret"});
      return wire::CloseReason::kRpcUnauthorized;
    }
  }
  pusher->authorized = true;
  reply_.Clear();
  v1::HelloResult* hello = reply_.mutable_hello();
  hello->set_message_bytes(options_.message_bytes);
  hello->set_body_bytes(options_.body_bytes);
  hello->set_pipelined(options_.pipelined);
  Answer(connection, request_.id());
  return wire::CloseReason::kNone;
}

void PushService::Run(shard::RpcId connection, Pusher* pusher, shard::Job job) {
  const uint64_t ticket = TakeTicket(pusher);
  Unanswered& unanswered = pusher->unanswered[ticket];
  unanswered.live = true;
  unanswered.kind = job.kind;
  unanswered.request_id = request_.id();
  unanswered.job_bytes = JobBytes(job);
  ++pusher->unanswered_count;
  pusher->job_bytes += unanswered.job_bytes;
  // Before the job runs: its result may come in the call, and then undoes this.
  UpdatePause(connection, pusher);
  runner_->RunJob(connection, ticket, std::move(job));
}

uint64_t PushService::TakeTicket(Pusher* pusher) {
  if (pusher->free_tickets.empty()) {
    pusher->unanswered.emplace_back();
    return pusher->unanswered.size() - 1;
  }
  const uint32_t ticket = pusher->free_tickets.back();
  pusher->free_tickets.pop_back();
  return ticket;
}

void PushService::OnRooms(shard::RpcId connection, uint64_t ticket,
                          absl::Span<const shard::RoomCount> rooms) {
  Pusher* pusher = Find(connection);
  if (pusher == nullptr) return;  // the pusher left while its job ran
  HALLEY_ASSERT(ticket < pusher->unanswered.size() && pusher->unanswered[ticket].live);
  pusher->unanswered[ticket].rooms.Add(rooms, &rooms_slice_);
}

void PushService::OnJobDone(shard::RpcId connection, uint64_t ticket, shard::JobResult result) {
  Pusher* pusher = Find(connection);
  if (pusher == nullptr) return;  // the pusher left while its job ran
  HALLEY_ASSERT(ticket < pusher->unanswered.size() && pusher->unanswered[ticket].live);
  Unanswered& unanswered = pusher->unanswered[ticket];
  if (unanswered.kind == shard::JobKind::kRooms) {
    for (const std::string& piece : unanswered.rooms.Finish(unanswered.request_id, result.rooms_total)) {
      runner_->SendRpc(connection, piece);
    }
  } else {
    reply_.Clear();
    EncodeResult(unanswered.kind, std::move(result), &reply_);
    Answer(connection, unanswered.request_id);
  }

  --pusher->unanswered_count;
  pusher->job_bytes -= unanswered.job_bytes;
  unanswered = Unanswered{};
  pusher->free_tickets.push_back(static_cast<uint32_t>(ticket));
  UpdatePause(connection, pusher);
}

void PushService::UpdatePause(shard::RpcId connection, Pusher* pusher) {
  const size_t bytes_max = kJobMessagesMax * options_.message_bytes;
  if (!pusher->paused) {
    if (pusher->unanswered_count < options_.pipelined && pusher->job_bytes < bytes_max) return;
    pusher->paused = true;
  } else {
    if (pusher->unanswered_count > options_.pipelined / 2 || pusher->job_bytes > bytes_max / 2) {
      return;
    }
    pusher->paused = false;
  }
  runner_->PauseRpc(connection, pusher->paused);
}

void PushService::Answer(shard::RpcId connection, uint64_t request_id) {
  reply_.set_id(request_id);
  const size_t bytes = reply_.ByteSizeLong();
  reply_bytes_.resize(wire::kRpcHeaderBytes + bytes);
  base::StoreBe32(reply_bytes_.data(), static_cast<uint32_t>(bytes));
  reply_.SerializeWithCachedSizesToArray(
      reinterpret_cast<uint8_t*>(reply_bytes_.data() + wire::kRpcHeaderBytes));
  runner_->SendRpc(connection, reply_bytes_);
  if (bytes > kBytesKept) {
    reply_ = v1::Reply();
    reply_bytes_ = std::string();
  }
}

void PushService::Refuse(shard::RpcId connection, uint64_t request_id, Fault fault) {
  ++(fault.code == v1::CODE_UNAUTHENTICATED ? unauthorized_ : invalid_);
  reply_.Clear();
  reply_.set_code(fault.code);
  reply_.set_error(std::move(fault.error));
  Answer(connection, request_id);
}

}  // namespace halley::push
