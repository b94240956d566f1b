#include "config/load.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "config/check.h"
#include "config/quote.h"
#include "config/render.h"
#include "config/room_type.h"
#include "config/small_file.h"
#include "config/suggest.h"
#include "config/table.h"
#include "config/toml_file.h"
#include "config/value.h"

namespace halley::config {
namespace {

// Not in --help: README.md's option table is made with it.
constexpr absl::string_view kPrintMarkdownFlag = "--print-options-markdown";

struct FlagSetting {
  std::string flag;  // as it was written
  std::string room_type;  // empty: none
  const OptionSpec* spec;
  absl::string_view value;
};

struct CommandLine {
  std::optional<std::string> config_file;
  bool check_config = false;
  bool doctor = false;
  std::string print;
  std::vector<FlagSetting> settings;
};

absl::Status Invalid(absl::string_view where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

absl::Status InFront(absl::string_view where, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(where, ": ", status.message()));
}

// What a command that takes no value puts on stdout; nullopt: no such command.
std::optional<std::string> Printed(absl::string_view flag) {
  if (flag == kHelpFlag) return RenderHelp();
  if (flag == kVersionFlag) return absl::StrCat("halley ", Version(), "\n");
  if (flag == kPrintConfigFlag) return RenderToml();
  if (flag == kPrintMarkdownFlag) return RenderMarkdownTable();
  return std::nullopt;
}

// Reads the arguments one by one; what they mean together is not its business.
class ArgumentReader {
 public:
  ArgumentReader(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) arguments_.emplace_back(argv[i]);
  }

  absl::StatusOr<CommandLine> Read() {
    while (next_ < arguments_.size()) {
      if (absl::Status status = ReadOne(); !status.ok()) return status;
    }
    return std::move(line_);
  }

 private:
  absl::Status ReadOne() {
    absl::string_view argument = arguments_[next_++];
    if (!absl::StartsWith(argument, "--")) {
      return Invalid(Quote(argument), "flags start with --, see halley --help");
    }
    const size_t equals = argument.find('=');
    const absl::string_view flag = argument.substr(0, equals);
    std::optional<absl::string_view> value;
    if (equals != absl::string_view::npos) value = argument.substr(equals + 1);
    if (IsSwitch(flag)) {
      return value.has_value() ? Invalid(flag, "it takes no value: write it alone")
                               : ReadSwitch(flag);
    }
    std::string room_type;
    const OptionSpec* spec = FindFlag(flag);
    if (spec == nullptr) spec = FindRoomTypeFlag(flag, &room_type);
    if (spec == nullptr && flag != kConfigFlag) {
      return Invalid(Quote(flag),
                     absl::StrCat("there is no such flag: ",
                                  DidYouMean(flag, AllFlags(), "halley --help lists all")));
    }
    if (!value.has_value()) value = TakeValue();
    if (!value.has_value()) {
      return Invalid(flag, absl::StrCat("its value is missing: write ", flag, "=",
                                        spec == nullptr ? "FILE" : "VALUE"));
    }
    if (spec == nullptr) {
      line_.config_file = std::string(*value);
    } else {
      line_.settings.push_back({std::string(flag), std::move(room_type), spec, *value});
    }
    return absl::OkStatus();
  }

  // --room.live.linger_ms
  static const OptionSpec* FindRoomTypeFlag(absl::string_view flag, std::string* room_type) {
    if (!absl::ConsumePrefix(&flag, "--")) return nullptr;
    const size_t dot = flag.rfind('.');
    const auto type = RoomTypeOf(flag.substr(0, dot));
    if (dot == absl::string_view::npos || !type.has_value() || !IsRoomTypeName(*type)) {
      return nullptr;
    }
    *room_type = std::string(*type);
    return FindKey(kRoomSection, flag.substr(dot + 1));
  }

  static bool IsSwitch(absl::string_view flag) {
    return flag == kCheckConfigFlag || flag == kHelpFlag || flag == kVersionFlag ||
           flag == kPrintConfigFlag || flag == kPrintMarkdownFlag || flag == kDoctorFlag;
  }

  absl::Status ReadSwitch(absl::string_view flag) {
    if (flag == kCheckConfigFlag) line_.check_config = true;
    if (flag == kDoctorFlag) line_.doctor = true;
    if (std::optional<std::string> printed = Printed(flag); printed.has_value()) {
      line_.print = *std::move(printed);
    }
    return absl::OkStatus();
  }

