// Values: between the text or number an operator writes and a field of Options.
//
// Sizes may be written 65536 or 64KiB, durations 5000 (in the option's own unit), 5s or 1m30s. A
// refused value leaves Options as it was. Errors say what is wrong and what to write instead; the
// caller puts in front where it stands. A secret is never repeated in an error.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "config/table.h"

namespace halley::config {

absl::Status SetFromText(const OptionSpec& spec, absl::string_view text, Options* options);

// A bare number, in the option's own unit.
absl::Status SetFromNumber(const OptionSpec& spec, int64_t number, Options* options);

// What an option's value is made of, for humans: "a number of bytes, or a number with KiB ...".
absl::string_view KindSyntax(Kind kind);

// What SetFromText() reads back as the same value. Not for secrets.
std::string RenderValue(const OptionSpec& spec, const Options& options);

// "4KiB to 64MiB", "replace, refuse, allow", "at most 16 addresses".
std::string RenderRange(const OptionSpec& spec);

// "bytes", "ms", "s", "count", ...: what a bare value is in.
absl::string_view RenderUnit(Kind kind);

}  // namespace halley::config
