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

#include "config/load.h"
#include "gateway/check_files.h"
#include "gateway/doctor.h"
#include "gateway/gateway.h"
#include "gateway/logging.h"
#include "gateway/notifier.h"
#include "gateway/reloader.h"
#include "io/listener.h"
#include "io/sockets.h"

namespace {

using halley::gateway::Notifier;

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

void PrintAddresses(const char* name, const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) std::printf("  %-7s %s\n", name, address.c_str());
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
  if (page && !addresses.ws.empty()) {
    std::printf("open http://%s/ in a browser\n", Local(addresses.ws.front()).c_str());
  } else if (page && !addresses.wss.empty()) {
    std::printf("open https://%s/ in a browser\n", Local(addresses.wss.front()).c_str());
  }
  if (addresses.push.empty() || (addresses.ws.empty() && addresses.tcp.empty())) return;
  const size_t slash = program.rfind('/');
  const std::string ctl = program.substr(0, slash == std::string::npos ? 0 : slash + 1) + "halleyctl";
  const std::string client = addresses.ws.empty()
                                 ? "--tcp " + Local(addresses.tcp.front())
                                 : "--ws ws://" + Local(addresses.ws.front()) + "/sub";
  std::printf("or try, in two other terminals:\n  %s listen %s --room live://1\n"
              "  %s --push %s push room live://1 hello\n",
              ctl.c_str(), client.c_str(), ctl.c_str(), Local(addresses.push.front()).c_str());
}

void WarnIfOpen(const halley::config::Options& options) {
  if (options.backend.kind != halley::config::BackendKind::kEmbedded) return;
  const halley::config::ListenOptions& listen = options.listen;
  std::vector<const std::string*> lists = {&listen.tcp, &listen.tcp_tls, &listen.ws, &listen.wss,
                                           &listen.gopush_tcp, &listen.v1_tcp, &listen.v1_ws};
  if (options.gopusher.TakesUnsigned()) {
    lists.insert(lists.end(), {&listen.gopusher, &listen.gopusher_tls});
  }
  if (std::ranges::all_of(lists, [](const auto* l) { return halley::io::IsLoopbackOnly(*l); })) {
    return;
  }
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
  const bool listening = !options.listen.gopusher.empty() || !options.listen.gopusher_tls.empty();
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

// An address may be a URL whose path is nobody's business.
void TellOfAddress(const halley::remote::AddressNews& news) {
  std::string_view host = news.name;
  const size_t scheme = host.find("://");
  host = host.substr(0, host.find('/', scheme == std::string_view::npos ? 0 : scheme + 3));
  if (news.open) {
    spdlog::info("the backend at {} can be asked again", host);
  } else {
    spdlog::warn("the backend at {} cannot be asked: {}", host, news.why);
  }
}

void TellOfKeys(const absl::Status& status) {
  const std::string why(status.message().data(), status.message().size());
  if (status.ok()) {
    spdlog::info("new logins need the token keys that were fetched from jwt.jwks_url");
  } else {
    spdlog::error("the token keys in use stay: {}", why);
  }
}

void TellOfRegistry(const absl::Status& status) {
  const std::string why(status.message().data(), status.message().size());
  if (status.ok()) {
    spdlog::info("the node is registered");
  } else {
    spdlog::error("{}", why);
  }
}

void TellOfJournal(bool warning, std::string_view line) {
  spdlog::log(warning ? spdlog::level::warn : spdlog::level::info, "{}", line);
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
  const halley::config::Options& options = invocation->options;
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
  const sigset_t signals = BlockSignals();
  halley::gateway::BeginLogging(options.gateway);
  auto notifier = Notifier::Create(Notifier::ReadEnvironment(), static_cast<uint64_t>(getpid()));
  if (!notifier.ok()) return Fail(notifier.status());
  auto gateway = halley::gateway::Gateway::Create(options);
  if (!gateway.ok()) return Fail(gateway.status());
  (*gateway)->OnFetchedKeys(TellOfKeys);
  (*gateway)->OnAddressNews(TellOfAddress);
  (*gateway)->OnRegistry(TellOfRegistry);
  (*gateway)->OnJournal(TellOfJournal);
  if (absl::Status started = (*gateway)->Start(); !started.ok()) return Fail(started);

  const absl::string_view version = halley::config::Version();
  std::printf("halley %.*s: %u shards, up to %u connections\n", static_cast<int>(version.size()),
              version.data(), (*gateway)->shards(), (*gateway)->connections_max());
  PrintAddresses("tcp", (*gateway)->addresses().tcp);
  PrintAddresses("tcp_tls", (*gateway)->addresses().tcp_tls);
  PrintAddresses("ws", (*gateway)->addresses().ws);
  PrintAddresses("wss", (*gateway)->addresses().wss);
  PrintAddresses("gopush", (*gateway)->addresses().gopush);
  PrintAddresses("gopusher", (*gateway)->addresses().gopusher);
  PrintAddresses("gopusher_tls", (*gateway)->addresses().gopusher_tls);
  PrintAddresses("v1_tcp", (*gateway)->addresses().v1_tcp);
  PrintAddresses("v1_ws", (*gateway)->addresses().v1_ws);
  PrintAddresses("admin", (*gateway)->addresses().admin);
  PrintAddresses("comet_grpc", (*gateway)->addresses().comet_grpc);
  PrintAddresses("push", (*gateway)->addresses().push);
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
