// The report as JSON, for programs.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "halley-load/figures.h"
#include "halley-load/report.h"

namespace halley::load {
namespace {

// JSON text: control bytes and quotes are what an error message could bring.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out + "\"";
}

void AppendQuoted(std::string* out, const std::string& text) { out->append(Quoted(text)); }

class Fields {
 public:
  void Raw(absl::string_view name, std::string value) {
    fields_.emplace_back(name, std::move(value));
  }
  void Integer(absl::string_view name, uint64_t value) { Raw(name, absl::StrCat(value)); }
  void Real(absl::string_view name, double value) { Raw(name, absl::StrFormat("%.4f", value)); }
  void Latency(const std::string& name, const Histogram& histogram) {
    Integer(name + "_p50_ns", histogram.Percentile(0.5));
    Integer(name + "_p99_ns", histogram.Percentile(0.99));
    Integer(name + "_p999_ns", histogram.Percentile(0.999));
    Integer(name + "_max_ns", histogram.max());
  }

  std::string Text() const {
    const std::string text =
        absl::StrJoin(fields_, ",\n", [](std::string* out, const auto& field) {
          absl::StrAppend(out, "  ", Quoted(field.first), ": ", field.second);
        });
    return absl::StrCat("{\n", text, "\n}\n");
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

void AddRun(const LoadOptions& options, const RunReport& r,
            const std::vector<std::string>& failures, Fields* fields) {
  fields->Raw("ok", failures.empty() ? "true" : "false");
  fields->Raw("failures", absl::StrCat("[", absl::StrJoin(failures, ",", AppendQuoted), "]"));
  fields->Raw("transport", Quoted(Name(options.transport)));
  fields->Raw("to", Quoted(Name(options.to)));
  fields->Integer("clients", options.clients);
  fields->Integer("rooms", options.rooms);
  fields->Integer("threads", r.threads);
  fields->Integer("size", options.size);
  fields->Integer("window", options.window);
  fields->Integer("pushers", options.pushers);
}

double PerConnection(const LoadOptions& options, uint64_t before, uint64_t after) {
  return (static_cast<double>(after) - static_cast<double>(before)) / options.clients;
}

void AddLogins(const LoadOptions& options, const RunReport& r, Fields* fields) {
  fields->Real("connect_s", Seconds(r.connect_ns));
  fields->Real("logins_per_s", PerSecond(options.clients, r.connect_ns));
  fields->Real("login_cpu_ns", Ratio(r.login_cpu_ns, options.clients));
  fields->Real("login_softirq_ns", Ratio(r.login_softirq_ns, options.clients));
  fields->Real("login_server_cores", Ratio(r.login_cpu_ns + r.login_softirq_ns, r.connect_ns));
  fields->Real("login_load_cores", Ratio(r.login_load_ns, r.connect_ns));
  fields->Latency("login", r.login_latency_ns);
  if (r.memory_known) fields->Real("bytes_per_connection", BytesPerConnection(options, r));
  fields->Real("slab_bytes_per_connection",
               PerConnection(options, r.machine_before.slab, r.machine_after.slab));
  fields->Real("machine_bytes_per_connection",
               PerConnection(options, r.machine_after.available, r.machine_before.available));
  fields->Integer("resident_bytes", r.resident_after);
  fields->Real("hold_s", Seconds(r.hold_ns));
  fields->Real("hold_server_cores", Ratio(r.hold_cpu_ns + r.hold_softirq_ns, r.hold_ns));
  fields->Real("hold_load_cores", Ratio(r.hold_load_ns, r.hold_ns));
  fields->Integer("room_changes", r.room_changes);
  fields->Real("room_changes_per_s", PerSecond(r.room_changes, r.hold_ns));
  fields->Real("room_change_cpu_ns", Ratio(r.hold_cpu_ns + r.hold_softirq_ns, r.room_changes));
  fields->Integer("heartbeats", r.heartbeats);
  fields->Integer("heartbeat_replies", r.heartbeat_replies);
  fields->Latency("heartbeat", r.heartbeat_latency_ns);
  fields->Integer("disconnected", r.disconnected);
}

void AddBooks(const RunReport& r, Fields* fields) {
  fields->Integer("pushed", r.pushed);
  fields->Integer("push_failed", r.push_failed);
  fields->Integer("taken", r.taken);
  fields->Integer("expected", r.Expected());
  fields->Integer("received", r.Received());
  fields->Integer("lost", r.Lost());
  fields->Integer("lost_stalled", r.stalled.lost);
  fields->Integer("server_expected", r.server_expected);
  fields->Integer("server_delivered", r.server_delivered);
  fields->Integer("server_skipped", r.server_skipped);
  fields->Integer("server_refused", r.server_refused);
  fields->Integer("server_pending", r.server_pending);
  fields->Integer("duplicates", r.healthy.duplicates + r.stalled.duplicates);
  fields->Integer("reordered", r.healthy.reordered + r.stalled.reordered);
  fields->Integer("order_differs", r.order_differs);
  fields->Integer("foreign", r.foreign);
  fields->Integer("stalled_clients", r.stalled_clients);
  fields->Integer("disconnected_stalled", r.disconnected_stalled);
  fields->Integer("reconnects", r.reconnects);
}

void AddMeasured(const RunReport& r, Fields* fields) {
  fields->Integer("measured_pushes", r.measured_pushes);
  fields->Integer("measured_deliveries", r.measured);
  fields->Real("measured_s", Seconds(r.measured_ns));
  fields->Real("pushes_per_s", PerSecond(r.measured_pushes, r.measured_ns));
  fields->Real("deliveries_per_s", PerSecond(r.measured, r.measured_ns));
  fields->Real("sends_per_s", PerSecond(r.sends, r.measured_ns));
  fields->Latency("latency", r.latency_ns);
  fields->Real("cpu_ns_per_delivery", Ratio(r.cpu_ns, r.measured));
  fields->Real("process_ns_per_delivery", Ratio(r.process_ns, r.measured));
  fields->Real("softirq_ns_per_delivery", Ratio(r.softirq_ns, r.measured));
  fields->Real("loop_ns_per_delivery", Ratio(r.loop_cpu_ns, r.measured));
  fields->Real("server_cores", Ratio(r.cpu_ns + r.softirq_ns, r.counted_ns));
  fields->Real("process_cores", Ratio(r.process_ns + r.softirq_ns, r.counted_ns));
  fields->Real("load_cores", Ratio(r.load_ns, r.counted_ns));
  fields->Real("sends_per_delivery", Ratio(r.sends, r.measured));
  fields->Real("reads_per_delivery", Ratio(r.reads, r.Received()));
  fields->Real("bytes_per_delivery", Ratio(r.read_bytes, r.Received()));
}

}  // namespace

std::string JsonReport(const LoadOptions& options, const RunReport& r,
                       const std::vector<std::string>& failures) {
  Fields fields;
  AddRun(options, r, failures, &fields);
  AddLogins(options, r, &fields);
  if (options.pushes()) {
    AddBooks(r, &fields);
    AddMeasured(r, &fields);
  }
  return fields.Text();
}

}  // namespace halley::load
