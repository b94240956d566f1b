// ReadTomlFile: what a TOML file sets, as a flat list in the order of its lines. Knows no option;
// the only place that knows toml++.
//
// Limits  A file of at most kTomlFileBytesMax bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace halley::config {

inline constexpr size_t kTomlFileBytesMax = size_t{1} << 20;

// A value that no option takes.
struct TomlOther {
  absl::string_view type;  // with its article: "a boolean", "an array", ...
  bool is_table;
};

// `[section] name = value`. Top-level keys have no section; a top-level table appears as itself,
// a TomlOther, before the keys in it.
struct TomlSetting {
  std::string section;
  std::string name;
  std::variant<int64_t, std::string, TomlOther> value;
  std::string key_at;    // "halley.toml:3:1"
  std::string value_at;  // "halley.toml:3:7"
};

absl::StatusOr<std::vector<TomlSetting>> ReadTomlFile(const std::string& path);

}  // namespace halley::config
