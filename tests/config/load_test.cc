#include "config/load.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/render.h"
#include "config/table.h"
#include "config/temp_file.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

using Arguments = std::vector<std::string>;

absl::StatusOr<Invocation> LoadThese(const Arguments& arguments) {
  std::vector<const char*> argv = {"halley"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return Load(static_cast<int>(argv.size()), argv.data());
}

std::string Message(const Arguments& arguments) {
  return std::string(LoadThese(arguments).status().message());
}

// The error of a file with this content, without the file's name in front.
std::string FileMessage(const std::string& content) {
  const TempFile file(content);
  const std::string message = Message({"--config", file.path()});
  EXPECT_TRUE(absl::StartsWith(message, file.path())) << message;
  return message.substr(std::min(message.size(), file.path().size()));
}

TEST(Load, WithoutArgumentsEverythingIsDefault) {
  const auto invocation = LoadThese({});
  ASSERT_TRUE(invocation.ok());
  EXPECT_EQ(invocation->print, "");
  EXPECT_EQ(invocation->options.listen.tcp, "0.0.0.0:3101");
  EXPECT_EQ(invocation->options.client.idle_timeout_ms, 480'000u);
  EXPECT_FALSE(invocation->options.gateway.check_config);
}

TEST(Load, FlagsWinOverTheFileAndTheFileOverDefaults) {
  const TempFile file(
      "[listen]\ntcp = '127.0.0.1:1'\nws = '127.0.0.1:2'\n[room]\nlog_age_ms = '2s'");
  const auto invocation = LoadThese({"--tcp", "127.0.0.1:9", "--config", file.path()});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->options.listen.tcp, "127.0.0.1:9");
  EXPECT_EQ(invocation->options.listen.ws, "127.0.0.1:2");
  EXPECT_EQ(invocation->options.listen.push, "127.0.0.1:3108");
  EXPECT_EQ(invocation->options.room.log_age_ms, 2000u);
}

TEST(Load, FlagsAreWrittenEitherWayAndTheLastOneWins) {
  const auto invocation = LoadThese({"--shards=3", "--listen.backlog", "7", "--shard.shards", "4",
                                     "--check-config", "--cpus=", "--room.overflow=latest"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->options.shard.shards, 4u);
  EXPECT_EQ(invocation->options.listen.backlog, 7u);
  EXPECT_TRUE(invocation->options.gateway.check_config);
  EXPECT_EQ(invocation->options.room.overflow, RoomOverflow::kLatest);
}

uint32_t OtherNumber(const OptionSpec& spec) {
  // The largest message must fit.
  if (spec.Key() == "limits.bytes_per_s" || spec.Key() == "limits.bytes_burst") return 10'000;
  Options options;
  return spec.number(options) + 1;
}

// A value in TOML that is not the default.
std::string OtherValue(const OptionSpec& spec) {
  if (spec.number != nullptr) return absl::StrCat(OtherNumber(spec));
  if (!spec.choices.empty()) return absl::StrCat("'", spec.choices.back(), "'");
  if (spec.kind == Kind::kOrigins) return "'https://example.com'";
  if (spec.kind == Kind::kTokens) return "'chat'";
  if (spec.kind == Kind::kFiles) return "'a.pem'";
  for (const char* const nodes : {"discovery.nodes", "discovery.static_addresses", "goim.addresses"}) {
    if (spec.Key() == nodes) return "'a:1'";
  }
  if (spec.kind == Kind::kText) return absl::StrCat("'another_", spec.name, "'");
  if (spec.kind == Kind::kNetworks) return "'10.0.0.0/8'";
  return spec.kind == Kind::kCpus ? "'0-1'" : "'127.0.0.1:0'";
}

TEST(Load, EveryOptionCanStandInTheFile) {
  std::string content;
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.kind == Kind::kSecret || spec.kind == Kind::kFile) continue;
    // They do not go with the last kind of backend.
    if (spec.Key() == "jwt.keys" || spec.Key() == "jwt.jwks_url") continue;
    if (spec.Key() == "http_backend.urls") continue;
    absl::StrAppend(&content, spec.Key(), " = ", OtherValue(spec), "\n");
  }
  const TempFile file(content);
  auto invocation = LoadThese({"--config", file.path()});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  for (const OptionSpec& spec : OptionTable()) {
    SCOPED_TRACE(spec.Key());
    if (spec.number != nullptr) {
      EXPECT_EQ(spec.number(invocation->options), OtherNumber(spec));
    } else if (spec.chosen != nullptr) {
      EXPECT_EQ(spec.chosen(invocation->options), spec.choices.size() - 1);
    } else if (spec.kind == Kind::kAddresses) {
      EXPECT_EQ(spec.text(invocation->options), "127.0.0.1:0");
    }
  }
  EXPECT_EQ(invocation->options.gateway.log_level, "error");
  EXPECT_EQ(invocation->options.shard.cpus, "0-1");
}

