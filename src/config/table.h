// The option table: each option's key, flags, kind, range and sentence, in one place. Loading,
// --help, --print-config and README.md's table all read it. Defaults stand in options.h.
//
// A TOML key is "section.name". Every option is also a flag, "--section.name"; the few that are
// typed often have a short one besides ("--tcp").
//
// Threads    Constant; any thread.
// Ownership  Static storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "config/options.h"

namespace halley::config {

enum class Kind : uint8_t {
  kCount,
  kBytes,
  kMilliseconds,
  kSeconds,
  kAddresses,  // config/address.h
  kCpus,       // config/cpu_list.h
  kOrigins,    // config/origin_list.h
  kTokens,     // likewise
  kNetworks,   // config/network_list.h
  kChoice,     // one of `choices`
  kText,       // any text
  kSecret,     // text that is never printed, not even in an error
  kFile,       // a path, from the working directory
  kFiles,      // several, separated by commas
};

struct OptionSpec {
  absl::string_view section;
  absl::string_view name;
  absl::string_view short_flag;  // empty: only --section.name
  Kind kind;
  uint32_t min = 0;  // of a number
  uint32_t max = 0;  // of a number, or of a text's bytes
  absl::Span<const absl::string_view> choices;  // of kChoice
  absl::string_view help;
  // Where it stands in Options: a number, a text, or an enumeration by index into `choices`.
  uint32_t& (*number)(Options&) = nullptr;
  std::string& (*text)(Options&) = nullptr;
  void (*choose)(Options&, size_t index) = nullptr;
  size_t (*chosen)(const Options&) = nullptr;

  std::string Key() const;   // "listen.tcp"
  std::string Flag() const;  // "--listen.tcp"
};

// Flags that are no options: what they ask for happens instead of serving, --config aside.
struct CommandSpec {
  absl::string_view flag;
  absl::string_view value;  // the value's name in --help; empty: takes none
  absl::string_view help;
};

inline constexpr absl::string_view kConfigFlag = "--config";
inline constexpr absl::string_view kCheckConfigFlag = "--check-config";
inline constexpr absl::string_view kDoctorFlag = "--doctor";
inline constexpr absl::string_view kPrintConfigFlag = "--print-config";
inline constexpr absl::string_view kVersionFlag = "--version";
inline constexpr absl::string_view kHelpFlag = "--help";

// In the order of options.h; sections are not interleaved.
absl::Span<const OptionSpec> OptionTable();
absl::Span<const CommandSpec> CommandTable();

// Null when there is none.
const OptionSpec* FindKey(absl::string_view section, absl::string_view name);
const OptionSpec* FindFlag(absl::string_view flag);
bool IsSection(absl::string_view section);

std::vector<absl::string_view> Sections();
std::vector<std::string> AllKeys();
std::vector<std::string> AllFlags();

}  // namespace halley::config
