#include "halley-load/run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "halley-load/client_thread.h"
#include "halley-load/needs.h"
#include "halley-load/pusher.h"
#include "halley-load/system.h"

namespace halley::load {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kMillisecondNs = 1'000'000;
constexpr uint64_t kStalledSilenceNs = kSecondNs;

void Nap(uint64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// What is read of the server at one moment.
struct Reading {
  uint64_t at_ns = 0;
  ServerFigures figures;
  uint64_t process_ns = 0;  // CPU time of the process of --pid
  uint64_t softirq_ns = 0;
  uint64_t load_ns = 0;     // our own CPU time, without polls that found nothing
};

class Run {
 public:
  Run(const LoadOptions& options, uint32_t threads, Address address, std::vector<Address> sources,
      Server server)
      : options_(WithThreads(options, threads)),
        plan_(options_, std::random_device{}()),
        server_(std::move(server)),
        crew_(plan_, std::move(address), std::move(sources), server_.open_protocol),
        softirq_(options_.softirq_cpus) {}
  ~Run() { Stop(); }

  absl::StatusOr<RunReport> Go() {
    report_.threads = options_.threads;
    for (const auto& step : {&Run::OpenPorts, &Run::LogIn, &Run::Hold, &Run::Push}) {
      const absl::Status status = (this->*step)();
      if (!status.ok()) return status;
    }
    Stop();
    Collect();
    return std::move(report_);
  }

 private:
  static LoadOptions WithThreads(LoadOptions options, uint32_t threads) {
    options.threads = threads;
    return options;
  }

  absl::Status OpenPorts() {
    // The push library's threads inherit this.
    PinThread(options_.cpus, options_.threads);
    if (options_.tls) {
      tls::ClientOptions careless;
      careless.verify = false;
      absl::StatusOr<std::unique_ptr<tls::Client>> tls = tls::Client::Create(careless);
      if (!tls.ok()) return tls.status();
      crew_.tls = *std::move(tls);
    }
    if (!options_.pushes()) return absl::OkStatus();
    for (uint32_t i = 0; i < options_.pushers; ++i) {
      if (options_.window > 0) {
        const uint32_t share = options_.window / options_.pushers +
                               (i < options_.window % options_.pushers ? 1 : 0);
        crew_.windows.push_back(std::make_unique<Window>(share));
      }
      absl::StatusOr<std::unique_ptr<PushPort>> port = server_.open_port(plan_);
      if (!port.ok()) return port.status();
      ports_.push_back(*std::move(port));
    }
    for (uint32_t i = 0; i < options_.pushers; ++i) {
      pushers_.push_back(std::make_unique<Pusher>(crew_, i, std::move(ports_[i])));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Reading> Read() {
    Reading reading;
    if (!pushers_.empty()) {
      absl::StatusOr<ServerFigures> figures = pushers_[0]->port().Figures();
      if (!figures.ok()) return figures.status();
      reading.figures = *figures;
    }
    reading.at_ns = NowNs();
    if (options_.pid != 0) reading.process_ns = ProcessCpuNs(options_.pid);
    if (reading.figures.cpu_ns == 0) reading.figures.cpu_ns = reading.process_ns;
    reading.softirq_ns = softirq_.ReadNs();
    reading.load_ns = OwnCpuNs() - Sum(&Gauges::spun_ns);
    return reading;
  }

  uint64_t Sum(auto field) const {
    uint64_t sum = 0;
    for (const auto& client_thread : client_threads_) {
      sum += (client_thread->gauges().*field).load(std::memory_order_relaxed);
    }
    return sum;
  }

  // At most one line per second.
  void Progress(const std::string& line) {
    if (options_.quiet || NowNs() < next_progress_ns_) return;
    next_progress_ns_ = NowNs() + kSecondNs;
    std::fprintf(stderr, "halley-load: %s\n", line.c_str());
  }

  absl::Status LogIn() {
    absl::StatusOr<Reading> before = Read();
    if (!before.ok()) return before.status();
    if (options_.pid != 0) report_.resident_before = ResidentBytes(options_.pid);
    report_.machine_before = ReadMachineMemory();

    const uint64_t begin_ns = NowNs();
    for (uint32_t i = 0; i < options_.threads; ++i) {
      client_threads_.push_back(std::make_unique<ClientThread>(crew_, i, options_.threads));
    }
    for (const auto& client_thread : client_threads_) {
      threads_.emplace_back([&client_thread] { client_thread->Run(); });
    }
    while (Sum(&Gauges::live) < options_.clients) {
      if (Sum(&Gauges::failed) > 0) return CannotLogIn();
      Progress(absl::StrCat(Sum(&Gauges::live), " of ", options_.clients, " logged in"));
      // A client that the server closes again at once is not waited for.
      if (Sum(&Gauges::logins) >= options_.clients) break;
      Nap(1);
    }
    report_.connect_ns = NowNs() - begin_ns;
    absl::StatusOr<Reading> after = Read();
    if (!after.ok()) return after.status();
    report_.login_cpu_ns = after->figures.cpu_ns - before->figures.cpu_ns;
    report_.login_softirq_ns = after->softirq_ns - before->softirq_ns;
    report_.login_load_ns = after->load_ns - before->load_ns;

    Nap(options_.settle_ms);
    if (options_.pid != 0) report_.resident_after = ResidentBytes(options_.pid);
    report_.machine_after = ReadMachineMemory();
    report_.memory_known = report_.resident_before != 0 && report_.resident_after != 0;
    return absl::OkStatus();
  }

  absl::Status CannotLogIn() {
    const uint64_t failed = Sum(&Gauges::failed);
    const uint64_t live = Sum(&Gauges::live);
    Stop();
    std::string why;
    for (const auto& client_thread : client_threads_) {
      if (why.empty()) why = client_thread->report().first_error;
    }
    return absl::UnavailableError(absl::StrCat(
        "cannot log in at ", crew_.server.text, " (", failed, " failed, ", live, " logged in; ",
        why, "): is the server running there, with room for ", options_.clients, " clients?"));
  }

  // Runs all pushers side by side until they have finished.
  void RunPushers(uint64_t count, uint64_t until_ns) {
    std::atomic<uint32_t> running{options_.pushers};
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < options_.pushers; ++i) {
      PushJob job;
      job.until_ns = until_ns;
      job.count = count / options_.pushers + (i < count % options_.pushers ? 1 : 0);
      if (count > 0 && job.count == 0) {
        --running;
        continue;
      }
      threads.emplace_back([this, &running, i, job] {
        pushers_[i]->Run(job);
        --running;
      });
    }
    while (running > 0) {
      Progress(absl::StrCat(Sum(&Gauges::received), " messages received"));
      Nap(5);
    }
    for (std::thread& thread : threads) thread.join();
  }

  // Waits until nobody misses anything, or nothing has come for drain_ms.
  void AwaitArrivals() {
    const uint64_t begin_ns = NowNs();
    crew_.audit.store(true, std::memory_order_release);
    uint64_t received = Sum(&Gauges::received);
    uint64_t silent_since_ns = begin_ns;
    while (true) {
      const bool audited = std::all_of(
          client_threads_.begin(), client_threads_.end(), [&](const auto& client_thread) {
            return client_thread->gauges().audited_ns.load(std::memory_order_acquire) > begin_ns;
          });
      if (audited && Sum(&Gauges::missing) == 0 && Sum(&Gauges::away) == 0) break;
      const uint64_t now_ns = NowNs();
      if (Sum(&Gauges::received) != received) {
        received = Sum(&Gauges::received);
        silent_since_ns = now_ns;
      }
      if (now_ns - silent_since_ns > options_.drain_ms * kMillisecondNs) break;
      if (options_.stalled > 0 && now_ns - silent_since_ns > kStalledSilenceNs) {
        // What stalled clients still miss may have been given up: the server knows.
        const absl::StatusOr<Reading> reading = Read();
        if (reading.ok() && reading->figures.pending == 0) break;
      }
      Progress(absl::StrCat("waiting for the last of ", received, " messages"));
      Nap(5);
    }
    crew_.audit.store(false, std::memory_order_release);
  }

  absl::Status Hold() {
    const uint32_t seconds =
        options_.hold_s + (options_.pushes() || options_.room_changes > 0 ? 0 : options_.seconds);
    if (seconds == 0) return absl::OkStatus();
    const absl::StatusOr<Reading> before = Read();
    if (!before.ok()) return before.status();
    crew_.changing_rooms.store(options_.room_changes > 0, std::memory_order_release);
    while (NowNs() < before->at_ns + seconds * kSecondNs) {
      Progress(absl::StrCat("holding ", Sum(&Gauges::live), " clients"));
      Nap(20);
    }
    report_.room_changes = Sum(&Gauges::room_changes);
    const absl::StatusOr<Reading> after = Read();
    if (!after.ok()) return after.status();
    report_.hold_ns = after->at_ns - before->at_ns;
    report_.hold_cpu_ns = after->figures.cpu_ns - before->figures.cpu_ns;
    report_.hold_process_ns = after->process_ns - before->process_ns;
    report_.hold_softirq_ns = after->softirq_ns - before->softirq_ns;
    report_.hold_load_ns = after->load_ns - before->load_ns;

    crew_.changing_rooms.store(false, std::memory_order_release);
    const uint64_t give_up_ns = NowNs() + options_.drain_ms * kMillisecondNs;
    while (Sum(&Gauges::changing_rooms) > 0 && NowNs() < give_up_ns) Nap(1);
    report_.room_changes_lost = Sum(&Gauges::changing_rooms);
    return absl::OkStatus();
  }

  absl::Status Push() {
    if (!options_.pushes()) return absl::OkStatus();
    const absl::StatusOr<Reading> start = Read();
    if (!start.ok()) return start.status();
    crew_.phase.store(Phase::kPushing, std::memory_order_release);
    if (options_.warmup > 0) {
      RunPushers(options_.warmup, 0);
      AwaitArrivals();
    }
    const absl::StatusOr<Reading> before = Read();
    if (!before.ok()) return before.status();
    measured_from_ns_ = NowNs();
    crew_.measure_from_ns.store(measured_from_ns_, std::memory_order_release);
    const uint64_t until_ns =
        options_.seconds == 0 ? 0 : measured_from_ns_ + options_.seconds * kSecondNs;
    const uint64_t warm = Pushed();
    RunPushers(options_.count, until_ns);
    report_.measured_pushes = Pushed() - warm;
    crew_.phase.store(Phase::kDraining, std::memory_order_release);
    AwaitArrivals();
    const absl::StatusOr<Reading> after = Read();
    if (!after.ok()) return after.status();
    report_.cpu_ns = after->figures.cpu_ns - before->figures.cpu_ns;
    report_.loop_cpu_ns = after->figures.loop_cpu_ns - before->figures.loop_cpu_ns;
    report_.process_ns = after->process_ns - before->process_ns;
    report_.softirq_ns = after->softirq_ns - before->softirq_ns;
    report_.load_ns = after->load_ns - before->load_ns;
    report_.counted_ns = after->at_ns - before->at_ns;
    report_.sends = after->figures.sends - before->figures.sends;
    report_.server_expected = after->figures.expected - start->figures.expected;
    report_.server_delivered = after->figures.delivered - start->figures.delivered;
    report_.server_skipped = after->figures.skipped - start->figures.skipped;
    report_.server_refused = after->figures.refused - start->figures.refused;
    report_.server_pending = after->figures.pending;
    return absl::OkStatus();
  }

  uint64_t Pushed() const {
    uint64_t pushed = 0;
    for (const auto& pusher : pushers_) pushed += pusher->pushed();
    return pushed;
  }

  void Stop() {
    crew_.phase.store(Phase::kStopped, std::memory_order_release);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void Collect() {
    uint64_t last_arrival_ns = measured_from_ns_;
    for (const auto& client_thread : client_threads_) {
      const ThreadReport& r = client_thread->report();
      report_.healthy += client_thread->ledger().healthy();
      report_.stalled += client_thread->ledger().stalled();
      report_.foreign += r.foreign;
      report_.bad_bytes += r.bad_bytes;
      report_.disconnected += r.disconnected;
      report_.disconnected_stalled += r.disconnected_stalled;
      report_.reconnects += r.reconnects;
      report_.heartbeats += r.heartbeats;
      report_.heartbeat_replies += r.heartbeat_replies;
      report_.measured += r.measured;
      report_.reads += r.reads;
      report_.read_bytes += r.read_bytes;
      report_.latency_ns.Merge(r.latency_ns);
      report_.login_latency_ns.Merge(r.login_ns);
      report_.heartbeat_latency_ns.Merge(r.heartbeat_ns);
      last_arrival_ns = std::max(last_arrival_ns, r.last_arrival_ns);
    }
    report_.measured_ns = last_arrival_ns - measured_from_ns_;
    report_.not_back = Sum(&Gauges::away) + Sum(&Gauges::failed);
    report_.pushed = Pushed();
    for (uint32_t client = 0; client < options_.clients; ++client) {
      report_.stalled_clients += plan_.Stalled(client) ? 1 : 0;
    }
    for (const auto& pusher : pushers_) {
      report_.taken += pusher->totals().taken;
      report_.taken_known = report_.taken_known && pusher->totals().taken_known;
      report_.push_failed += pusher->totals().failed;
      report_.stuck = report_.stuck || pusher->stuck();
      if (report_.push_error.empty()) report_.push_error = pusher->totals().first_error;
    }
    CompareOrders();
  }

  // A room numbers its messages, so all of its members see one order, whoever pushed. What was lost
  // changes the digest too: then there is nothing to compare.
  void CompareOrders() {
    if (options_.to != To::kRoom || report_.healthy.lost > 0) return;
    std::vector<uint64_t> orders(plan_.targets(), 0);
    for (const auto& client_thread : client_threads_) {
      for (uint32_t local = 0; local < client_thread->clients(); ++local) {
        if (!client_thread->ledger().comparable(local)) continue;
        uint64_t& order = orders[plan_.TargetOf(client_thread->NumberOf(local))];
        const uint64_t seen = client_thread->ledger().order(local);
        if (order == 0) order = seen;
        if (order != seen) ++report_.order_differs;
      }
    }
  }

  const LoadOptions options_;
  Plan plan_;
  const Server server_;
  Crew crew_;
  const SoftirqClock softirq_;
  std::vector<std::unique_ptr<PushPort>> ports_;  // until the pushers own them
  std::vector<std::unique_ptr<Pusher>> pushers_;
  std::vector<std::unique_ptr<ClientThread>> client_threads_;
  std::vector<std::thread> threads_;
  RunReport report_;
  uint64_t measured_from_ns_ = 0;
  uint64_t next_progress_ns_ = 0;
};

}  // namespace

absl::StatusOr<RunReport> RunLoad(const LoadOptions& options) {
  return RunLoad(options, {OpenGoimProtocol, OpenPushPort});
}

absl::StatusOr<RunReport> RunLoad(const LoadOptions& options, Server server) {
  absl::StatusOr<Address> address = ParseAddress(options.clients_address);
  if (!address.ok()) return address.status();
  absl::StatusOr<std::vector<Address>> sources = SourcesFor(options, *address);
  if (!sources.ok()) return sources.status();
  const absl::StatusOr<uint32_t> threads = ThreadsFor(options);
  if (!threads.ok()) return threads.status();
  return Run(options, *threads, *std::move(address), *std::move(sources), std::move(server)).Go();
}

}  // namespace halley::load
