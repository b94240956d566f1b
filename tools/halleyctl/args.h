// The command line of halleyctl, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "halley/push_client.h"

namespace halley::ctl {

enum class Command : uint8_t {
  kHelp, kVersion, kPush, kKick, kRooms, kOnline, kStatus, kDrain, kUndrain, kReload, kTrace, kListen
};
// What `halleyctl trace` is to do.
enum class TraceAct : uint8_t { kBegin, kEnd, kList };
enum class Target : uint8_t { kKey, kMid, kRoom, kAll };

struct Args {
  Command command = Command::kHelp;
  Target target = Target::kKey;  // push and kick
  std::vector<std::string> names;  // keys or room ids; for rooms the prefix, if there is one
  std::vector<int64_t> mids;

  // What to push: one of the three.
  std::optional<std::string> text;
  std::string file;
  bool from_stdin = false;

  // Everywhere.
  std::string push_address = "127.0.0.1:3108";
  std::string secret_file;
  absl::Duration timeout = absl::Seconds(5);
  bool json = false;
  PushTlsOptions tls;  // for the connection that the command makes, whichever port it is to

  int32_t op = 1000;
  uint32_t pace = 0;
  bool batch = false;
  absl::Duration confirm = absl::ZeroDuration();
  uint32_t limit = 0;  // of rooms listed; 0: the node's default

  // drain
  std::optional<absl::Duration> grace;
  std::optional<absl::Duration> window;

  // trace
  TraceAct trace = TraceAct::kList;
  TraceTarget traced;
  uint32_t seconds = 0;  // 0: the node's default

  // listen
  std::string tcp;
  std::string ws;
  std::string token;  // as given; else one is made of the four below
  std::string key;
  int64_t mid = 0;
  std::string room;
  std::vector<int32_t> accepts;
  uint64_t count = 0;  // messages, then the end; 0: for ever
  absl::Duration heartbeat = absl::Seconds(30);
};

// `words` are the arguments without the program's name. kInvalidArgument: a sentence for the user.
absl::StatusOr<Args> ParseArgs(absl::Span<const char* const> words);

// The text of --help.
const char* HelpText();

}  // namespace halley::ctl
