#include "halleyctl/halleyctl.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "config/small_file.h"
#include "halley/push_client.h"
#include "halleyctl/args.h"
#include "halleyctl/listen.h"
#include "halleyctl/push_commands.h"
#include "halleyctl/status_view.h"

namespace halley::ctl {
namespace {

ExitCode Fail(const absl::Status& status, ExitCode code, std::ostream& err) {
  err << "halleyctl: " << std::string(status.message()) << "\n";
  return code;
}

constexpr size_t kSecretBytesMax = 65536;

// The file's content without the newline at its end, as the node reads its push.secret_file.
absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  if (path.empty()) return std::string();
  absl::StatusOr<std::string> content = config::ReadSmallFile(path, kSecretBytesMax);
  if (!content.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(content.status().message(), ", name a readable file with the secret in it"));
  }
  std::string secret(absl::StripSuffix(*content, "\n"));
  if (secret.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' is empty: write the secret into it"));
  }
  return secret;
}

Outcome Call(const Args& args, PushMessage message, PushClient* client, std::ostream& out) {
  switch (args.command) {
    case Command::kPush:
      return Push(args, std::move(message), client, out);
    case Command::kKick:
      return Kick(args, client, out);
    case Command::kRooms:
      return Rooms(args, client, out);
    case Command::kOnline:
      return Online(args, client, out);
    case Command::kDrain:
    case Command::kUndrain:
      return DrainOrUndrain(args, client, out);
    case Command::kReload:
      return Reload(args, client, out);
    case Command::kTrace:
      return Trace(args, client, out);
    default:
      break;
  }
  const absl::StatusOr<NodeFigures> figures = client->Status();
  if (!figures.ok()) return figures.status();
  out << (args.json ? StatusJson(*figures) : StatusText(*figures));
  return ExitCode::kOk;
}

ExitCode CallNode(const Args& args, std::istream& in, std::ostream& out, std::ostream& err) {
  absl::StatusOr<std::string> secret = ReadSecret(args.secret_file);
  if (!secret.ok()) return Fail(secret.status(), ExitCode::kUsage, err);
  PushMessage message;
  if (args.command == Command::kPush) {
    absl::StatusOr<PushMessage> read = ReadMessage(args, in);
    if (!read.ok()) return Fail(read.status(), ExitCode::kUsage, err);
    message = *std::move(read);
  }
  PushClientOptions options;
  options.address = args.push_address;
  options.secret = *std::move(secret);
  options.tls = args.tls;
  options.connect_timeout = options.call_timeout = args.timeout;
  options.reconnect = false;
  absl::StatusOr<std::unique_ptr<PushClient>> client = PushClient::Connect(std::move(options));
  if (absl::IsInvalidArgument(client.status())) {
    return Fail(client.status(), ExitCode::kUsage, err);
  }
  if (!client.ok()) return Fail(client.status(), ExitCodeOf(client.status()), err);
  const Outcome outcome = Call(args, std::move(message), client->get(), out);
  return outcome.ok() ? *outcome : Fail(outcome.status(), ExitCodeOf(outcome.status()), err);
}

}  // namespace

ExitCode Run(absl::Span<const char* const> words, std::istream& in, std::ostream& out,
             std::ostream& err) {
  const absl::StatusOr<Args> args = ParseArgs(words);
  if (!args.ok()) return Fail(args.status(), ExitCode::kUsage, err);
  switch (args->command) {
    case Command::kHelp:
      out << HelpText();
      return ExitCode::kOk;
    case Command::kVersion:
      out << "halleyctl " << HALLEY_VERSION << "\n";
      return ExitCode::kOk;
    case Command::kListen:
      break;
    default:
      return CallNode(*args, in, out, err);
  }
  const Outcome outcome = Listen(*args, out, err);
  if (outcome.ok()) return *outcome;
  const bool usage = absl::IsInvalidArgument(outcome.status());
  return Fail(outcome.status(), usage ? ExitCode::kUsage : ExitCodeOf(outcome.status()), err);
}

}  // namespace halley::ctl
