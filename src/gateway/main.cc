// halley: the gateway.
#ifdef HALLEY_MIMALLOC
#include <mimalloc.h>
#endif
#include <signal.h>
#include <spdlog/spdlog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "config/listeners.h"
#include "config/load.h"
#include "gateway/check_files.h"
#include "gateway/doctor.h"
#include "gateway/gateway.h"
#include "gateway/logging.h"
#include "gateway/news.h"
#include "gateway/notifier.h"
#include "gateway/passed_sockets.h"
#include "gateway/reloader.h"
#include "io/listener.h"
#include "io/sockets.h"

namespace {

using halley::config::kListeners;
using halley::config::ListenerKind;
using halley::config::ListenerSpec;
using halley::gateway::Notifier;
using halley::gateway::PassedSockets;

// sysexits.h EX_CONFIG: the configuration or the environment does not let it start.
constexpr int kExitCannotStart = 78;
// A second signal while stopping.
constexpr int kExitImpatient = 130;

// Naming it is also what makes the linker keep it.
std::string Allocator() {
#ifdef HALLEY_MIMALLOC
  return "mimalloc " + std::to_string(mi_version());
#else
  return "the sanitizer's allocator";
#endif
}

int Fail(const absl::Status& status) {
  const std::string message(status.message().data(), status.message().size());
  std::fprintf(stderr, "halley: %s\n", message.c_str());
  return kExitCannotStart;
}

void PrintAddresses(const halley::gateway::Addresses& addresses) {
  for (const ListenerSpec& listener : kListeners) {
    for (const std::string& address : addresses[listener.list]) {
      std::printf("  %-7s %s\n", std::string(listener.name).c_str(), address.c_str());
    }
  }
}

// An address as somebody on this host can use it.
std::string Local(const std::string& address) {
  if (address.starts_with("0.0.0.0:")) return "127.0.0.1" + address.substr(7);
  if (address.starts_with("[::]:")) return "[::1]" + address.substr(4);
  return address;
}

// A page and two commands that show a message arrive.
void PrintHints(const std::string& program, const halley::gateway::Addresses& addresses,
                bool page) {
  using Listen = halley::config::ListenOptions;
  const std::vector<std::string>& tcp = addresses[&Listen::tcp];
  const std::vector<std::string>& ws = addresses[&Listen::ws];
  const std::vector<std::string>& wss = addresses[&Listen::wss];
  const std::vector<std::string>& push = addresses[&Listen::push];
  if (page && !ws.empty()) {
    std::printf("open http://%s/ in a browser\n", Local(ws.front()).c_str());
  } else if (page && !wss.empty()) {
    std::printf("open https://%s/ in a browser\n", Local(wss.front()).c_str());
  }
  if (push.empty() || (ws.empty() && tcp.empty())) return;
  const size_t slash = program.rfind('/');
  const std::string ctl = program.substr(0, slash == std::string::npos ? 0 : slash + 1) + "halleyctl";
  const std::string client = ws.empty() ? "--tcp " + Local(tcp.front())
                                        : "--ws ws://" + Local(ws.front()) + "/sub";
  std::printf("or try, in two other terminals:\n  %s listen %s --room live://1\n"
              "  %s --push %s push room live://1 hello\n",
              ctl.c_str(), client.c_str(), ctl.c_str(), Local(push.front()).c_str());
}

void WarnIfOpen(const halley::config::Options& options) {
  if (options.backend.kind != halley::config::BackendKind::kEmbedded) return;
  const bool open = std::ranges::any_of(kListeners, [&](const ListenerSpec& listener) {
    if (!listener.ForClients()) return false;
    if (listener.kind == ListenerKind::kGopusher && !options.gopusher.TakesUnsigned()) return false;
    return !halley::io::IsLoopbackOnly(options.listen.*listener.list);
  });
  if (!open) return;
  spdlog::warn(
      "the embedded backend believes whatever key and mid a client claims, and clients can come "
      "from other hosts: use it for development, listen on 127.0.0.1 only, or set backend.kind = jwt");
}

void WarnIfCometIsOpen(const halley::config::Options& options) {
  const bool loopback = halley::io::IsLoopbackOnly(options.listen.comet_grpc);
  if (loopback || !options.comet_grpc.tls_client_ca.empty()) return;
  spdlog::warn("whoever can connect to listen.comet_grpc may push to everyone, as comet_grpc.insecure is "
               "on: let only goim's job connect, or set comet_grpc.tls_client_ca");
}

// Empty when it is as one would have it.
std::string GopusherHint(const halley::config::Options& options) {
  const bool listening = std::ranges::any_of(kListeners, [&](const ListenerSpec& listener) {
    return listener.kind == ListenerKind::kGopusher && !(options.listen.*listener.list).empty();
  });
  if (!listening || !options.gopusher.app_secret.empty()) return {};
  return "without a secret nobody can sign, so logins of Gopusher 1.0 are refused, and only those of "
         "0.x are taken: set gopusher.app_secret_file";
}

// Blocks the signals in every thread that is started after it; they are taken by WaitForSignal().
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

uint64_t MonotonicUs() { return halley::io::MonotonicNowNs() / 1000; }

enum class Stage { kServing, kDraining, kClosing };

// A signal to end: drains, if that is wanted; another one goes a stage further.
Stage OnEnd(halley::gateway::Gateway& gateway, int signal_number, Stage stage) {
  if (stage == Stage::kClosing) {
    spdlog::warn("another signal: leaving at once");
    spdlog::shutdown();
    _exit(kExitImpatient);
  }
  if (stage == Stage::kServing && gateway.BeginDrain()) {
    spdlog::info("{}: draining; another signal ends that", strsignal(signal_number));
    return Stage::kDraining;
  }
  spdlog::info("{}: closing", strsignal(signal_number));
  gateway.RequestStop();
  return Stage::kClosing;
}

// Waits for the end, and takes signals until then.
int WaitForEnd(halley::gateway::Gateway& gateway, halley::gateway::Reloader& reloader,
               const sigset_t& signals, Notifier& notifier) {
  Stage stage = Stage::kServing;
  const auto clients = [&gateway] { return std::to_string(gateway.ConnectionsCount()) + " clients"; };
  while (!gateway.Finished()) {
    const timespec pause{0, 50'000'000};
    const int signal_number = sigtimedwait(&signals, nullptr, &pause);
    reloader.OnceAsked();
    if (signal_number == SIGHUP) {
      notifier.Reloading(MonotonicUs());
      reloader.OnHangup();
      notifier.Ready("serving " + clients());
    } else if (signal_number >= 0) {
      stage = OnEnd(gateway, signal_number, stage);
      notifier.Stopping((stage == Stage::kDraining ? "draining " : "closing ") + clients());
    } else if (stage == Stage::kDraining && gateway.Drained()) {
      spdlog::info("drained: closing");
      gateway.RequestStop();
      stage = Stage::kClosing;
    }
    // Shards that have ended have no turns.
    if (stage == Stage::kClosing) continue;
    notifier.KeepAlive(MonotonicUs(), [&gateway] { return gateway.EveryShardTurned(); },
                       [&] { return "serving " + clients(); });
  }
  gateway.Join();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::StatusOr<halley::config::Invocation> invocation = halley::config::Load(argc, argv);
  if (!invocation.ok()) return Fail(invocation.status());
  if (!invocation->print.empty()) {
    std::fputs(invocation->print.c_str(), stdout);
    return 0;
  }
  halley::config::Options& options = invocation->options;
  if (options.gateway.check_config) {
    const absl::Status checked = halley::gateway::CheckFiles(options);
    if (!checked.ok()) return Fail(checked);
    const std::string hint = GopusherHint(options);
    if (!hint.empty()) std::fprintf(stderr, "halley: %s\n", hint.c_str());
    std::puts("the configuration is good");
    return 0;
  }
  if (invocation->doctor) {
    const auto findings = halley::gateway::Examine(options);
    if (!findings.ok()) return Fail(findings.status());
    std::fputs(halley::gateway::Render(*findings).c_str(), stdout);
    return halley::gateway::AnyBad(*findings) ? 1 : 0;
  }
  // While there is no other thread that might look into it.
  const halley::gateway::PassedEnvironment environment = PassedSockets::TakeEnvironment();
  const sigset_t signals = BlockSignals();
  halley::gateway::BeginLogging(options.gateway);
  auto notifier = Notifier::Create(Notifier::ReadEnvironment(), static_cast<uint64_t>(getpid()));
  if (!notifier.ok()) return Fail(notifier.status());
  auto passed = PassedSockets::Create(environment, static_cast<uint64_t>(getpid()));
  if (!passed.ok()) return Fail(passed.status());
  if (absl::Status matched = passed->Match(&options); !matched.ok()) return Fail(matched);
  auto gateway = halley::gateway::Gateway::Create(options, *std::move(passed));
  if (!gateway.ok()) return Fail(gateway.status());
  (*gateway)->OnFetchedKeys(halley::gateway::TellOfKeys);
  (*gateway)->OnAddressNews(halley::gateway::TellOfAddress);
  (*gateway)->OnRegistry(halley::gateway::TellOfRegistry);
  (*gateway)->OfferMetrics(halley::gateway::LogMetrics);
  (*gateway)->OnJournal(halley::gateway::TellOfJournal);
  if (absl::Status started = (*gateway)->Start(); !started.ok()) return Fail(started);

  const absl::string_view version = halley::config::Version();
  std::printf("halley %.*s: %u shards, up to %u connections\n", static_cast<int>(version.size()),
              version.data(), (*gateway)->shards(), (*gateway)->connections_max());
  PrintAddresses((*gateway)->addresses());
  PrintHints(argv[0], (*gateway)->addresses(), options.websocket.page);
  std::fflush(stdout);
  WarnIfOpen(options);
  WarnIfCometIsOpen(options);
  if (const std::string hint = GopusherHint(options); !hint.empty()) spdlog::warn("{}", hint);
  if (!(*gateway)->why_not_uring().empty()) {
    spdlog::warn("using epoll in place of io_uring: {}", (*gateway)->why_not_uring());
  }
  spdlog::info("ready: {}; {}", (*gateway)->DescribeRing(), Allocator());
  halley::gateway::Reloader reloader(argc, argv, gateway->get());
  notifier->Ready("serving");
  const int code = WaitForEnd(**gateway, reloader, signals, *notifier);
  spdlog::info("closed");
  spdlog::shutdown();
  return code;
}
