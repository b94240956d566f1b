#include "halleyctl/args.h"

#include <charconv>
#include <string_view>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace halley::ctl {
namespace {

constexpr unsigned Bit(Command command) { return 1u << static_cast<unsigned>(command); }
constexpr unsigned kPush = Bit(Command::kPush);
constexpr unsigned kRooms = Bit(Command::kRooms);
constexpr unsigned kDrain = Bit(Command::kDrain);
constexpr unsigned kTrace = Bit(Command::kTrace);
constexpr unsigned kListen = Bit(Command::kListen);
constexpr unsigned kEverywhere = ~0u;

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(what, "; see halleyctl --help"));
}

template <typename Integer>
bool ParseNumber(std::string_view text, Integer* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

// "5" (seconds), "500ms", "1m30s".
bool ParseTime(const std::string& text, absl::Duration* value) {
  uint32_t seconds = 0;
  if (ParseNumber(text, &seconds)) {
    *value = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, value)) {
    return false;
  }
  return *value >= absl::ZeroDuration();
}

bool ParseTimeout(const std::string& text, absl::Duration* value) {
  return ParseTime(text, value) && *value > absl::ZeroDuration();
}

bool ParseOps(const std::string& text, std::vector<int32_t>* ops) {
  ops->clear();
  if (text.empty()) return true;
  for (absl::string_view item : absl::StrSplit(text, ',')) {
    if (!ParseNumber({item.data(), item.size()}, &ops->emplace_back())) return false;
  }
  return true;
}

struct Option {
  const char* name;
  unsigned commands;   // that take it
  const char* expects;  // what its value is; nullptr: it has none
  bool (*set)(const std::string& value, Args* args);
};

// Who says anything about TLS wants it.
template <std::string PushTlsOptions::*kField>
bool SetTls(const std::string& value, Args* args) {
  args->tls.*kField = value;
  return args->tls.enabled = true;
}

bool SetString(std::string* to, const std::string& value) {
  *to = value;
  return true;
}

constexpr Option kOptions[] = {
    {"push", kEverywhere, "an address",
     [](const std::string& v, Args* a) { return SetString(&a->push_address, v); }},
    {"secret-file", kEverywhere, "a file",
     [](const std::string& v, Args* a) { return SetString(&a->secret_file, v); }},
    {"timeout", kEverywhere, "a time above 0, such as 5 or 500ms",
     [](const std::string& v, Args* a) { return ParseTimeout(v, &a->timeout); }},
    {"json", kEverywhere, nullptr, [](const std::string&, Args* a) { return a->json = true; }},
    {"tls", kEverywhere, nullptr,
     [](const std::string&, Args* a) { return a->tls.enabled = true; }},
    {"tls-ca", kEverywhere, "a file", SetTls<&PushTlsOptions::ca_file>},
    {"tls-certificate", kEverywhere, "a file", SetTls<&PushTlsOptions::certificate_file>},
    {"tls-key", kEverywhere, "a file", SetTls<&PushTlsOptions::key_file>},
    {"tls-name", kEverywhere, "a host's name", SetTls<&PushTlsOptions::server_name>},
    {"op", kPush, "a 32-bit number",
     [](const std::string& v, Args* a) { return ParseNumber(v, &a->op); }},
    {"pace", kPush, "a number of messages per second",
     [](const std::string& v, Args* a) { return ParseNumber(v, &a->pace); }},
    {"batch", kPush, nullptr, [](const std::string&, Args* a) { return a->batch = true; }},
    {"confirm", kPush, "a time above 0, such as 5 or 500ms",
     [](const std::string& v, Args* a) { return ParseTimeout(v, &a->confirm); }},
    {"file", kPush, "a file",
     [](const std::string& v, Args* a) { return SetString(&a->file, v); }},
    {"limit", kRooms, "a number of rooms",
     [](const std::string& v, Args* a) { return ParseNumber(v, &a->limit); }},
    {"grace", kDrain, "a time, such as 5 or 500ms",
     [](const std::string& v, Args* a) { return ParseTime(v, &a->grace.emplace()); }},
    {"window", kDrain, "a time, such as 30 or 5m",
     [](const std::string& v, Args* a) { return ParseTime(v, &a->window.emplace()); }},
    {"seconds", kTrace, "a number of seconds above 0",
     [](const std::string& v, Args* a) { return ParseNumber(v, &a->seconds) && a->seconds > 0; }},
    {"tcp", kListen, "an address",
     [](const std::string& v, Args* a) { return SetString(&a->tcp, v); }},
    {"ws", kListen, "a URL such as ws://127.0.0.1:3102/sub",
     [](const std::string& v, Args* a) { return SetString(&a->ws, v); }},
    {"token", kListen, "a token",
     [](const std::string& v, Args* a) { return SetString(&a->token, v); }},
    {"key", kListen, "a key", [](const std::string& v, Args* a) { return SetString(&a->key, v); }},
    {"mid", kListen, "a number",
     [](const std::string& v, Args* a) { return ParseNumber(v, &a->mid); }},
    {"room", kListen, "a room id",
     [](const std::string& v, Args* a) { return SetString(&a->room, v); }},
    {"accepts", kListen, "numbers separated by commas",
     [](const std::string& v, Args* a) { return ParseOps(v, &a->accepts); }},
    {"count", kListen, "a number of messages",
     [](const std::string& v, Args* a) { return ParseNumber(v, &a->count); }},
    {"heartbeat", kListen, "a time above 0, such as 30 or 500ms",
     [](const std::string& v, Args* a) { return ParseTimeout(v, &a->heartbeat); }},
};

