#include "admin/figures.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "admin/answer.h"
#include "wire/json_writer.h"

namespace halley::admin {
namespace {

using Shard = ShardFigures;

constexpr bool kCounter = true;
constexpr bool kGauge = false;

constexpr Figure kFigures[] = {
    {"connections", "Connections of clients, logged in or not.", kGauge,
     [](const Shard& s) { return s.connections; }},
    {"channels", "Clients that are logged in.", kGauge, [](const Shard& s) { return s.channels; }},
    {"draining", "Whether no client is let in, and those that are here are told to go.", kGauge,
     [](const Shard& s) { return uint64_t{s.draining}; }},
    {"addresses", "Addresses that clients are connected from, of the node, where they are limited.",
     kGauge, [](const Shard& s) { return s.addresses; }},
    {"addresses_without_place", "Connections let in though limits.ip_table was full.", kCounter,
     [](const Shard& s) { return s.addresses_without_place; }},
    {"rooms", "Rooms with members on the shard.", kGauge, [](const Shard& s) { return s.rooms; }},
    {"accepted", "Connections accepted, those of pushers included.", kCounter,
     [](const Shard& s) { return s.accepted; }},
    {"accept_errors", "Accepts that failed.", kCounter,
     [](const Shard& s) { return s.accept_errors; }},
    {"logins", "Logins that were accepted.", kCounter, [](const Shard& s) { return s.logins; }},
    {"moved_in", "Connections that came from another shard to that of their key.", kCounter,
     [](const Shard& s) { return s.moved_in; }},
    {"moved_out", "Connections that left for the shard of their key.", kCounter,
     [](const Shard& s) { return s.moved_out; }},
    {"bytes_received", "Bytes from clients and pushers.", kCounter,
     [](const Shard& s) { return s.bytes_received; }},
    {"bytes_sent", "Bytes that the kernel took for clients and pushers; inside TLS, encrypted.", kCounter,
     [](const Shard& s) { return s.ring.sent_bytes; }},
    {"push_connections", "Connections of pushers.", kGauge,
     [](const Shard& s) { return s.push_connections; }},
    {"push_requests", "Requests of pushers.", kCounter,
     [](const Shard& s) { return s.push_requests; }},
    {"push_invalid", "Requests of pushers that were at fault.", kCounter,
     [](const Shard& s) { return s.push_invalid; }},
    {"push_unauthorized", "Requests of pushers with a wrong secret or none.", kCounter,
     [](const Shard& s) { return s.push_unauthorized; }},
    {"push_refused", "Connections of pushers beyond their limit.", kCounter,
     [](const Shard& s) { return s.push_refused; }},
    {"pushed", "Messages that reached the shard's hub.", kCounter,
     [](const Shard& s) { return s.deliveries.pushed; }},
    {"appended", "Appends to logs, one per encoding.", kCounter,
     [](const Shard& s) { return s.deliveries.appended; }},
    {"expected", "Deliveries that were owed: delivered + skipped + pending, at rest.", kCounter,
     [](const Shard& s) { return s.deliveries.expected; }},
    {"delivered", "Deliveries whose every byte the kernel took.", kCounter,
     [](const Shard& s) { return s.deliveries.delivered; }},
    {"pending", "Deliveries that wait for slow clients.", kGauge,
     [](const Shard& s) { return s.deliveries.pending; }},
    {"refused", "Pushes that a full queue refused: never owed.", kCounter,
     [](const Shard& s) { return s.deliveries.refused; }},
    {"filtered", "Personal pushes to clients that do not watch the op: never owed.", kCounter,
     [](const Shard& s) { return s.deliveries.filtered; }},
    {"log_bytes", "Bytes that rooms' logs hold.", kGauge,
     [](const Shard& s) { return s.deliveries.log_bytes; }},
    {"queue_bytes", "Bytes that personal queues hold.", kGauge,
     [](const Shard& s) { return s.deliveries.queue_bytes; }},
    {"buffer_bytes", "Bytes of pooled buffers in use.", kGauge,
     [](const Shard& s) { return s.buffer_bytes; }},
    {"mailbox_commands", "Commands from other shards that wait to be done.", kGauge,
     [](const Shard& s) { return s.mailbox_commands; }},
    {"turns", "Turns of the shard's loop.", kCounter, [](const Shard& s) { return s.turns; }},
    {"cpu_ns", "Nanoseconds of CPU that the shard's thread has used.", kCounter,
     [](const Shard& s) { return s.cpu_ns; }},
    {"stale_completions", "Completions for connections that had gone.", kCounter,
     [](const Shard& s) { return s.stale_completions; }},
    {"ring_enters", "System calls that submitted to the ring or waited for it.", kCounter,
     [](const Shard& s) { return s.ring.enters; }},
    {"ring_submissions", "Operations handed to the kernel.", kCounter,
     [](const Shard& s) { return s.ring.submissions; }},
    {"ring_sends", "Sends asked for.", kCounter, [](const Shard& s) { return s.ring.sends; }},
    {"ring_send_exceptions", "Sends that were short or failed.", kCounter,
     [](const Shard& s) { return s.ring.send_exceptions; }},
    {"ring_completions", "Completions from the kernel.", kCounter,
     [](const Shard& s) { return s.ring.completions; }},
    {"ring_cq_overflows", "Times the completion queue overflowed.", kCounter,
     [](const Shard& s) { return s.ring.cq_overflows; }},
    {"ring_held_bytes", "Bytes that are encrypted and wait for sockets with room.", kGauge,
     [](const Shard& s) { return s.ring.held_bytes; }},
    {"tls_handshakes", "TLS handshakes completed with a certificate.", kCounter,
     [](const Shard& s) { return s.ring.tls_handshakes; }},
    {"tls_resumed", "TLS handshakes that took up an earlier session.", kCounter,
     [](const Shard& s) { return s.ring.tls_resumed; }},
    {"tls_failures", "Connections that ended for TLS' sake.", kCounter,
     [](const Shard& s) { return s.ring.tls_failures; }},
};

constexpr FigureFamily kFamilies[] = {
    {"closed", "reason", "Connections of clients that ended, by reason.", kCounter,
     [](const Shard& s) -> const std::vector<NamedCount>& { return s.closed; }},
    {"skipped", "reason", "Deliveries that were owed and will never be, by reason.", kCounter,
     [](const Shard& s) -> const std::vector<NamedCount>& { return s.deliveries.skipped; }},
    {"refused_logins", "cause", "Logins that the backend refused, by cause.", kCounter,
     [](const Shard& s) -> const std::vector<NamedCount>& { return s.refused_logins; }},
    {"clients", "dialect", "Clients that are logged in, by what they speak.", kGauge,
     [](const Shard& s) -> const std::vector<NamedCount>& { return s.dialects; }},
};

constexpr DurationFamily kDurations[] = {
    {"turn", "A turn of a shard's loop, without its sleep.",
     [](const Shard& s) -> const DurationFigures& { return s.turn_time; }},
    {"push", "From a push to when all members of its room on a shard that keep up, or a client of its "
     "own, had been sent it.",
     [](const Shard& s) -> const DurationFigures& { return s.push_time; }},
};

}  // namespace

absl::Span<const Figure> Figures() { return kFigures; }
absl::Span<const FigureFamily> FigureFamilies() { return kFamilies; }
absl::Span<const DurationFamily> DurationFamilies() { return kDurations; }

std::vector<NamedCount> SumByName(const NodeFigures& node, const FigureFamily& family) {
  std::vector<NamedCount> sums;
  for (const ShardFigures& shard : node.shards) {
    for (const NamedCount& count : family.of(shard)) {
      const auto sum = std::find_if(sums.begin(), sums.end(),
                                    [&](const NamedCount& each) { return each.name == count.name; });
      if (sum == sums.end()) {
        sums.push_back(count);
      } else {
        sum->count += count.count;
      }
    }
  }
  return sums;
}

std::string FiguresAsJson(const NodeFigures& node,
                          const std::optional<DiscoveryFigures>& discovery) {
  wire::JsonWriter json;
  json.BeginObject().Key("shards").BeginArray();
  for (const ShardFigures& shard : node.shards) {
    json.BeginObject().Key("shard").Number(shard.shard);
    for (const Figure& figure : kFigures) json.Key(figure.name).Number(figure.of(shard));
    for (const FigureFamily& family : kFamilies) {
      json.Key(family.name).BeginObject();
      for (const NamedCount& count : family.of(shard)) json.Key(count.name).Number(count.count);
      json.EndObject();
    }
    for (const DurationFamily& family : kDurations) {
      const DurationFigures& durations = family.of(shard);
      json.Key(absl::StrCat(family.name, "_time")).BeginObject();
      json.Key("count").Number(durations.Count()).Key("sum_ns").Number(durations.sum_ns);
      json.Key("p50_ns").Number(durations.QuantileNs(0.5));
      json.Key("p99_ns").Number(durations.QuantileNs(0.99));
      json.EndObject();
    }
    json.Key("memory_stage").Text(shard.memory_stage);
    json.Key("ring").Text(ReadableText(shard.ring.description)).EndObject();
  }
  json.EndArray();
  if (discovery.has_value()) {
    json.Key("discovery").BeginObject().Key("registered").Bool(discovery->registered);
    json.Key("addresses").BeginArray();
    for (const std::string& address : discovery->addresses) json.Text(address);
    json.EndArray().Key("failures").BeginObject();
    for (const NamedCount& count : discovery->failures) json.Key(count.name).Number(count.count);
    json.EndObject().EndObject();
  }
  return json.EndObject().text();
}

}  // namespace halley::admin
