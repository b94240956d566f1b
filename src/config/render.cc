#include "config/render.h"

#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "config/reload.h"
#include "config/table.h"
#include "config/value.h"

namespace halley::config {
namespace {

constexpr size_t kColumnsMax = 100;
constexpr size_t kTextColumn = 46;

// What an option is without file and flags; nothing for a secret, whose default is none.
std::string RenderDefault(const OptionSpec& spec) {
  return spec.kind == Kind::kSecret ? "" : RenderValue(spec, Options());
}

absl::string_view ValueName(Kind kind) {
  switch (kind) {
    case Kind::kCount: return "COUNT";
    case Kind::kBytes: return "BYTES";
    case Kind::kMilliseconds:
    case Kind::kSeconds: return "TIME";
    case Kind::kAddresses: return "ADDRESSES";
    case Kind::kCpus: return "CPUS";
    case Kind::kOrigins: return "ORIGINS";
    case Kind::kTokens: return "NAMES";
    case Kind::kNetworks: return "NETWORKS";
    case Kind::kChoice: return "CHOICE";
    case Kind::kSecret:
    case Kind::kText: return "TEXT";
    case Kind::kFile: return "FILE";
    case Kind::kFiles: return "FILES";
  }
  return "";
}

// Breaks `text` at spaces into the right-hand column.
void AppendWrapped(absl::string_view text, std::string* out) {
  size_t column = kTextColumn;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (column > kTextColumn && column + 1 + word.size() > kColumnsMax) {
      absl::StrAppend(out, "\n", std::string(kTextColumn, ' '));
      column = kTextColumn;
    }
    if (column > kTextColumn) {
      out->push_back(' ');
      ++column;
    }
    absl::StrAppend(out, word);
    column += word.size();
  }
  out->push_back('\n');
}

void AppendHelpRow(std::string left, absl::string_view help, std::string* out) {
  if (left.size() + 1 > kTextColumn) {
    absl::StrAppend(out, left, "\n");
    left.clear();
  }
  left.resize(kTextColumn, ' ');
  out->append(left);
  AppendWrapped(help, out);
}

std::string HelpLeft(const OptionSpec& spec) {
  const absl::string_view short_flag = spec.short_flag;
  return absl::StrCat("  ", short_flag, short_flag.empty() ? "" : ", ", spec.Flag(), " ",
                      ValueName(spec.kind));
}

// "default 64KiB; 4KiB to 64MiB".
std::string DefaultAndRange(const OptionSpec& spec) {
  const std::string value = RenderDefault(spec);
  return absl::StrCat(value.empty() ? "empty" : value, " by default; ", RenderRange(spec));
}

bool IsTomlString(const OptionSpec& spec, absl::string_view value) {
  return spec.number == nullptr || value.find_first_not_of("0123456789") != absl::string_view::npos;
}

std::string Code(absl::string_view text) { return absl::StrCat("`", text, "`"); }

void AppendMarkdownRow(absl::string_view key, absl::string_view flag, absl::string_view unit,
                       absl::string_view value, absl::string_view range, absl::string_view help,
                       std::string* out) {
  absl::StrAppend(out, "| ", key, " | ", flag, " | ", unit);
  absl::StrAppend(out, " | ", value, " | ", range, " | ",
                  absl::StrReplaceAll(help, {{"|", "\\|"}}), " |\n");
}

}  // namespace

std::string RenderHelp() {
  std::string out =
      "Usage: halley [--config FILE] [--flag VALUE]...\n"
      "Serves clients until SIGTERM or SIGINT. Works without any option.\n\n"
      "A flag is written --flag VALUE or --flag=VALUE; the last one wins, and flags win over the\n"
      "file. Sizes may be written 65536 or 64KiB, times 5000 (in the option's unit), 5s or 1m30s.\n"
      "--section.name is the option `name` under [section] in the file. Options of [room] may be\n"
      "given to a type of room: [room.live] or --room.live.NAME is for ids that begin with live://.\n\n";
  for (const CommandSpec& command : CommandTable()) {
    AppendHelpRow(absl::StrCat("  ", command.flag, command.value.empty() ? "" : " ", command.value),
                  command.help, &out);
  }
  absl::string_view section;
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.section != section) absl::StrAppend(&out, "\n[", spec.section, "]\n");
    section = spec.section;
    AppendHelpRow(HelpLeft(spec), absl::StrCat(spec.help, " (", DefaultAndRange(spec), ")"), &out);
  }
  return out;
}

std::string RenderToml() {
  std::string out =
      "# Halley's options and their defaults: uncomment a line to change it.\n"
      "# Sizes may be written 65536 or \"64KiB\", times 5000 (in the option's unit) or \"5s\".\n";
  absl::string_view section;
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.section != section) absl::StrAppend(&out, "\n[", spec.section, "]\n");
    section = spec.section;
    const std::string value = RenderDefault(spec);
    absl::StrAppend(&out, "\n# ", spec.help, "\n# (", RenderRange(spec), ")\n#", spec.name, " = ");
    if (IsTomlString(spec, value)) {
      absl::StrAppend(&out, "\"", absl::CEscape(value), "\"\n");
    } else {
      absl::StrAppend(&out, value, "\n");
    }
  }
  return out;
}

std::string RenderMarkdownTable() {
  std::string out;
  AppendMarkdownRow("TOML key", "flag", "unit", "default", "range", "what it is", &out);
  AppendMarkdownRow("---", "---", "---", "---", "---", "---", &out);
  for (const OptionSpec& spec : OptionTable()) {
    const std::string value = RenderDefault(spec);
    const std::string flag = spec.short_flag.empty()
                                 ? Code(spec.Flag())
                                 : absl::StrCat(Code(spec.short_flag), ", ", Code(spec.Flag()));
    AppendMarkdownRow(Code(spec.Key()), flag, RenderUnit(spec.kind),
                      value.empty() ? "empty" : Code(value), RenderRange(spec),
                      absl::StrCat(spec.help, MayChange(spec) ? "; *reloads*" : ""), &out);
  }
  for (const CommandSpec& command : CommandTable()) {
    const std::string flag =
        command.value.empty() ? Code(command.flag)
                              : Code(absl::StrCat(command.flag, " ", command.value));
    AppendMarkdownRow("", flag, "", "", "", command.help, &out);
  }
  return out;
}

}  // namespace halley::config