struct CommandName {
  const char* name;
  Command command;
};
constexpr CommandName kCommands[] = {
    {"help", Command::kHelp},     {"push", Command::kPush},     {"kick", Command::kKick},
    {"rooms", Command::kRooms},   {"online", Command::kOnline}, {"status", Command::kStatus},
    {"drain", Command::kDrain},   {"undrain", Command::kUndrain}, {"reload", Command::kReload},
    {"trace", Command::kTrace},   {"listen", Command::kListen},
};

// The command line taken apart, before anything is known of the command.
struct Words {
  std::vector<std::string> plain;
  std::vector<std::pair<const Option*, std::string>> options;
  bool help = false;
  bool version = false;
};

absl::StatusOr<Words> Split(absl::Span<const char* const> args) {
  Words words;
  bool only_plain = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string word = args[i];
    if (only_plain || word.size() < 2 || word[0] != '-') {
      words.plain.push_back(word);
      continue;
    }
    if (word == "--") {
      only_plain = true;
      continue;
    }
    words.help = words.help || word == "--help" || word == "-h";
    words.version = words.version || word == "--version";
    if (words.help || words.version) return words;
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const Option* option = nullptr;
    for (const Option& candidate : kOptions) {
      if (name == absl::StrCat("--", candidate.name)) option = &candidate;
    }
    if (option == nullptr) return Wrong(absl::StrCat("there is no option ", name));
    std::string value;
    if (equals != std::string::npos) {
      if (option->expects == nullptr) return Wrong(absl::StrCat(name, " takes no value"));
      value = word.substr(equals + 1);
    } else if (option->expects != nullptr) {
      if (++i == args.size()) return Wrong(absl::StrCat(name, " needs ", option->expects));
      value = args[i];
    }
    words.options.emplace_back(option, value);
  }
  return words;
}

