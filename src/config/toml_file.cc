#include "config/toml_file.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "config/small_file.h"

// toml++ as this file's own code: Debian's library is built to throw. Its assertions are left out,
// and so are the assumptions it makes in their place under NDEBUG: in 3.3.0 some of them fail for
// malformed files ("[" and a line break), which the code below them refuses properly.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace halley::config {
namespace {

// Of sections: [room.live] is the deepest.
constexpr int kDepthMax = 2;

struct Placed {
  toml::source_position position;
  TomlSetting setting;
};

// Debian's abseil has a string_view of its own.
absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

std::string At(const std::string& path, const toml::source_position& position) {
  return absl::StrCat(path, ":", position.line, ":", position.column);
}

absl::string_view TypeName(toml::node_type type) {
  switch (type) {
    case toml::node_type::none: return "no value";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a floating-point number";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
  }
  return "no value";
}

void Append(const std::string& path, absl::string_view section, const toml::table& table,
            int depth, std::vector<Placed>* out) {
  for (const auto& [key, node] : table) {
    Placed placed;
    placed.position = key.source().begin;
    placed.setting.section = std::string(section);
    placed.setting.name = std::string(key.str());
    placed.setting.key_at = At(path, placed.position);
    placed.setting.value_at = At(path, node.source().begin);
    if (const auto* integer = node.as_integer()) {
      placed.setting.value = integer->get();
    } else if (const auto* text = node.as_string()) {
      placed.setting.value = text->get();
    } else {
      placed.setting.value = TomlOther{TypeName(node.type()), node.is_table()};
    }
    const std::string inner_section =
        section.empty() ? placed.setting.name : absl::StrCat(section, ".", placed.setting.name);
    out->push_back(std::move(placed));
    const toml::table* inner = node.as_table();
    if (depth < kDepthMax && inner != nullptr) {
      Append(path, inner_section, *inner, depth + 1, out);
    }
  }
}

// What the parser saw at its end is left out: it may be a secret somebody forgot to quote.
absl::string_view WithoutInput(absl::string_view description) {
  return description.substr(0, description.find(", saw "));
}

bool IsEarlier(const Placed& a, const Placed& b) {
  return std::pair(a.position.line, a.position.column) <
         std::pair(b.position.line, b.position.column);
}

}  // namespace

absl::StatusOr<std::vector<TomlSetting>> ReadTomlFile(const std::string& path) {
  const absl::StatusOr<std::string> content = ReadSmallFile(path, kTomlFileBytesMax);
  if (!content.ok()) return content.status();
  const toml::parse_result result =
      toml::parse(std::string_view(*content), std::string_view(path));
  if (result.failed()) {
    const toml::parse_error& error = result.error();
    return absl::InvalidArgumentError(absl::StrCat(
        At(path, error.source().begin), ": not valid TOML (",
        WithoutInput(ToAbsl(error.description())), "): correct the file at this place"));
  }
  std::vector<Placed> placed;
  Append(path, "", result.table(), 0, &placed);
  std::stable_sort(placed.begin(), placed.end(), IsEarlier);
  std::vector<TomlSetting> settings;
  settings.reserve(placed.size());
  for (Placed& each : placed) settings.push_back(std::move(each.setting));
  return settings;
}

}  // namespace halley::config