TEST(Load, RefusesUnknownKeysWithTheirPlace) {
  EXPECT_EQ(FileMessage("[listen]\n tpc = 'x'\n"),
            ":2:2: there is no option 'listen.tpc': did you mean listen.tcp?");
  EXPECT_EQ(FileMessage("tcp = '127.0.0.1:1'\n"),
            ":1:1: there is no option 'tcp': did you mean listen.tcp?");
  EXPECT_EQ(FileMessage("\n[shard]\nidle_timeout_ms = 5\n"),
            ":3:1: there is no option 'shard.idle_timeout_ms': did you mean "
            "client.idle_timeout_ms?");
  EXPECT_EQ(FileMessage("[client.extra]\na = 1\n"),
            ":1:9: there is no option 'client.extra': halley --help lists all");
  EXPECT_EQ(FileMessage("\n[lisen]\n"),
            ":2:2: there is no section 'lisen': the sections are listen, tls, shard, io, client, "
            "backend, jwt, http_backend, goim, limits, websocket, gopush, gopusher, goim_v1, room, push, "
            "admin, comet_grpc, gateway, access_log, discovery");
  EXPECT_EQ(FileMessage("'listen.tcp' = '127.0.0.1:1'\n"),
            ":1:1: 'listen.tcp' is one name in TOML: write it without the quotes");
  EXPECT_EQ(FileMessage("gateway.check_config = true\n"),
            ":1:9: there is no option 'gateway.check_config': halley --help lists all");
}

TEST(Load, RefusesWrongTypesWithTheirPlace) {
  EXPECT_EQ(FileMessage("[listen]\ntcp = 3101\n"),
            ":2:7: listen.tcp: the number 3101 does not fit: write a string of addresses like "
            "\"127.0.0.1:3101, [::1]:3101\"");
  EXPECT_EQ(FileMessage("[shard]\n\nshards = '4'\n"),
            ":3:10: shard.shards: a string does not fit: write a whole number");
  EXPECT_EQ(FileMessage("[room]\nlog_bytes = 1e6\n"),
            ":2:13: room.log_bytes: a floating-point number does not fit: write a number of "
            "bytes, or a string like \"64KiB\"");
  EXPECT_EQ(FileMessage("[client]\nidle_timeout_ms = true\n"),
            ":2:19: client.idle_timeout_ms: a boolean does not fit: write a number of "
            "milliseconds, or a string like \"1m30s\"");
  EXPECT_EQ(FileMessage("listen = 3\n"),
            ":1:1: listen is a section: write [listen] and its keys on the lines below");
  EXPECT_EQ(FileMessage("[[room]]\n"),
            ":1:3: room is a section: write [room] and its keys on the lines below");
  EXPECT_EQ(FileMessage("[push]\nsecret = ['hunter2']\n"),
            ":2:10: push.secret: an array does not fit: write a string");
}

TEST(Load, RefusesValuesOutOfRangeWithTheirPlace) {
  EXPECT_EQ(FileMessage("[client]\nidle_timeout_ms = '25h'\n"),
            ":2:19: client.idle_timeout_ms: '25h' is out of range: set 10ms to 24h");
  EXPECT_EQ(FileMessage("[client]\nops = -1\n"),
            ":2:7: client.ops: -1 is out of range: set 1 to 1024");
  EXPECT_EQ(FileMessage("[shard]\ncpus = '3-1'\n"),
            ":2:8: shard.cpus: '3-1' is no CPU list: write numbers from 0 to 1023 like 0-3,8");
}

// The earliest line is told, whatever order the parser keeps keys in.
TEST(Load, TellsTheFirstOfSeveralMistakes) {
  EXPECT_TRUE(absl::StartsWith(FileMessage("[room]\nzzz = 1\n[client]\naaa = 1\n"), ":2:1: "));
}

TEST(Load, TellsABrokenRuleAtThePlaceThatBrokeIt) {
  EXPECT_EQ(FileMessage("[room]\n\nlog_bytes = '64KiB'\n"),
            ":3:1: room.log_bytes (65536) is less than twice push.body_bytes: raise it to 524288 "
            "or more");
  const TempFile file("[room]\nlog_bytes = '64KiB'\n");
  EXPECT_EQ(Message({"--config", file.path(), "--push.body_bytes=32KiB"}), "");
  EXPECT_EQ(Message({"--push", "0.0.0.0:3108"}),
            "--push: listen.push names 0.0.0.0:3108, which others can reach, but there is no "
            "secret: set push.secret_file or push.tls_client_ca, or listen on 127.0.0.1");
}

