#include "push/status_codec.h"

#include <cstddef>
#include <string>

#include "wire/close_reason.h"
#include "wire/goim_frame.h"

namespace halley::push {
namespace {

void EncodeAccounting(const hub::Accounting& from, v1::Accounting* to) {
  to->set_pushed(from.pushed);
  to->set_appended(from.appended);
  to->set_expected(from.expected);
  to->set_delivered(from.delivered);
  for (size_t reason = 0; reason < hub::kSkipReasonsCount; ++reason) {
    v1::NamedCount* skipped = to->add_skipped();
    skipped->set_name(std::string(hub::SkipReasonName(static_cast<hub::SkipReason>(reason))));
    skipped->set_count(from.skipped[reason]);
  }
  to->set_pending(from.pending);
  to->set_refused(from.refused);
  to->set_filtered(from.filtered);
  to->set_log_bytes(from.log_bytes);
  to->set_queue_bytes(from.queue_bytes);
}

void EncodeRing(const io::RingCounters& from, const std::string& description, v1::Ring* to) {
  to->set_enters(from.enters);
  to->set_submissions(from.submissions);
  to->set_sends(from.sends);
  to->set_send_exceptions(from.send_exceptions);
  to->set_completions(from.completions);
  to->set_cq_overflows(from.cq_overflows);
  to->set_description(description);
  to->set_tls_handshakes(from.tls.handshakes);
  to->set_tls_resumed(from.tls.resumed);
  to->set_tls_failures(from.tls.failures);
  to->set_held_bytes(from.held_bytes);
  to->set_sent_bytes(from.sent_bytes);
}

void EncodeDurations(const base::DurationHistogram& from, v1::Durations* to) {
  for (const uint64_t count : from.counts()) to->add_counts(count);
  to->set_sum_ns(from.sum_ns());
}

}  // namespace

void EncodeStatus(const shard::ShardStatus& status, v1::ShardStatus* out) {
  out->set_shard(status.shard);
  out->set_connections(status.connections);
  out->set_channels(status.channels);
  out->set_rooms(status.rooms);
  out->set_push_connections(status.push_connections);
  out->set_accepted(status.accepted);
  out->set_logins(status.logins);
  out->set_moved_in(status.moved_in);
  out->set_moved_out(status.moved_out);
  out->set_accept_errors(status.accept_errors);
  out->set_stale_completions(status.stale_completions);
  out->set_bytes_received(status.bytes_received);
  out->set_turns(status.turns);
  out->set_cpu_ns(status.cpu_ns);
  out->set_buffer_bytes(status.buffer_bytes);
  out->set_memory_stage(std::string(shard::MemoryStageName(status.memory_stage)));
  EncodeAccounting(status.accounting, out->mutable_accounting());
  // kNone is no way to end.
  for (size_t reason = 1; reason < wire::kCloseReasonsCount; ++reason) {
    v1::NamedCount* closed = out->add_closed();
    closed->set_name(std::string(wire::CloseReasonName(static_cast<wire::CloseReason>(reason))));
    closed->set_count(status.closed[reason]);
  }
  for (const auto& [cause, count] : status.refused_logins) {
    v1::NamedCount* refused = out->add_refused_logins();
    refused->set_name(std::string(cause));
    refused->set_count(count);
  }
  out->set_draining(status.draining);
  out->set_addresses(status.addresses);
  out->set_addresses_without_place(status.addresses_without_place);
  out->set_mailbox_commands(status.mailbox_commands);
  for (size_t dialect = 0; dialect < wire::kEncodingsCount; ++dialect) {
    v1::NamedCount* clients = out->add_dialects();
    clients->set_name(std::string(wire::EncodingName(static_cast<wire::Encoding>(dialect))));
    clients->set_count(status.dialects[dialect]);
  }
  EncodeDurations(status.turn_time, out->mutable_turn_time());
  EncodeDurations(status.push_time, out->mutable_push_time());
  EncodeRing(status.ring, status.ring_description, out->mutable_ring());
  v1::PushFigures* push = out->mutable_push();
  push->set_requests(status.push_requests);
  push->set_invalid(status.push_invalid);
  push->set_unauthorized(status.push_unauthorized);
  push->set_refused(status.push_refused);
}

}  // namespace halley::push
