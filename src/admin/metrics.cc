#include "admin/metrics.h"

#include <sys/resource.h>

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace halley::admin {
namespace {

constexpr absl::string_view kMemoryStages[] = {"plenty", "short_logs", "no_connects", "skip_low",
                                              "close_slow"};

// A counter's name ends in _total; one of nanoseconds is told in seconds, which the base unit is.
struct Naming {
  std::string name;
  double scale = 1;
};

Naming NamingOf(const Figure& figure) {
  absl::string_view base = figure.name;
  Naming naming;
  constexpr absl::string_view kNanoseconds = "_ns";
  std::string seconds;
  if (absl::EndsWith(base, kNanoseconds)) {
    seconds = absl::StrCat(base.substr(0, base.size() - kNanoseconds.size()), "_seconds");
    base = seconds;
    naming.scale = 1e-9;
  }
  naming.name = absl::StrCat("halley_", base, figure.counter ? "_total" : "");
  return naming;
}

void AppendHead(absl::string_view name, absl::string_view help, absl::string_view type,
                std::string* out) {
  absl::StrAppend(out, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

std::string Escaped(absl::string_view value) {
  return absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
}

void AppendFigure(const NodeFigures& node, const Figure& figure, std::string* out) {
  const Naming naming = NamingOf(figure);
  AppendHead(naming.name, figure.help, figure.counter ? "counter" : "gauge", out);
  for (const ShardFigures& shard : node.shards) {
    absl::StrAppend(out, naming.name, "{shard=\"", shard.shard, "\"} ");
    if (naming.scale == 1) {
      absl::StrAppend(out, figure.of(shard), "\n");
    } else {
      absl::StrAppend(out, static_cast<double>(figure.of(shard)) * naming.scale, "\n");
    }
  }
}

void AppendFamily(const NodeFigures& node, const FigureFamily& family, std::string* out) {
  const std::string name = absl::StrCat("halley_", family.name, family.counter ? "_total" : "");
  AppendHead(name, family.help, family.counter ? "counter" : "gauge", out);
  for (const NamedCount& count : SumByName(node, family)) {
    absl::StrAppend(out, name, "{", family.label, "=\"", Escaped(count.name), "\"} ", count.count,
                    "\n");
  }
}

void AppendNodeMetric(const NodeMetric& metric, std::string* out) {
  const std::string name = absl::StrCat("halley_", metric.name);
  AppendHead(name, metric.help, metric.counter ? "counter" : "gauge", out);
  for (const auto& [labels, count] : metric.samples) {
    absl::StrAppend(out, name, labels, " ", count, "\n");
  }
}

// Buckets of a histogram hold what the smaller ones do, too.
void AppendDurations(const NodeFigures& node, const DurationFamily& family, std::string* out) {
  const std::string name = absl::StrCat("halley_", family.name, "_seconds");
  AppendHead(name, family.help, "histogram", out);
  for (const ShardFigures& shard : node.shards) {
    const DurationFigures& durations = family.of(shard);
    uint64_t sum = 0;
    for (size_t i = 0; i < durations.counts.size(); ++i) {
      sum += durations.counts[i];
      const bool last = i + 1 == durations.counts.size();
      const std::string bound =
          last ? "+Inf" : absl::StrCat(static_cast<double>(uint64_t{4096} << i) * 1e-9);
      absl::StrAppend(out, name, "_bucket{shard=\"", shard.shard, "\",le=\"", bound, "\"} ", sum, "\n");
    }
    absl::StrAppend(out, name, "_sum{shard=\"", shard.shard, "\"} ",
                    static_cast<double>(durations.sum_ns) * 1e-9, "\n");
    absl::StrAppend(out, name, "_count{shard=\"", shard.shard, "\"} ", sum, "\n");
  }
}

void AppendMemoryStage(const NodeFigures& node, std::string* out) {
  constexpr absl::string_view kName = "halley_memory_stage";
  AppendHead(kName, "Stage of the memory budget: 0 plenty, 1 short_logs, 2 no_connects, 3 skip_low, "
                    "4 close_slow.", "gauge", out);
  for (const ShardFigures& shard : node.shards) {
    size_t stage = 0;
    while (stage + 1 < std::size(kMemoryStages) && kMemoryStages[stage] != shard.memory_stage) ++stage;
    absl::StrAppend(out, kName, "{shard=\"", shard.shard, "\"} ", stage, "\n");
  }
}

void AppendDiscovery(const DiscoveryFigures& discovery, std::string* out) {
  AppendHead("halley_discovery_registered", "Whether the registry knows the node, as far as is known.",
             "gauge", out);
  absl::StrAppend(out, "halley_discovery_registered ", discovery.registered ? 1 : 0, "\n");
  AppendHead("halley_discovery_addresses", "Addresses of logic that are known.", "gauge", out);
  absl::StrAppend(out, "halley_discovery_addresses ", discovery.addresses.size(), "\n");
  constexpr absl::string_view kFailures = "halley_discovery_failures_total";
  AppendHead(kFailures, "What went wrong with the registry, by kind.", "counter", out);
  for (const NamedCount& count : discovery.failures) {
    absl::StrAppend(out, kFailures, "{kind=\"", Escaped(count.name), "\"} ", count.count, "\n");
  }
}

void AppendProcess(std::string* out) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  AppendHead("process_cpu_seconds_total", "CPU of the whole process, in seconds.", "counter", out);
  absl::StrAppend(out, "process_cpu_seconds_total ",
                  seconds(used.ru_utime) + seconds(used.ru_stime), "\n");
  AppendHead("process_max_resident_memory_bytes", "The most memory that was resident.", "gauge", out);
  absl::StrAppend(out, "process_max_resident_memory_bytes ", uint64_t(used.ru_maxrss) * 1024, "\n");
}

}  // namespace

std::string RenderMetrics(const NodeFigures& node, absl::string_view version, bool ready,
                          const std::optional<DiscoveryFigures>& discovery,
                          absl::Span<const NodeMetric> more) {
  std::string out;
  out.reserve(16384);
  AppendHead("halley_info", "What runs here.", "gauge", &out);
  const std::string ring = node.shards.empty() ? "" : node.shards.front().ring.description;
  absl::StrAppend(&out, "halley_info{version=\"", Escaped(version), "\",ring=\"", Escaped(ring),
                  "\"} 1\n");
  AppendHead("halley_ready", "Whether clients are to be sent here.", "gauge", &out);
  absl::StrAppend(&out, "halley_ready ", ready ? 1 : 0, "\n");
  for (const Figure& figure : Figures()) AppendFigure(node, figure, &out);
  for (const FigureFamily& family : FigureFamilies()) AppendFamily(node, family, &out);
  for (const DurationFamily& family : DurationFamilies()) AppendDurations(node, family, &out);
  AppendMemoryStage(node, &out);
  if (discovery.has_value()) AppendDiscovery(*discovery, &out);
  for (const NodeMetric& metric : more) AppendNodeMetric(metric, &out);
  AppendProcess(&out);
  return out;
}

}  // namespace halley::admin