TEST(Load, RefusesWrongFlags) {
  EXPECT_EQ(Message({"--client-idle-timeout-ms", "5"}),
            "'--client-idle-timeout-ms': there is no such flag: did you mean "
            "--client.idle_timeout_ms?");
  EXPECT_EQ(Message({"--zzzzzzzzzz"}),
            "'--zzzzzzzzzz': there is no such flag: halley --help lists all");
  EXPECT_EQ(Message({"--tcp"}), "--tcp: its value is missing: write --tcp=VALUE");
  EXPECT_EQ(Message({"--config", "--check-config"}),
            "--config: its value is missing: write --config=FILE");
  EXPECT_EQ(Message({"--check-config=yes"}), "--check-config: it takes no value: write it alone");
  EXPECT_EQ(Message({"serve"}), "'serve': flags start with --, see halley --help");
  EXPECT_EQ(Message({"-v"}), "'-v': flags start with --, see halley --help");
  EXPECT_EQ(Message({"--shards", "257"}), "--shards: '257' is out of range: set 0 to 256");
  EXPECT_EQ(Message({"--shards="}), "--shards: '' does not fit: write a whole number");
}

TEST(Load, RefusesAMissingFile) {
  EXPECT_EQ(Message({"--config", "no_such.toml"}),
            "--config: cannot read 'no_such.toml': No such file or directory, name a TOML file");
  EXPECT_EQ(Message({"--config="}),
            "--config: cannot read '': No such file or directory, name a TOML file");
}

TEST(Load, ReadsTheSecretFromAFile) {
  const TempFile file("correct horse\n");
  const auto invocation = LoadThese({"--secret-file", file.path(), "--push=0.0.0.0:3108"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->options.push.secret, "correct horse");
}

TEST(Load, ReadsGopushersSecretFromAFile) {
  const TempFile file("correct horse\n");
  const auto invocation = LoadThese({"--gopusher.app_secret_file", file.path()});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->options.gopusher.app_secret, "correct horse");
  EXPECT_EQ(invocation->options.push.secret, "");
  EXPECT_FALSE(invocation->options.gopusher.TakesUnsigned());
  EXPECT_EQ(FileMessage("[gopusher]\napp_secret = 'a'\napp_secret_file = 'b'\n"),
            ":3:1: gopusher.app_secret and gopusher.app_secret_file are both set: keep one");
}

TEST(Load, TheSecretFileHasALimit) {
  const std::string longest(1024, 'x');
  EXPECT_EQ(Message({"--secret-file", TempFile(longest).path()}), "");
  EXPECT_EQ(Message({"--secret-file", TempFile(longest + "\n").path()}), "");
  EXPECT_NE(Message({"--secret-file", TempFile(longest + "x").path()}), "");
  EXPECT_NE(Message({"--secret-file", TempFile(longest + "x\n").path()}), "");
}

TEST(Load, RefusesASecretFileWithoutASecret) {
  const TempFile empty("\n");
  EXPECT_EQ(Message({"--secret-file", empty.path()}),
            absl::StrCat("--secret-file: push.secret_file: '", empty.path(),
                         "' is empty: write the secret into it"));
  EXPECT_EQ(FileMessage("[push]\nsecret_file = 'no_such_file'\n"),
            ":2:1: push.secret_file: cannot read 'no_such_file': No such file or directory, name "
            "a readable file with the secret in it");
  EXPECT_EQ(FileMessage("[push]\nsecret = 'a'\nsecret_file = 'b'\n"),
            ":3:1: push.secret and push.secret_file are both set: keep one");
}

TEST(Load, NeverPrintsASecret) {
  const std::string secret = "hunter2hunter2";
  const TempFile twice(absl::StrCat("[push]\nsecret = '", secret, "'\nsecret_file = 'x'\n"));
  EXPECT_FALSE(absl::StrContains(Message({"--config", twice.path()}), secret));
  EXPECT_FALSE(absl::StrContains(Message({"--push.secert=" + secret}), secret));
  EXPECT_FALSE(absl::StrContains(Message({"--gopusher.app_sceret=" + secret}), secret));
  const TempFile open(absl::StrCat("[push]\nsecret = '", secret, "'\n[gopusher]\napp_secret = '",
                                   secret, "'\n"));
  const auto printed = LoadThese({"--config", open.path(), "--print-config"});
  ASSERT_TRUE(printed.ok());
  EXPECT_FALSE(absl::StrContains(printed->print, secret));
}

TEST(Load, LooksAtTheHostForThatConfiguration) {
  const auto invocation = LoadThese({"--doctor", "--listen.backlog=7"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_TRUE(invocation->doctor);
  EXPECT_EQ(invocation->options.listen.backlog, 7u);
  EXPECT_FALSE(LoadThese({})->doctor);
  EXPECT_EQ(Message({"--doctor=1"}), "--doctor: it takes no value: write it alone");
}

TEST(Load, PrintsInsteadOfServing) {
  EXPECT_EQ(LoadThese({"--help"})->print, RenderHelp());
  EXPECT_EQ(LoadThese({"--print-config"})->print, RenderToml());
  EXPECT_EQ(LoadThese({"--print-options-markdown"})->print, RenderMarkdownTable());
  EXPECT_EQ(LoadThese({"--version"})->print, absl::StrCat("halley ", Version(), "\n"));
  EXPECT_NE(Version(), "");
}

}  // namespace
}  // namespace halley::config
