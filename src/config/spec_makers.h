// What makes the rows of table_*.cc, which alone include this: an OptionSpec for each kind of option.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "config/options.h"
#include "config/table.h"

namespace halley::config {

inline constexpr uint32_t kKiB = 1024;
inline constexpr uint32_t kMiB = 1024 * kKiB;
inline constexpr uint32_t kGiB = 1024 * kMiB;
inline constexpr uint32_t kMinuteMs = 60 * 1000;
inline constexpr uint32_t kDayMs = 24 * 60 * kMinuteMs;
inline constexpr uint32_t kTextBytesMax = 4096;
inline constexpr uint32_t kSecretBytesMax = 1024;
inline constexpr uint32_t kNameBytesMax = 256;

// Of what is on or off.
inline constexpr absl::string_view kSwitch[] = {"off", "on"};

struct Name {
  absl::string_view section;
  absl::string_view name;
  absl::string_view short_flag = "";
};

struct Range {
  uint32_t min;
  uint32_t max;
};

template <auto kSection, auto kField>
auto& At(Options& options) {
  return (options.*kSection).*kField;
}

// An option of each kind, which stands at kField of kSection of Options.
template <auto kSection, auto kField>
constexpr OptionSpec Number(Name name, Kind kind, Range range, absl::string_view help) {
  return {.section = name.section,
          .name = name.name,
          .short_flag = name.short_flag,
          .kind = kind,
          .min = range.min,
          .max = range.max,
          .choices = {},
          .help = help,
          .number = At<kSection, kField>};
}

template <auto kSection, auto kField>
constexpr OptionSpec Text(Name name, Kind kind, uint32_t bytes_max, absl::string_view help) {
  return {.section = name.section,
          .name = name.name,
          .short_flag = name.short_flag,
          .kind = kind,
          .max = bytes_max,
          .choices = {},
          .help = help,
          .text = At<kSection, kField>};
}

template <auto kSection, auto kField>
constexpr OptionSpec Choice(Name name, absl::Span<const absl::string_view> choices,
                            absl::string_view help) {
  return {.section = name.section,
          .name = name.name,
          .short_flag = name.short_flag,
          .kind = Kind::kChoice,
          .choices = choices,
          .help = help,
          .choose =
              [](Options& options, size_t index) {
                auto& field = At<kSection, kField>(options);
                field = static_cast<std::remove_reference_t<decltype(field)>>(index);
              },
          .chosen =
              [](const Options& options) {
                return static_cast<size_t>((options.*kSection).*kField);
              }};
}

// A choice that is kept as its text.
template <auto kSection, auto kField>
constexpr OptionSpec TextChoice(Name name, absl::Span<const absl::string_view> choices,
                                absl::string_view help) {
  OptionSpec spec = Text<kSection, kField>(name, Kind::kChoice, 0, help);
  spec.choices = choices;
  return spec;
}

}  // namespace halley::config
