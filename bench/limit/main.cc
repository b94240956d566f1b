// halley-limit: what fan-out costs when nothing is done but send(). See bench/README.md.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "limit/options.h"
#include "limit/server.h"

namespace {

using halley::limit::LimitOptions;
using halley::limit::Round;
using halley::limit::Server;

constexpr int kExitUsage = 2;

constexpr char kHelp[] =
    "halley-limit: a goim server that is nothing but a loop of send(), the gateway's ruler.\n"
    "halley-load --bare pushes to it. Figures are printed on SIGINT or SIGTERM.\n\n"
    "  --ws ADDR       WebSocket clients log in here (127.0.0.1:0)\n"
    "  --tcp ADDR      TCP clients log in here, instead\n"
    "  --control ADDR  halley-load --bare connects here (127.0.0.1:0)\n"
    "  --cpu N         pin to this CPU, and count its ksoftirqd\n"
    "  --coalesce N    messages per send when several wait, at most (16)\n"
    "  --op N          op of a push (1000)\n"
    "  --json          figures as JSON\n";

struct Spread {
  double median = 0, min = 0, max = 0;
};

// ns per delivery, over rounds.
Spread PerDelivery(const std::vector<Round>& rounds, uint64_t Round::*ns) {
  std::vector<double> values;
  for (const Round& round : rounds) {
    values.push_back(static_cast<double>(round.*ns) / static_cast<double>(round.deliveries));
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

void Print(const LimitOptions& options, const Server& server) {
  uint64_t deliveries = 0;
  for (const Round& round : server.rounds()) deliveries += round.deliveries;
  const Spread loop = PerDelivery(server.rounds(), &Round::loop_cpu_ns);
  const Spread softirq = PerDelivery(server.rounds(), &Round::softirq_ns);
  const char* format =
      options.json
          ? "{\"rounds\": %zu, \"deliveries\": %llu, \"loop_ns_median\": %.1f, \"loop_ns_min\": "
            "%.1f, \"loop_ns_max\": %.1f, \"softirq_ns_median\": %.1f, \"softirq_ns_min\": %.1f, "
            "\"softirq_ns_max\": %.1f, \"waits\": %llu}\n"
          : "halley-limit: %zu rounds, %llu deliveries\n"
            "  loop     %.0f [%.0f-%.0f] ns per delivery, median [min-max] of rounds\n"
            "  softirq  %.0f [%.0f-%.0f] ns per delivery\n"
            "  waits    %llu sends had to wait for a slow receiver\n";
  std::printf(format, server.rounds().size(), static_cast<unsigned long long>(deliveries),
              loop.median, loop.min, loop.max, softirq.median, softirq.min, softirq.max,
              static_cast<unsigned long long>(server.waits()));
}

int Fail(const absl::Status& status, int code) {
  std::fprintf(stderr, "halley-limit: %s\n", std::string(status.message()).c_str());
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  LimitOptions options;
  const std::vector<const char*> args(argv + 1, argv + argc);
  const absl::Status parsed = halley::limit::ParseLimitOptions(args, &options);
  if (!parsed.ok()) return Fail(parsed, kExitUsage);
  if (options.help) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  Server server(options);
  absl::Status status = server.Listen();
  if (!status.ok()) return Fail(status, kExitUsage);
  std::fprintf(stderr, "halley-limit: clients %s control %s\n", server.clients_address().c_str(),
               server.control_address().c_str());
  status = server.Serve();
  if (!status.ok()) return Fail(status, kExitUsage);
  Print(options, server);
  return 0;
}
