#include "halley-load/options.h"

#include <functional>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "config/cpu_list.h"
#include "halley-load/stamp.h"
#include "halley-load/window.h"

namespace halley::load {
namespace {

using Setter = std::function<bool(absl::string_view, LoadOptions*)>;

struct Flag {
  absl::string_view name;
  absl::string_view value;  // how it is called in the help; empty: a switch
  absl::string_view help;
  Setter set;
};

template <typename T>
Setter Number(T LoadOptions::*field, T min, T max) {
  return [field, min, max](absl::string_view text, LoadOptions* options) {
    T value{};
    if (!absl::SimpleAtoi(text, &value) || value < min || value > max) return false;
    options->*field = value;
    return true;
  };
}

Setter Cpus(std::vector<uint32_t> LoadOptions::*field) {
  return [field](absl::string_view text, LoadOptions* options) {
    const absl::StatusOr<std::vector<uint32_t>> cpus = config::ParseCpuList(text);
    if (!cpus.ok() || cpus->empty()) return false;
    options->*field = *cpus;
    return true;
  };
}

bool SetAccepts(absl::string_view text, LoadOptions* options) {
  for (absl::string_view item : absl::StrSplit(text, ',')) {
    int32_t op = 0;
    if (!absl::SimpleAtoi(item, &op)) return false;
    options->accepts.push_back(op);
  }
  return true;
}

Setter Text(std::string LoadOptions::*field) {
  return [field](absl::string_view text, LoadOptions* options) {
    options->*field = std::string(text);
    return !text.empty();
  };
}

// What stands inside a JSON string and in goim's ids without being escaped.
Setter Prefix(std::string LoadOptions::*field) {
  return [field](absl::string_view text, LoadOptions* options) {
    for (const char c : text) {
      if (c < 0x21 || c > 0x7e || c == '"' || c == '\\') return false;
    }
    options->*field = std::string(text);
    return !text.empty() && text.size() <= 200;
  };
}

Setter Switch(bool LoadOptions::*field) {
  return [field](absl::string_view, LoadOptions* options) { return options->*field = true; };
}

Setter Clients(Transport transport) {
  return [transport](absl::string_view text, LoadOptions* options) {
    if (text.empty() || !options->clients_address.empty()) return false;
    options->transport = transport;
    options->clients_address = std::string(text);
    return true;
  };
}

bool SetTo(absl::string_view text, LoadOptions* options) {
  constexpr absl::string_view kNames[] = {"room", "all", "key", "mid"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (text != kNames[i]) continue;
    options->to = static_cast<To>(i);
    return true;
  }
  return false;
}

const std::vector<Flag>& Flags() {
  constexpr uint32_t kMany = 1'000'000'000;
  using O = LoadOptions;
  static const std::vector<Flag> flags = {
      {"ws", "ADDR", "WebSocket clients to this address:port", Clients(Transport::kWebSocket)},
      {"tcp", "ADDR", "TCP clients to this address:port", Clients(Transport::kTcp)},
      {"clients", "N", "how many (1000)", Number(&O::clients, 1u, 4'000'000u)},
      {"rooms", "N", "rooms they are spread over; 0: none (1)", Number(&O::rooms, 0u, 4'000'000u)},
      {"mids", "N", "users they are spread over (one each)", Number(&O::mids, 1u, 4'000'000u)},
      {"threads", "N", "client threads, each with its own descriptor table (as few as fit)",
       Number(&O::threads, 1u, 256u)},
      {"sources", "N|LIST", "source addresses: 127.0.0.1 to .N, or a list (enough)",
       Text(&O::sources)},
      {"cpus", "LIST", "pin threads to these CPUs in turn", Cpus(&O::cpus)},
      {"deflate", "", "WebSocket clients offer permessage-deflate", Switch(&O::deflate)},
      {"tls", "", "clients speak TLS, with any certificate, and a full handshake each time",
       Switch(&O::tls)},
      {"spin", "", "poll without sleeping: the server is not charged for waking us",
       Switch(&O::spin)},
      {"receive-buffer", "BYTES", "SO_RCVBUF of clients (kernel's)",
       Number(&O::receive_buffer, 0u, kMany)},
      {"connect-rate", "N", "logins per second; 0: no limit (0)",
       Number(&O::connect_rate, 0u, kMany)},
      {"connect-window", "N", "logins under way at once (256)",
       Number(&O::connect_window, 1u, 65536u)},
      {"connect-timeout-ms", "MS", "for one login (20000)",
       Number(&O::connect_timeout_ms, 1u, 3'600'000u)},
      {"heartbeat", "S", "seconds between heartbeats; 0: none (60)",
       Number(&O::heartbeat_s, 0u, 86400u)},
      {"hold", "S", "quiet seconds after the logins, whose CPU time is reported (0)",
       Number(&O::hold_s, 0u, 86400u)},
      {"room-changes", "N", "under way at once while it is held, which ends without a push (0)",
       Number(&O::room_changes, 0u, 65536u)},
      {"accepts", "LIST", "ops that clients watch (the pushed one)",
       SetAccepts},
      {"key-prefix", "TEXT", "keys are this and the client's number (drawn)",
       Prefix(&O::key_prefix)},
      {"room-prefix", "TEXT", "rooms are this and the room's number (drawn)",
       Prefix(&O::room_prefix)},
      {"push", "ADDR", "push through this push port", Text(&O::push_address)},
      {"bare", "ADDR", "push through halley-limit's control port", Text(&O::bare_address)},
      {"jwt-secret", "TEXT", "log in with JSON Web Tokens that this signs (HS256)",
       Text(&O::jwt_secret)},
      {"secret", "TEXT", "secret of the push port", Text(&O::secret)},
      {"to", "WHAT", "room, all, key or mid: each in turn (room)", SetTo},
      {"batch", "N", "keys of one push, with --to key (1)", Number(&O::batch, 1u, 65536u)},
      {"pushers", "N", "push connections (1)", Number(&O::pushers, 1u, 256u)},
      {"size", "BYTES", "body of a push (64)",
       Number(&O::size, static_cast<uint32_t>(kStampBytesMin), 1u << 20)},
      {"op", "N", "op of a push (1000)",
       Number(&O::op, 18, std::numeric_limits<int32_t>::max())},
      {"rate", "N", "pushes per second (no limit)", Number(&O::rate, 1u, kMany)},
      {"window", "N", "pushes that have not reached everybody (1 unless --rate or --churn)",
       Number(&O::window, 1u, Window::kSizeMax)},
      {"count", "N", "pushes (as many as fit into --seconds)",
       Number(&O::count, uint64_t{1}, uint64_t{kMany})},
      {"seconds", "S", "how long to push, or to hold without pushing (10)",
       Number(&O::seconds, 1u, 86400u)},
      {"warmup", "N", "pushes before the measured ones (0)", Number(&O::warmup, 0u, kMany)},
      {"stalled", "PERCENT", "clients that stop reading while it is pushed (0)",
       Number(&O::stalled, 0u, 100u)},
      {"churn", "N", "reconnects per second, with the same key (0)",
       Number(&O::churn, 0u, 1'000'000u)},
      {"drain-ms", "MS", "silence after which what is missing is lost (10000)",
       Number(&O::drain_ms, 1u, 3'600'000u)},
      {"settle-ms", "MS", "quiet time before memory is read (500)",
       Number(&O::settle_ms, 0u, 600'000u)},
      {"pid", "N", "the server's process, for its memory and CPU",
       Number(&O::pid, 1, std::numeric_limits<int32_t>::max())},
      {"softirq-cpus", "LIST", "count ksoftirqd of these CPUs as the server's CPU time",
       Cpus(&O::softirq_cpus)},
      {"seed", "N", "of the choice of stalled and reconnecting clients (1)",
       Number(&O::seed, uint64_t{0}, std::numeric_limits<uint64_t>::max())},
      {"json", "", "report as JSON", Switch(&O::json)},
      {"quiet", "", "no progress lines", Switch(&O::quiet)},
      {"help", "", "this text", Switch(&O::help)},
  };
  return flags;
}

const Flag* Find(absl::string_view name) {
  for (const Flag& flag : Flags()) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

absl::Status Check(LoadOptions* o) {
  const auto bad = [](absl::string_view text) { return absl::InvalidArgumentError(text); };
  if (o->clients_address.empty()) return bad("no server: give --ws ADDR or --tcp ADDR.");
  if (!o->push_address.empty() && !o->bare_address.empty()) {
    return bad("--push and --bare exclude each other: give one of them.");
  }
  if (o->deflate && o->transport == Transport::kTcp) {
    return bad("--deflate is WebSocket's: give --ws ADDR with it.");
  }
  if (o->accepts.empty()) o->accepts.push_back(o->op);
  if (o->mids == 0) o->mids = o->clients;
  if (o->count == 0 && o->seconds == 0 && o->room_changes == 0) o->seconds = 10;
  if (o->room_changes > 0 && (o->pushes() || o->rooms < 2 || o->hold_s == 0)) {
    return bad("--room-changes needs --hold, --rooms of at least 2, and nothing pushed.");
  }
  if (o->batch > 1 && o->to != To::kKey) return bad("--batch is of keys: give --to key.");
  if (!o->pushes()) return absl::OkStatus();

  if (o->window == 0 && o->rate == 0 && o->churn == 0) o->window = o->pushers;
  if (o->churn > 0 && (o->window > 0 || o->rate == 0)) {
    return bad("a window cannot be counted while clients come and go: give --rate with --churn.");
  }
  if (o->window > 0 && o->window < o->pushers) {
    return bad("each pusher needs one push of the window: give --window at least --pushers.");
  }
  if (o->to == To::kRoom && o->rooms == 0) return bad("--to room needs --rooms of at least 1.");
  if (!o->bare_address.empty() &&
      (o->rooms != 1 || (o->to != To::kRoom && o->to != To::kAll) || o->stalled + o->churn > 0)) {
    return bad("halley-limit sends to everybody: --bare needs --rooms 1, --to room or all, and no "
               "--stalled or --churn.");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseOptions(absl::Span<const char* const> args, LoadOptions* options) {
  for (size_t i = 0; i < args.size(); ++i) {
    absl::string_view name = args[i];
    if (name.substr(0, 2) != "--") {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", name, "\" is no option: see --help."));
    }
    name.remove_prefix(2);
    const size_t equals = name.find('=');
    absl::string_view value;
    const bool inline_value = equals != absl::string_view::npos;
    if (inline_value) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const Flag* flag = Find(name);
    if (flag == nullptr || (flag->value.empty() && inline_value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", args[i], "\" is no option: see --help."));
    }
    if (!flag->value.empty() && !inline_value) {
      if (++i == args.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", name, " needs a value: ", flag->value, ", ", flag->help, "."));
      }
      value = args[i];
    }
    if (!flag->set(value, options)) {
      return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" does not do for --", name,
                                                     ": ", flag->value, ", ", flag->help, "."));
    }
  }
  return options->help ? absl::OkStatus() : Check(options);
}

std::string HelpText() {
  std::string text =
      "halley-load: opens many goim clients, pushes to them, and checks that everything arrived.\n"
      "Exit code: 0 everything arrived, 1 something was lost, duplicated or out of order,\n"
      "           2 wrong options, 3 cannot connect.\n\n";
  for (const Flag& flag : Flags()) {
    const std::string left = absl::StrCat("  --", flag.name, flag.value.empty() ? "" : " ",
                                          flag.value);
    absl::StrAppend(&text, left, std::string(left.size() < 25 ? 25 - left.size() : 1, ' '),
                    flag.help, "\n");
  }
  return text;
}

}  // namespace halley::load
