#include "sim/sim_backend.h"

#include <utility>

namespace halley::sim {
namespace {

struct Capture final : backend::BackendSink {
  backend::ConnectReply reply;
  void OnConnectReply(backend::Ticket, backend::ConnectReply answer) override {
    reply = std::move(answer);
  }
  void OnRefreshReply(backend::Ticket, backend::RefreshReply) override {}
};

}  // namespace

SimBackend::SimBackend(SimCore* core, SimRing* ring, const config::ClientOptions& limits,
                       const BackendHabits& habits, BackendBooks* books)
    : core_(*core),
      ring_(*ring),
      limits_(limits),
      habits_(habits),
      books_(*books),
      rng_(core->rng.Fork()),
      entropy_(core->rng.Fork()),
      embedded_(limits, [this](absl::Span<char> out) {
        for (char& byte : out) byte = static_cast<char>(entropy_.Next());
      }) {}

void SimBackend::Connect(const backend::ConnectRequest& request, backend::BackendSink& sink) {
  ++books_.asked;
  books_.addresses.emplace_back(request.address);
  Capture capture;
  embedded_.Connect(request, capture);
  backend::ConnectReply reply = std::move(capture.reply);
  reply.idle_timeout_ms = habits_.idle_timeout_ms;
  reply.expires_in_ms = habits_.expires_in_ms;
  if (rng_.Chance(habits_.refuses)) reply.verdict = backend::ConnectVerdict::kRefused;
  if (rng_.Chance(habits_.unavailable)) reply.verdict = backend::ConnectVerdict::kUnavailable;
  if (rng_.Chance(habits_.nonsense)) {
    if (rng_.Below(2) == 0) {
      reply.key.assign(limits_.key_bytes + 1, 'k');
    } else {
      reply.room.assign(limits_.room_id_bytes + 1, 'r');
    }
  }
  if (reply.verdict == backend::ConnectVerdict::kAccepted) ++books_.accepted;
  if (habits_.delay_ns == 0) {
    sink.OnConnectReply(request.ticket, std::move(reply));
    return;
  }
  ++books_.thinking;
  core_.After(core_.Delay(habits_.delay_ns), [this, &sink, ticket = request.ticket, reply] {
    --books_.thinking;
    sink.OnConnectReply(ticket, reply);
    ring_.Poke();
  });
}

void SimBackend::Refresh(const backend::RefreshRequest& request, backend::BackendSink& sink) {
  ++books_.refreshes;
  backend::RefreshReply reply;
  if (request.token.starts_with("good")) {
    reply.verdict = backend::ConnectVerdict::kAccepted;
    reply.expires_in_ms = habits_.refresh_in_ms;
  }
  if (habits_.delay_ns == 0) {
    sink.OnRefreshReply(request.ticket, reply);
    return;
  }
  ++books_.thinking;
  core_.After(core_.Delay(habits_.delay_ns), [this, &sink, ticket = request.ticket, reply] {
    --books_.thinking;
    sink.OnRefreshReply(ticket, reply);
    ring_.Poke();
  });
}

void SimBackend::Disconnect(const backend::ClientIdentity& client, bool key_still_live) {
  if (!books_.disconnected.emplace(client.serial, client.key).second) {
    core_.Fail("the backend hears twice of the end of one connection");
  }
  books_.disconnected_still_live += key_still_live ? 1 : 0;
}

void SimBackend::Heartbeat(const backend::ClientIdentity&) { ++books_.heartbeats; }

void SimBackend::Receive(const backend::ClientIdentity& client, int32_t op, int32_t seq,
                         std::string_view body) {
  books_.uplinks.push_back({client.serial, op, seq, std::string(body)});
}

}  // namespace halley::sim
