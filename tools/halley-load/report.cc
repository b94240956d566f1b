#include "halley-load/report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "halley-load/figures.h"

namespace halley::load {
namespace {

class Table {
 public:
  template <typename... Args>
  void Line(absl::string_view name, const absl::FormatSpec<Args...>& format, const Args&... args) {
    absl::StrAppend(&text_, absl::StrFormat("  %-15s ", name), absl::StrFormat(format, args...),
                    "\n");
  }
  std::string& text() { return text_; }

 private:
  std::string text_;
};

void AddLogins(const LoadOptions& options, const RunReport& r, Table* table) {
  table->Line("logins", "%u in %.2f s, %.0f/s, on %u thread(s)", options.clients,
              Seconds(r.connect_ns), PerSecond(options.clients, r.connect_ns), r.threads);
  if (r.login_cpu_ns > 0) {
    table->Line("login cpu", "%.1f us of the server each (%.1f thread, %.1f softirq)",
                Ratio(r.login_cpu_ns + r.login_softirq_ns, options.clients) / 1e3,
                Ratio(r.login_cpu_ns, options.clients) / 1e3,
                Ratio(r.login_softirq_ns, options.clients) / 1e3);
  }
  if (r.memory_known) {
    table->Line("memory", "%.0f bytes resident per connection", BytesPerConnection(options, r));
  }
  if (r.hold_ns > 0) {
    table->Line("quiet", "%.1f s, %.3f cores of the server, %.3f softirq, %.3f ours",
                Seconds(r.hold_ns), Ratio(r.hold_cpu_ns, r.hold_ns),
                Ratio(r.hold_softirq_ns, r.hold_ns), Ratio(r.hold_load_ns, r.hold_ns));
  }
  if (r.room_changes > 0) {
    table->Line("room changes", "%u, %.0f/s, %.1f us of the server each", r.room_changes,
                PerSecond(r.room_changes, r.hold_ns),
                Ratio(r.hold_cpu_ns + r.hold_softirq_ns, r.room_changes) / 1e3);
  }
  if (r.heartbeats > 0) {
    table->Line("heartbeats", "%u sent, %u answered, p99 %.3f ms", r.heartbeats,
                r.heartbeat_replies,
                static_cast<double>(r.heartbeat_latency_ns.Percentile(0.99)) / 1e6);
  }
}

void AddPushes(const RunReport& r, Table* table) {
  table->Line("pushes", "%u, of which %u measured", r.pushed, r.measured_pushes);
  table->Line("deliveries", "%u in %.2f s, %.0f/s", r.measured, Seconds(r.measured_ns),
              PerSecond(r.measured, r.measured_ns));
  const Histogram& h = r.latency_ns;
  table->Line("latency", "p50 %.3f  p99 %.3f  p99.9 %.3f  max %.3f ms",
              static_cast<double>(h.Percentile(0.5)) / 1e6,
              static_cast<double>(h.Percentile(0.99)) / 1e6,
              static_cast<double>(h.Percentile(0.999)) / 1e6, static_cast<double>(h.max()) / 1e6);
  table->Line("server cpu", "%.0f ns per delivery (%.0f thread, %.0f softirq)",
              Ratio(r.cpu_ns + r.softirq_ns, r.measured), Ratio(r.cpu_ns, r.measured),
              Ratio(r.softirq_ns, r.measured));
  if (r.loop_cpu_ns > 0) {
    table->Line("bare loop", "%.0f ns per delivery, without softirq",
                Ratio(r.loop_cpu_ns, r.measured));
  }
  table->Line("busy", "%.2f cores of the server, %.2f softirq, %.2f ours",
              Ratio(r.cpu_ns, r.counted_ns), Ratio(r.softirq_ns, r.counted_ns),
              Ratio(r.load_ns, r.counted_ns));
  table->Line("sends", "%.4f per delivery", Ratio(r.sends, r.measured));
}

void AddBooks(const RunReport& r, Table* table) {
  table->Line("expected", "%u", r.Expected());
  table->Line("received", "%u", r.Received());
  table->Line("lost", "%u", r.Lost());
  table->Line("duplicates", "%u", r.healthy.duplicates + r.stalled.duplicates);
  table->Line("reordered", "%u", r.healthy.reordered + r.stalled.reordered);
  table->Line("order differs", "%u client(s)", r.order_differs);
  table->Line("foreign", "%u", r.foreign);
  if (r.stalled_clients > 0) {
    table->Line("stalled", "%u client(s), lost %u; %u of them were closed", r.stalled_clients,
                r.stalled.lost, r.disconnected_stalled);
  }
  table->Line("server's books", "%u = %u delivered + %u skipped + %u pending; %u refused",
              r.server_expected, r.server_delivered, r.server_skipped, r.server_pending,
              r.server_refused);
  if (r.reconnects > 0) table->Line("reconnects", "%u", r.reconnects);
}

}  // namespace

std::vector<std::string> Judge(const LoadOptions& options, const RunReport& r) {
  std::vector<std::string> failures;
  const auto none = [&](uint64_t count, absl::string_view what) {
    if (count > 0) failures.push_back(absl::StrCat(count, " ", what));
  };
  none(r.healthy.lost, "messages were lost by clients that read");
  none(r.healthy.duplicates + r.stalled.duplicates, "messages came twice");
  none(r.healthy.reordered + r.stalled.reordered, "messages came out of order");
  none(r.order_differs, "clients saw another order than the rest of their room");
  none(r.bad_bytes, "connections got bytes that are no protocol");
  none(r.disconnected, "clients were disconnected");
  none(r.not_back, "clients could not log in again");
  none(r.room_changes_lost, "room changes were not answered");
  if (!options.pushes()) return failures;  // others may push to our clients then

  none(r.foreign, "messages came that this run did not push to that client");
  if (r.push_failed > 0) {
    failures.push_back(
        absl::StrCat(r.push_failed, " pushes were not accepted (first: ", r.push_error, ")"));
  }
  if (r.stuck) failures.push_back("a push did not reach everybody in time");
  // What a client loses that does not read is excused as far as the server owns up to it. Of those
  // that it closed, some may have lost less than it gave up.
  const bool owned_up =
      r.disconnected_stalled == 0 ? r.Lost() == r.Excused() : r.Lost() <= r.Excused();
  if (r.stalled.lost != 0 && !owned_up) {
    failures.push_back(absl::StrCat(r.Lost(), " messages were lost in all, but the server reports ",
                                    r.Excused(), " skipped or refused"));
  }
  const bool all_there = options.churn == 0 && r.stalled_clients == 0 && r.disconnected == 0;
  if (all_there && r.taken_known && r.push_failed == 0 && r.taken != r.Expected()) {
    failures.push_back(absl::StrCat("the server says that ", r.taken,
                                    " deliveries were queued, not ", r.Expected()));
  }
  return failures;
}

std::string TextReport(const LoadOptions& options, const RunReport& r,
                       const std::vector<std::string>& failures) {
  Table table;
  table.text() = absl::StrFormat("halley-load: %u %s clients in %u room(s)", options.clients,
                                 options.transport == Transport::kTcp ? "TCP" : "WebSocket",
                                 options.rooms);
  if (options.pushes()) {
    absl::StrAppendFormat(&table.text(), "; %u bytes to %s, %u pusher(s), window %u, rate %u",
                          options.size, Name(options.to), options.pushers, options.window,
                          options.rate);
  }
  table.text() += "\n";
  AddLogins(options, r, &table);
  if (options.pushes()) {
    AddPushes(r, &table);
    AddBooks(r, &table);
  }
  for (const std::string& failure : failures) table.Line("FAILED", "%s", failure);
  if (failures.empty()) table.Line("ok", "%s", options.pushes() ? "nothing lost" : "all stayed");
  return table.text();
}

}  // namespace halley::load