absl::Status SetOptions(const Words& words, Args* args) {
  for (const auto& [option, value] : words.options) {
    if ((option->commands & Bit(args->command)) == 0) {
      return Wrong(absl::StrCat("--", option->name, " is no option of ", words.plain[0]));
    }
    if (!option->set(value, args)) {
      return Wrong(absl::StrCat("--", option->name, " needs ", option->expects, ", not '", value,
                                "'"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetTargets(std::vector<std::string> names, Args* args) {
  if (args->target != Target::kMid) {
    args->names = std::move(names);
    return absl::OkStatus();
  }
  for (const std::string& name : names) {
    if (!ParseNumber(name, &args->mids.emplace_back())) {
      return Wrong(absl::StrCat("'", name, "' is no mid: mids are whole numbers"));
    }
  }
  return absl::OkStatus();
}

// push key|mid|room TARGET... MESSAGE, push all MESSAGE; kick key|mid TARGET...
absl::Status SetPushOrKick(std::vector<std::string> plain, Args* args) {
  const bool push = args->command == Command::kPush;
  const std::string kind = plain.empty() ? "" : plain[0];
  if (kind == "key") {
    args->target = Target::kKey;
  } else if (kind == "mid") {
    args->target = Target::kMid;
  } else if (kind == "room" && push) {
    args->target = Target::kRoom;
  } else if (kind == "all" && push) {
    args->target = Target::kAll;
  } else {
    return Wrong(push ? "say what to push to: key, mid, room or all"
                      : "say what to kick: key or mid");
  }
  plain.erase(plain.begin());
  if (push && args->file.empty()) {
    const size_t targets_min = args->target == Target::kAll ? 0 : 1;
    if (plain.size() <= targets_min) {
      return Wrong(plain.size() < targets_min
                       ? "there is no target and no message"
                       : "there is no message: add TEXT, --file FILE, or - for standard input");
    }
    if (plain.back() == "-") {
      args->from_stdin = true;
    } else {
      args->text = plain.back();
    }
    plain.pop_back();
  }
  if (args->target == Target::kAll) {
    if (!plain.empty()) {
      return Wrong(absl::StrCat("push all takes a message and nothing else: what is '", plain[0],
                                "'?"));
    }
    return absl::OkStatus();
  }
  if (args->pace != 0) return Wrong("--pace is for push all");
  if (plain.empty()) return Wrong(absl::StrCat("name at least one ", kind));
  return SetTargets(std::move(plain), args);
}

// trace key K | mid M | ip A, trace off key K | mid M | ip A, trace list
absl::Status SetTrace(std::vector<std::string> plain, Args* args) {
  args->trace = TraceAct::kBegin;
  if (!plain.empty() && (plain[0] == "off" || plain[0] == "list")) {
    args->trace = plain[0] == "off" ? TraceAct::kEnd : TraceAct::kList;
    plain.erase(plain.begin());
    if (args->seconds != 0) return Wrong("--seconds is for a trace that begins");
  }
  if (args->trace == TraceAct::kList) {
    return plain.empty() ? absl::OkStatus() : Wrong(absl::StrCat("'", plain[0], "' is one word too many"));
  }
  if (plain.size() != 2 || (plain[0] != "key" && plain[0] != "mid" && plain[0] != "ip")) {
    return Wrong("say what to trace: key KEY, mid MID or ip ADDRESS");
  }
  if (plain[0] == "key") {
    args->traced.key = plain[1];
  } else if (plain[0] == "ip") {
    args->traced.ip = plain[1];
  } else if (!ParseNumber(plain[1], &args->traced.mid)) {
    return Wrong(absl::StrCat("'", plain[1], "' is no mid: mids are whole numbers"));
  }
  return absl::OkStatus();
}

absl::Status SetListen(const std::vector<std::string>& plain, Args* args) {
  if (!plain.empty()) return Wrong(absl::StrCat("listen does not know '", plain[0], "'"));
  if (args->tcp.empty() == args->ws.empty()) {
    return Wrong("say where to listen: --tcp ADDRESS or --ws URL, not both");
  }
  const bool described = !args->key.empty() || args->mid != 0 || !args->room.empty() ||
                         !args->accepts.empty();
  if (!args->token.empty() && described) {
    return Wrong("--token says it all: leave out --key, --mid, --room and --accepts");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Args> ParseArgs(absl::Span<const char* const> words) {
  absl::StatusOr<Words> split = Split(words);
  if (!split.ok()) return split.status();
  Args args;
  if (split->help) return args;
  if (split->version) {
    args.command = Command::kVersion;
    return args;
  }
  if (split->plain.empty()) {
    return Wrong("there is no command: push, kick, rooms, online, status, drain, undrain, reload, trace or listen");
  }
  const CommandName* command = nullptr;
  for (const CommandName& candidate : kCommands) {
    if (split->plain[0] == candidate.name) command = &candidate;
  }
  if (command == nullptr) return Wrong(absl::StrCat("there is no command ", split->plain[0]));
  args.command = command->command;
  if (absl::Status status = SetOptions(*split, &args); !status.ok()) return status;

  std::vector<std::string> plain(split->plain.begin() + 1, split->plain.end());
  absl::Status status;
  switch (args.command) {
    case Command::kPush:
    case Command::kKick:
      status = SetPushOrKick(std::move(plain), &args);
      break;
    case Command::kRooms:
      if (plain.size() > 1) status = Wrong("rooms takes one prefix");
      args.names = std::move(plain);
      break;
    case Command::kOnline:
      if (plain.empty()) status = Wrong("name at least one key");
      args.names = std::move(plain);
      break;
    case Command::kTrace:
      status = SetTrace(std::move(plain), &args);
      break;
    case Command::kListen:
      status = SetListen(plain, &args);
      break;
    default:
      if (!plain.empty()) status = Wrong(absl::StrCat("'", plain[0], "' is one word too many"));
  }
  if (!status.ok()) return status;
  return args;
}

const char* HelpText() {
  return R"(halleyctl: push through a Halley node, look into it, and listen as a client.

  halleyctl push key|mid|room TARGET... MESSAGE   push to keys, users or rooms
  halleyctl push all MESSAGE                      push to every client
  halleyctl kick key|mid TARGET...                close connections
  halleyctl rooms [PREFIX]                        list rooms with members
  halleyctl online KEY...                         tell which keys are logged in
  halleyctl status                                show the node's figures
  halleyctl drain                                 tell the node's clients to go, and let none in
  halleyctl undrain                               let clients in again
  halleyctl reload                                read options, certificates and keys again
  halleyctl trace key KEY | mid MID | ip ADDRESS  have the node's log tell what happens to those clients
  halleyctl trace off key KEY | mid MID | ip A    no longer
  halleyctl trace list                            show which traces are on
  halleyctl listen --tcp ADDRESS | --ws URL       log in as a client and print what arrives

MESSAGE is TEXT, --file FILE, or - for standard input. TEXT is the last word; write -- before
words that begin with a dash.

Everywhere
  --push ADDRESS       the node's push port (127.0.0.1:3108)
  --secret-file FILE   holds the node's push.secret
  --timeout TIME       how long to wait for an answer: 5 (seconds), 500ms (5)
  --json               print JSON
  --tls                the connection is inside TLS; so with each of the following, and wss://
  --tls-ca FILE        who may sign the node's certificate (the system's)
  --tls-certificate FILE, --tls-key FILE   what we show when we are asked to
  --tls-name NAME      whose certificate it must be (the address' host)

push
  --op N               op of the message, and what accept sets are asked for (1000)
  --pace N             push all: at most N messages per second (0: no pace)
  --batch              the message is complete goim frames back to back
  --confirm TIME       wait until it was delivered to all that took it, at most so long
rooms
  --limit N            list at most N rooms (the node's default)
drain
  --grace TIME         how long clients are still let in, while the node is not ready (the node's own)
  --window TIME        over how long they are then told to go, evenly (the node's own)
trace
  --seconds N          for how long: an hour at most (300)
listen
  --key KEY --mid N --room ROOM --accepts 1000,1001   who to log in as
  --token TOKEN        or the login token as it is
  --count N            end after N messages (0: never)
  --heartbeat TIME     time between heartbeats (30)

Exit codes
  0  done
  1  done, but not for every target (offline, not watching, queue full), nobody took it, or
     (--confirm) it was not delivered to all that took it
  2  the command line is wrong, or a file cannot be read
  3  cannot connect, or the connection was lost
  4  refused: secret, token or a limit
  5  no answer in time
)";
}

}  // namespace halley::ctl
