#include "remote/remote_backend.h"

#include <utility>

namespace halley::remote {

RemoteBackend::RemoteBackend(RemoteBackendSetup setup)
    : setup_(std::move(setup)),
      random_(static_cast<std::minstd_rand::result_type>(setup_.seed ^ setup_.seed >> 32)) {}

std::unique_ptr<Call> RemoteBackend::NewCall(CallKind kind,
                                             const backend::ClientIdentity& client) const {
  auto call = std::make_unique<Call>();
  call->kind = kind;
  call->shard = setup_.shard;
  call->serial = client.serial;
  call->mid = client.mid;
  call->key = client.key;
  return call;
}

bool RemoteBackend::Send(std::unique_ptr<Call> call) {
  const CallKind kind = call->kind;
  if (setup_.road->Ask(std::move(call))) return true;
  setup_.figures->Add(kind, Ending::kQueueFull);
  return false;
}

void RemoteBackend::Connect(const backend::ConnectRequest& request, backend::BackendSink& sink) {
  auto call = std::make_unique<Call>();
  call->kind = CallKind::kConnect;
  call->shard = setup_.shard;
  call->ticket = request.ticket;
  call->serial = request.serial;
  call->token = request.token;
  call->cookie = request.cookie;
  call->address = request.address;
  if (Send(std::move(call))) return;
  backend::ConnectReply reply;
  reply.verdict = backend::ConnectVerdict::kUnavailable;
  sink.OnConnectReply(request.ticket, std::move(reply));
}

void RemoteBackend::Refresh(const backend::RefreshRequest& request, backend::BackendSink& sink) {
  std::unique_ptr<Call> call = NewCall(CallKind::kRefresh, request.client);
  call->ticket = request.ticket;
  call->token = request.token;
  if (Send(std::move(call))) return;
  sink.OnRefreshReply(request.ticket, {backend::ConnectVerdict::kUnavailable});
}

void RemoteBackend::Admitted(const backend::ClientIdentity& client) {
  if (setup_.traits.announces) Send(NewCall(CallKind::kOnline, client));
}

void RemoteBackend::Disconnect(const backend::ClientIdentity& client, bool key_still_live) {
  heartbeats_.erase(client.serial);
  if (key_still_live && !setup_.traits.carries_serial) {
    setup_.figures->Add(CallKind::kDisconnect, Ending::kKeyLive);
    return;
  }
  Send(NewCall(CallKind::kDisconnect, client));
}

// Who is announced only when admitted has not been heard of yet.
void RemoteBackend::Abandon(const backend::ClientIdentity& client, bool key_still_live) {
  if (!setup_.traits.announces) Disconnect(client, key_still_live);
}

void RemoteBackend::Heartbeat(const backend::ClientIdentity& client) {
  if (!setup_.traits.heartbeats) return;
  const uint64_t now_s = setup_.now_s();
  const auto [entry, is_first] = heartbeats_.try_emplace(client.serial, 0);
  // The login has just told the same.
  if (is_first) entry->second = now_s + DrawPause();
  if (now_s < entry->second) return;
  entry->second = now_s + DrawPause();
  Send(NewCall(CallKind::kHeartbeat, client));
}

uint64_t RemoteBackend::DrawPause() {
  return setup_.heartbeat_min_s +
         random_() % (setup_.heartbeat_max_s - setup_.heartbeat_min_s + 1);
}

void RemoteBackend::Receive(const backend::ClientIdentity& client, int32_t op, int32_t seq,
                            std::string_view body) {
  if (!setup_.traits.messages) return;
  std::unique_ptr<Call> call = NewCall(CallKind::kReceive, client);
  call->op = op;
  call->seq = seq;
  call->body = body;
  Send(std::move(call));
}

void RemoteBackend::TakeAnswers(backend::BackendSink& sink) {
  setup_.road->shard_bell().Answer(/*clear=*/false);
  Answer answer;
  while (setup_.road->Take(&answer)) {
    if (answer.kind == CallKind::kConnect) {
      sink.OnConnectReply(answer.ticket, std::move(answer.connect));
    } else {
      sink.OnRefreshReply(answer.ticket, answer.refresh);
    }
  }
}

}  // namespace halley::remote