  // The next argument, unless it is a flag itself.
  std::optional<absl::string_view> TakeValue() {
    if (next_ == arguments_.size() || absl::StartsWith(arguments_[next_], "--")) {
      return std::nullopt;
    }
    return arguments_[next_++];
  }

  std::vector<absl::string_view> arguments_;
  size_t next_ = 0;
  CommandLine line_;
};

bool IsTable(const TomlSetting& setting) {
  const auto* other = std::get_if<TomlOther>(&setting.value);
  return other != nullptr && other->is_table;
}

absl::Status UnknownSection(const TomlSetting& setting) {
  return Invalid(setting.key_at,
                 absl::StrCat("there is no section ", Quote(setting.name), ": the sections are ",
                              absl::StrJoin(Sections(), ", ")));
}

absl::Status UnknownKey(const TomlSetting& setting) {
  const std::string& name = setting.name;
  if (setting.section.empty() && IsSection(name)) {
    return Invalid(setting.key_at, absl::StrCat(name, " is a section: write [", name,
                                                "] and its keys on the lines below"));
  }
  if (setting.section.empty() && absl::StrContains(name, '.')) {
    return Invalid(setting.key_at,
                   absl::StrCat(Quote(name), " is one name in TOML: write it without the quotes"));
  }
  const std::string key = setting.section.empty() ? name : absl::StrCat(setting.section, ".", name);
  return Invalid(setting.key_at,
                 absl::StrCat("there is no option ", Quote(key), ": ",
                              DidYouMean(key, AllKeys(), "halley --help lists all")));
}

absl::Status SetValue(const OptionSpec& spec, const TomlSetting& setting, Options* options) {
  if (const auto* other = std::get_if<TomlOther>(&setting.value)) {
    return absl::InvalidArgumentError(
        absl::StrCat(other->type, " does not fit: write ", KindSyntax(spec.kind)));
  }
  if (const auto* number = std::get_if<int64_t>(&setting.value)) {
    return SetFromNumber(spec, *number, options);
  }
  if (spec.kind == Kind::kCount) {
    return absl::InvalidArgumentError("a string does not fit: write a whole number");
  }
  return SetFromText(spec, std::get<std::string>(setting.value), options);
}

// [room.live], or what stands in it.
bool IsOfRoomType(const TomlSetting& setting) {
  return RoomTypeOf(setting.section).has_value() ||
         (setting.section == kRoomSection && IsTable(setting));
}

absl::Status BadRoomType(const TomlSetting& setting) {
  return Invalid(setting.key_at, absl::StrCat(Quote(setting.name),
                                              " is no name of a room type: use 1 to 32 letters, "
                                              "digits, - and _"));
}

absl::Status Apply(const TomlSetting& setting, Options* options, Origins* origins) {
  if (setting.section.empty() && IsTable(setting)) {
    return IsSection(setting.name) ? absl::OkStatus() : UnknownSection(setting);
  }
  const OptionSpec* spec = FindKey(setting.section, setting.name);
  if (spec == nullptr) return UnknownKey(setting);
  const absl::Status status = SetValue(*spec, setting, options);
  if (!status.ok()) return InFront(absl::StrCat(setting.value_at, ": ", spec->Key()), status);
  (*origins)[spec->Key()] = setting.key_at;
  return absl::OkStatus();
}

absl::Status ApplyToRoomType(const TomlSetting& setting, Options* options, Origins* origins) {
  if (setting.section == kRoomSection) {
    if (!IsRoomTypeName(setting.name)) return BadRoomType(setting);
    const absl::Status status =
        SetInRoomType(setting.name, options, [](Options*) { return absl::OkStatus(); });
    return status.ok() ? status : InFront(setting.key_at, status);
  }
  const OptionSpec* spec = FindKey(kRoomSection, setting.name);
  if (spec == nullptr) return UnknownKey(setting);
  const std::string key = absl::StrCat(setting.section, ".", setting.name);
  const absl::Status status =
      SetInRoomType(*RoomTypeOf(setting.section), options,
                    [&](Options* as_if) { return SetValue(*spec, setting, as_if); });
  if (!status.ok()) return InFront(absl::StrCat(setting.value_at, ": ", key), status);
  (*origins)[key] = setting.key_at;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TomlSetting>> ReadConfigFile(const std::string& path) {
  absl::StatusOr<std::vector<TomlSetting>> settings = ReadTomlFile(path);
  if (absl::IsNotFound(settings.status())) {
    return absl::NotFoundError(
        absl::StrCat(kConfigFlag, ": ", settings.status().message(), ", name a TOML file"));
  }
  return settings;
}

absl::Status ApplyFlag(const FlagSetting& setting, Options* options, Origins* origins) {
  const auto set = [&](Options* to) { return SetFromText(*setting.spec, setting.value, to); };
  const bool typed = !setting.room_type.empty();
  const absl::Status status =
      typed ? SetInRoomType(setting.room_type, options, set) : set(options);
  if (!status.ok()) return InFront(setting.flag, status);
  const std::string key =
      typed ? absl::StrCat(kRoomSection, ".", setting.room_type, ".", setting.spec->name)
            : setting.spec->Key();
  (*origins)[key] = setting.flag;
  return absl::OkStatus();
}

// Room types last, since they start from what [room] is in the end.
absl::Status ApplyAll(const std::vector<TomlSetting>& file, const CommandLine& line,
                      Options* options, Origins* origins) {
  absl::Status status;
  for (const bool typed : {false, true}) {
    for (const TomlSetting& setting : file) {
      if (IsOfRoomType(setting) != typed) continue;
      status = typed ? ApplyToRoomType(setting, options, origins)
                     : Apply(setting, options, origins);
      if (!status.ok()) return status;
    }
    for (const FlagSetting& setting : line.settings) {
      if (setting.room_type.empty() == typed) continue;
      status = ApplyFlag(setting, options, origins);
      if (!status.ok()) return status;
    }
  }
  return status;
}

// Reads `section`.`name` from the file that `section`.`name`_file names, if any.
absl::Status ReadSecret(absl::string_view section, absl::string_view name, Options* options,
                        const Origins& origins) {
  const OptionSpec& secret = *FindKey(section, name);
  const OptionSpec& file = *FindKey(section, absl::StrCat(name, "_file"));
  const std::string& path = file.text(*options);
  if (path.empty()) return absl::OkStatus();
  const std::string& where = origins.at(file.Key());
  if (!secret.text(*options).empty()) {
    return Invalid(where,
                   absl::StrCat(secret.Key(), " and ", file.Key(), " are both set: keep one"));
  }
  // One byte more than the longest secret, for its newline.
  absl::StatusOr<std::string> content = ReadSmallFile(path, secret.max + 1);
  if (!content.ok()) {
    return Invalid(where, absl::StrCat(file.Key(), ": ", content.status().message(),
                                       ", name a readable file with the secret in it"));
  }
  const absl::string_view text = absl::StripSuffix(*content, "\n");
  if (text.empty()) {
    return Invalid(where, absl::StrCat(file.Key(), ": ", Quote(path),
                                       " is empty: write the secret into it"));
  }
  absl::Status status = SetFromText(secret, text, options);
  return status.ok() ? status : InFront(absl::StrCat(where, ": ", file.Key()), status);
}

}  // namespace

absl::string_view Version() { return HALLEY_VERSION; }

absl::StatusOr<Invocation> Load(int argc, const char* const* argv) {
  absl::StatusOr<CommandLine> line = ArgumentReader(argc, argv).Read();
  if (!line.ok()) return line.status();
  Invocation invocation;
  invocation.print = line->print;
  invocation.doctor = line->doctor;
  if (!invocation.print.empty()) return invocation;

  Options& options = invocation.options;
  Origins origins;
  std::vector<TomlSetting> file;
  if (line->config_file.has_value()) {
    absl::StatusOr<std::vector<TomlSetting>> settings = ReadConfigFile(*line->config_file);
    if (!settings.ok()) return settings.status();
    file = *std::move(settings);
  }
  options.gateway.check_config = line->check_config;
  if (absl::Status status = ApplyAll(file, *line, &options, &origins); !status.ok()) return status;
  absl::Status secrets = ReadSecret("push", "secret", &options, origins);
  secrets.Update(ReadSecret("gopusher", "app_secret", &options, origins));
  secrets.Update(ReadSecret("admin", "token", &options, origins));
  secrets.Update(ReadSecret("http_backend", "secret", &options, origins));
  if (!secrets.ok()) return secrets;
  if (absl::Status status = CheckTogether(options, origins); !status.ok()) return status;
  return invocation;
}

}  // namespace halley::config
