// The table's look-ups.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "config/table.h"

namespace halley::config {

std::string OptionSpec::Key() const { return absl::StrCat(section, ".", name); }

std::string OptionSpec::Flag() const { return absl::StrCat("--", section, ".", name); }

const OptionSpec* FindKey(absl::string_view section, absl::string_view name) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.section == section && spec.name == name) return &spec;
  }
  return nullptr;
}

const OptionSpec* FindFlag(absl::string_view flag) {
  if (flag.empty()) return nullptr;
  for (const OptionSpec& spec : OptionTable()) {
    if (flag == spec.short_flag || flag == spec.Flag()) return &spec;
  }
  return nullptr;
}

bool IsSection(absl::string_view section) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.section == section) return true;
  }
  return false;
}

std::vector<absl::string_view> Sections() {
  std::vector<absl::string_view> sections;
  for (const OptionSpec& spec : OptionTable()) {
    if (sections.empty() || sections.back() != spec.section) sections.push_back(spec.section);
  }
  return sections;
}

std::vector<std::string> AllKeys() {
  std::vector<std::string> keys;
  for (const OptionSpec& spec : OptionTable()) keys.push_back(spec.Key());
  return keys;
}

std::vector<std::string> AllFlags() {
  std::vector<std::string> flags;
  for (const CommandSpec& command : CommandTable()) flags.emplace_back(command.flag);
  for (const OptionSpec& spec : OptionTable()) {
    if (!spec.short_flag.empty()) flags.emplace_back(spec.short_flag);
    flags.push_back(spec.Flag());
  }
  return flags;
}

}  // namespace halley::config
