#include "halleyctl/status_view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "halleyctl/text.h"
#include "wire/json_writer.h"

namespace halley::ctl {
namespace {

// One list of the plain figures for both views. Sums over shards are shown for each.
struct Figure {
  const char* name;
  uint64_t (*of)(const ShardFigures& shard);
};
constexpr Figure kFigures[] = {
    {"connections", [](const ShardFigures& s) { return s.connections; }},
    {"channels", [](const ShardFigures& s) { return s.channels; }},
    {"rooms", [](const ShardFigures& s) { return s.rooms; }},
    {"push_connections", [](const ShardFigures& s) { return s.push_connections; }},
    {"push_requests", [](const ShardFigures& s) { return s.push_requests; }},
    {"push_invalid", [](const ShardFigures& s) { return s.push_invalid; }},
    {"push_unauthorized", [](const ShardFigures& s) { return s.push_unauthorized; }},
    {"push_refused", [](const ShardFigures& s) { return s.push_refused; }},
    {"accepted", [](const ShardFigures& s) { return s.accepted; }},
    {"logins", [](const ShardFigures& s) { return s.logins; }},
    {"moved_in", [](const ShardFigures& s) { return s.moved_in; }},
    {"moved_out", [](const ShardFigures& s) { return s.moved_out; }},
    {"accept_errors", [](const ShardFigures& s) { return s.accept_errors; }},
    {"stale_completions", [](const ShardFigures& s) { return s.stale_completions; }},
    {"bytes_received", [](const ShardFigures& s) { return s.bytes_received; }},
    {"bytes_sent", [](const ShardFigures& s) { return s.ring.sent_bytes; }},
    {"mailbox_commands", [](const ShardFigures& s) { return s.mailbox_commands; }},
    {"turns", [](const ShardFigures& s) { return s.turns; }},
    {"cpu_ns", [](const ShardFigures& s) { return s.cpu_ns; }},
    {"buffer_bytes", [](const ShardFigures& s) { return s.buffer_bytes; }},
    {"pushed", [](const ShardFigures& s) { return s.deliveries.pushed; }},
    {"appended", [](const ShardFigures& s) { return s.deliveries.appended; }},
    {"expected", [](const ShardFigures& s) { return s.deliveries.expected; }},
    {"delivered", [](const ShardFigures& s) { return s.deliveries.delivered; }},
    {"pending", [](const ShardFigures& s) { return s.deliveries.pending; }},
    {"refused", [](const ShardFigures& s) { return s.deliveries.refused; }},
    {"filtered", [](const ShardFigures& s) { return s.deliveries.filtered; }},
    {"log_bytes", [](const ShardFigures& s) { return s.deliveries.log_bytes; }},
    {"queue_bytes", [](const ShardFigures& s) { return s.deliveries.queue_bytes; }},
    {"ring_enters", [](const ShardFigures& s) { return s.ring.enters; }},
    {"ring_submissions", [](const ShardFigures& s) { return s.ring.submissions; }},
    {"ring_sends", [](const ShardFigures& s) { return s.ring.sends; }},
    {"ring_send_exceptions", [](const ShardFigures& s) { return s.ring.send_exceptions; }},
    {"ring_completions", [](const ShardFigures& s) { return s.ring.completions; }},
    {"ring_cq_overflows", [](const ShardFigures& s) { return s.ring.cq_overflows; }},
    {"ring_held_bytes", [](const ShardFigures& s) { return s.ring.held_bytes; }},
    {"tls_handshakes", [](const ShardFigures& s) { return s.ring.tls_handshakes; }},
    {"tls_resumed", [](const ShardFigures& s) { return s.ring.tls_resumed; }},
    {"tls_failures", [](const ShardFigures& s) { return s.ring.tls_failures; }},
};

uint64_t Sum(const NodeFigures& node, uint64_t (*of)(const ShardFigures&)) {
  uint64_t sum = 0;
  for (const ShardFigures& shard : node.shards) sum += of(shard);
  return sum;
}

uint64_t SumOf(const NodeFigures& node, const std::string& name) {
  for (const Figure& figure : kFigures) {
    if (figure.name == name) return Sum(node, figure.of);
  }
  return 0;
}

// Counts by name, summed over shards, in the order they first come.
template <typename Of>
std::vector<NamedCount> SumCounts(const NodeFigures& node, Of of) {
  std::vector<NamedCount> sums;
  for (const ShardFigures& shard : node.shards) {
    for (const NamedCount& count : of(shard)) {
      NamedCount* sum = nullptr;
      for (NamedCount& known : sums) {
        if (known.name == count.name) sum = &known;
      }
      if (sum == nullptr) sum = &sums.emplace_back(NamedCount{count.name, 0});
      sum->count += count.count;
    }
  }
  return sums;
}

const std::vector<NamedCount>& SkippedOf(const ShardFigures& shard) {
  return shard.deliveries.skipped;
}
const std::vector<NamedCount>& ClosedOf(const ShardFigures& shard) { return shard.closed; }
const std::vector<NamedCount>& RefusedLoginsOf(const ShardFigures& shard) {
  return shard.refused_logins;
}

const std::vector<NamedCount>& DialectsOf(const ShardFigures& shard) { return shard.dialects; }

DurationFigures SumDurations(const NodeFigures& node, DurationFigures ShardFigures::* of) {
  DurationFigures sum;
  for (const ShardFigures& shard : node.shards) sum.Add(shard.*of);
  return sum;
}

// "at most 1.02 ms"; buckets double, so that is what is known.
std::string AtMost(uint64_t ns) {
  if (ns == UINT64_MAX) return "longer than 8 s";
  return absl::StrCat("at most ", absl::FormatDuration(absl::Microseconds(ns / 1000)));
}

void AddDurations(const char* name, const DurationFigures& durations, wire::JsonWriter* json) {
  json->Key(name).BeginObject().Key("count").Number(durations.Count());
  json->Key("sum_ns").Number(durations.sum_ns).Key("p50_ns").Number(durations.QuantileNs(0.5));
  json->Key("p99_ns").Number(durations.QuantileNs(0.99)).EndObject();
}

uint64_t Total(const std::vector<NamedCount>& counts) {
  uint64_t total = 0;
  for (const NamedCount& count : counts) total += count.count;
  return total;
}

// "overflow 3, closed 1"; what is 0 is left out, and `none` stands for nothing.
std::string ListOf(const std::vector<NamedCount>& counts, const char* none) {
  std::vector<std::string> parts;
  for (const NamedCount& count : counts) {
    if (count.count > 0) parts.push_back(absl::StrCat(count.name, " ", count.count));
  }
  return parts.empty() ? none : absl::StrJoin(parts, ", ");
}

// As the shards say it; each sees its stage a moment apart.
std::string StagesOf(const NodeFigures& node) {
  std::vector<std::string> stages;
  for (const ShardFigures& shard : node.shards) stages.push_back(shard.memory_stage);
  std::sort(stages.begin(), stages.end());
  stages.erase(std::unique(stages.begin(), stages.end()), stages.end());
  return absl::StrJoin(stages, ", ");
}

void AddCounts(const char* name, const std::vector<NamedCount>& counts, wire::JsonWriter* json) {
  json->Key(name).BeginObject();
  for (const NamedCount& count : counts) json->Key(count.name).Number(count.count);
  json->EndObject();
}

}  // namespace

std::string StatusText(const NodeFigures& node) {
  const auto sum = [&node](const char* name) { return SumOf(node, name); };
  const std::vector<NamedCount> skipped = SumCounts(node, SkippedOf);
  std::string text = absl::StrFormat(
      "clients     %d connected, %d logged in, in %d rooms (counted per shard)\n"
      "            %d accepted and %d logins so far\n",
      sum("connections"), sum("channels"), sum("rooms"), sum("accepted"), sum("logins"));
  absl::StrAppendFormat(&text, "            they speak %s\n",
                        ListOf(SumCounts(node, DialectsOf), "nothing yet"));
  absl::StrAppendFormat(
      &text, "pushers     %d connected, %d refused; %d requests, %d invalid, %d unauthorized\n",
      sum("push_connections"), sum("push_refused"), sum("push_requests"), sum("push_invalid"),
      sum("push_unauthorized"));
  absl::StrAppendFormat(
      &text, "deliveries  %d expected = %d delivered + %d skipped (%s) + %d pending\n",
      sum("expected"), sum("delivered"), Total(skipped), ListOf(skipped, "none"), sum("pending"));
  absl::StrAppendFormat(&text,
                        "            %d refused (queue full), %d filtered (op not watched)\n",
                        sum("refused"), sum("filtered"));
  const DurationFigures pushes = SumDurations(node, &ShardFigures::push_time);
  if (pushes.Count() > 0) {
    absl::StrAppendFormat(&text, "            sent after %s (half of them), %s (99 %%)\n",
                          AtMost(pushes.QuantileNs(0.5)), AtMost(pushes.QuantileNs(0.99)));
  }
  absl::StrAppendFormat(&text, "memory      %s in logs, %s in queues, %s in all (%s)\n",
                        HumanBytes(sum("log_bytes")), HumanBytes(sum("queue_bytes")),
                        HumanBytes(sum("buffer_bytes")), StagesOf(node));
  absl::StrAppendFormat(&text, "closed      %s\n",
                        ListOf(SumCounts(node, ClosedOf), "none so far"));
  const std::vector<NamedCount> refused_logins = SumCounts(node, RefusedLoginsOf);
  if (!refused_logins.empty()) {
    absl::StrAppendFormat(&text, "tokens      %s\n", ListOf(refused_logins, "none refused so far"));
  }
  text += "\n";
  text += "shard  connections  logged in   rooms     delivered   pending    CPU s         sends\n";
  for (const ShardFigures& s : node.shards) {
    absl::StrAppendFormat(&text, "%5d  %11d  %9d  %6d  %12d  %8d  %7.1f  %12d\n", s.shard,
                          s.connections, s.channels, s.rooms, s.deliveries.delivered,
                          s.deliveries.pending, static_cast<double>(s.cpu_ns) / 1e9, s.ring.sends);
  }
  if (!node.shards.empty() && !node.shards[0].ring.description.empty()) {
    absl::StrAppend(&text, "\nring: ", node.shards[0].ring.description, "\n");
  }
  return text;
}

std::string StatusJson(const NodeFigures& node) {
  wire::JsonWriter json;
  json.BeginObject().Key("total").BeginObject();
  for (const Figure& figure : kFigures) json.Key(figure.name).Number(Sum(node, figure.of));
  AddCounts("skipped", SumCounts(node, SkippedOf), &json);
  AddCounts("closed", SumCounts(node, ClosedOf), &json);
  AddCounts("refused_logins", SumCounts(node, RefusedLoginsOf), &json);
  AddCounts("dialects", SumCounts(node, DialectsOf), &json);
  AddDurations("turn_time", SumDurations(node, &ShardFigures::turn_time), &json);
  AddDurations("push_time", SumDurations(node, &ShardFigures::push_time), &json);
  json.EndObject().Key("shards").BeginArray();
  for (const ShardFigures& shard : node.shards) {
    json.BeginObject().Key("shard").Number(shard.shard);
    for (const Figure& figure : kFigures) json.Key(figure.name).Number(figure.of(shard));
    AddCounts("skipped", shard.deliveries.skipped, &json);
    AddCounts("closed", shard.closed, &json);
    AddCounts("refused_logins", shard.refused_logins, &json);
    AddCounts("dialects", shard.dialects, &json);
    AddDurations("turn_time", shard.turn_time, &json);
    AddDurations("push_time", shard.push_time, &json);
    json.Key("memory_stage").Text(shard.memory_stage);
    json.Key("ring").Text(shard.ring.description).EndObject();
  }
  return json.EndArray().EndObject().text() + "\n";
}

}  // namespace halley::ctl
