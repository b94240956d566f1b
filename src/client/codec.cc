#include "client/codec.h"

namespace halley::client {
namespace {

namespace v1 = push::v1;

PushRefusal RefusalOf(v1::Refusal why) {
  switch (why) {
    case v1::REFUSAL_OFFLINE:
      return PushRefusal::kOffline;
    case v1::REFUSAL_NOT_WATCHING:
      return PushRefusal::kNotWatching;
    case v1::REFUSAL_QUEUE_FULL:
      return PushRefusal::kQueueFull;
    default:
      return PushRefusal::kOther;
  }
}

template <typename Counts>
std::vector<NamedCount> CountsOf(const Counts& from) {
  std::vector<NamedCount> counts;
  for (const v1::NamedCount& count : from) counts.push_back({count.name(), count.count()});
  return counts;
}

DurationFigures DurationsOf(const v1::Durations& from) {
  return {.counts = {from.counts().begin(), from.counts().end()}, .sum_ns = from.sum_ns()};
}

DeliveryFigures DeliveriesOf(const v1::Accounting& from) {
  return {
      .pushed = from.pushed(),
      .appended = from.appended(),
      .expected = from.expected(),
      .delivered = from.delivered(),
      .skipped = CountsOf(from.skipped()),
      .pending = from.pending(),
      .refused = from.refused(),
      .filtered = from.filtered(),
      .log_bytes = from.log_bytes(),
      .queue_bytes = from.queue_bytes(),
  };
}

RingFigures RingOf(const v1::Ring& from) {
  return {
      .enters = from.enters(),
      .submissions = from.submissions(),
      .sends = from.sends(),
      .send_exceptions = from.send_exceptions(),
      .completions = from.completions(),
      .cq_overflows = from.cq_overflows(),
      .description = from.description(),
      .tls_handshakes = from.tls_handshakes(),
      .tls_resumed = from.tls_resumed(),
      .tls_failures = from.tls_failures(),
      .held_bytes = from.held_bytes(),
      .sent_bytes = from.sent_bytes(),
  };
}

ShardFigures ShardOf(const v1::ShardStatus& from) {
  return {
      .shard = from.shard(),
      .connections = from.connections(),
      .channels = from.channels(),
      .rooms = from.rooms(),
      .push_connections = from.push_connections(),
      .push_requests = from.push().requests(),
      .push_invalid = from.push().invalid(),
      .push_unauthorized = from.push().unauthorized(),
      .push_refused = from.push().refused(),
      .accepted = from.accepted(),
      .logins = from.logins(),
      .moved_in = from.moved_in(),
      .moved_out = from.moved_out(),
      .accept_errors = from.accept_errors(),
      .stale_completions = from.stale_completions(),
      .bytes_received = from.bytes_received(),
      .turns = from.turns(),
      .cpu_ns = from.cpu_ns(),
      .buffer_bytes = from.buffer_bytes(),
      .mailbox_commands = from.mailbox_commands(),
      .dialects = CountsOf(from.dialects()),
      .turn_time = DurationsOf(from.turn_time()),
      .push_time = DurationsOf(from.push_time()),
      .draining = from.draining(),
      .addresses = from.addresses(),
      .addresses_without_place = from.addresses_without_place(),
      .memory_stage = from.memory_stage(),
      .deliveries = DeliveriesOf(from.accounting()),
      .closed = CountsOf(from.closed()),
      .refused_logins = CountsOf(from.refused_logins()),
      .ring = RingOf(from.ring()),
  };
}

}  // namespace

absl::Status StatusOf(const v1::Reply& reply) {
  if (reply.code() == v1::CODE_OK) return absl::OkStatus();
  // The push port's codes are the canonical ones. One that absl does not know reads as kUnknown.
  const absl::Status raw(static_cast<absl::StatusCode>(reply.code()), reply.error());
  return absl::Status(raw.code(), reply.error());
}

void Decode(const v1::Reply& reply, PushReport* out) {
  out->taken = reply.push().taken();
  for (const v1::Refused& refused : reply.push().refused()) {
    out->refused.push_back({refused.index(), RefusalOf(refused.why())});
  }
  out->sequence.assign(reply.push().sequence().begin(), reply.push().sequence().end());
  if (!reply.push().has_deliveries()) return;
  const v1::Deliveries& deliveries = reply.push().deliveries();
  out->deliveries = {deliveries.delivered(), deliveries.skipped(), deliveries.pending()};
}

void Decode(const v1::Reply& reply, RoomList* out) {
  for (const v1::RoomCount& room : reply.rooms().rooms()) {
    out->rooms.push_back({room.room(), room.members()});
  }
  out->total = reply.rooms().total();
}

void Decode(const v1::Reply& reply, std::vector<uint32_t>* out) {
  out->assign(reply.online().online().begin(), reply.online().online().end());
}

void Decode(const v1::Reply& reply, NodeFigures* out) {
  for (const v1::ShardStatus& shard : reply.status().shards()) {
    out->shards.push_back(ShardOf(shard));
  }
}

void Decode(const v1::Reply& reply, ReloadReport* out) {
  const v1::ReloadResult& reload = reply.reload();
  out->changed.assign(reload.changed().begin(), reload.changed().end());
  out->need_restart.assign(reload.need_restart().begin(), reload.need_restart().end());
  out->error = reload.error();
}

void Decode(const v1::Reply& reply, TraceReport* out) {
  for (const v1::Trace& trace : reply.trace().traces()) {
    const v1::TraceTarget& target = trace.target();
    out->traces.push_back({{target.key(), target.mid(), target.ip()}, trace.seconds_left()});
  }
  out->error = reply.trace().error();
}

}  // namespace halley::client
