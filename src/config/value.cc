#include "config/value.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/assert.h"
#include "config/address.h"
#include "config/cpu_list.h"
#include "config/file_list.h"
#include "config/network_list.h"
#include "config/origin_list.h"
#include "config/quote.h"

namespace halley::config {
namespace {

struct Suffix {
  absl::string_view text;
  int64_t factor;
};
// Largest first, which is also the order for rendering.
constexpr Suffix kSizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

constexpr int64_t kTooLarge = std::numeric_limits<int64_t>::max();

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// Nullopt: not a number. What does not fit is kTooLarge, and so out of every range.
std::optional<int64_t> ParseDigits(absl::string_view text) {
  if (!IsDigits(text)) return std::nullopt;
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : kTooLarge;
}

std::optional<int64_t> ParseSize(absl::string_view text) {
  for (const Suffix& size : kSizes) {
    if (!absl::EndsWith(text, size.text)) continue;
    const std::optional<int64_t> number =
        ParseDigits(text.substr(0, text.size() - size.text.size()));
    if (!number.has_value()) return std::nullopt;
    return *number > kTooLarge / size.factor ? kTooLarge : *number * size.factor;
  }
  return ParseDigits(text);
}

// In whole `unit`s; nullopt also for a fraction of one.
std::optional<int64_t> ParseDuration(absl::string_view text, absl::Duration unit) {
  if (IsDigits(text)) return ParseDigits(text);
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) return std::nullopt;
  if (absl::Trunc(duration, unit) != duration) return std::nullopt;
  absl::Duration remainder;
  return absl::IDivDuration(duration, unit, &remainder);
}

absl::Duration UnitOf(Kind kind) {
  return kind == Kind::kSeconds ? absl::Seconds(1) : absl::Milliseconds(1);
}

bool IsDuration(Kind kind) { return kind == Kind::kMilliseconds || kind == Kind::kSeconds; }

std::optional<int64_t> ParseNumber(Kind kind, absl::string_view text) {
  if (IsDuration(kind)) return ParseDuration(text, UnitOf(kind));
  return kind == Kind::kBytes ? ParseSize(text) : ParseDigits(text);
}

std::string RenderNumber(Kind kind, uint32_t number) {
  if (number == 0) return "0";
  if (IsDuration(kind)) return absl::FormatDuration(number * UnitOf(kind));
  if (kind != Kind::kBytes) return absl::StrCat(number);
  for (const Suffix& size : kSizes) {
    if (size.factor > 1 && number % size.factor == 0) {
      return absl::StrCat(number / size.factor, size.text);
    }
  }
  return absl::StrCat(number);
}

absl::Status NotA(absl::string_view shown, Kind kind) {
  return absl::InvalidArgumentError(
      absl::StrCat(shown, " does not fit: write ", KindSyntax(kind)));
}

absl::Status SetNumber(const OptionSpec& spec, int64_t number, absl::string_view shown,
                       Options* options) {
  if (number < spec.min || number > spec.max) {
    return absl::OutOfRangeError(
        absl::StrCat(shown, " is out of range: set ", RenderRange(spec)));
  }
  spec.number(*options) = static_cast<uint32_t>(number);
  return absl::OkStatus();
}

absl::Status SetChoice(const OptionSpec& spec, absl::string_view text, Options* options) {
  const auto* found = std::find(spec.choices.begin(), spec.choices.end(), text);
  if (found == spec.choices.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quote(text), " does not fit: write one of ", RenderRange(spec)));
  }
  if (spec.text != nullptr) {
    spec.text(*options) = std::string(text);
  } else {
    spec.choose(*options, static_cast<size_t>(found - spec.choices.begin()));
  }
  return absl::OkStatus();
}

// Whether the text means something to those who read it later.
absl::Status CheckText(const OptionSpec& spec, absl::string_view text) {
  if (text.size() > spec.max) {
    return absl::OutOfRangeError(
        absl::StrCat(text.size(), " bytes are too long: keep it within ", spec.max, " bytes"));
  }
  if (spec.kind == Kind::kAddresses) return ParseAddresses(text).status();
  if (spec.kind == Kind::kCpus) return ParseCpuList(text).status();
  if (spec.kind == Kind::kOrigins) return ParseOriginList(text).status();
  if (spec.kind == Kind::kTokens) return ParseTokenList(text).status();
  if (spec.kind == Kind::kFiles) return ParseFileList(text).status();
  if (spec.kind == Kind::kNetworks) return ParseNetworkList(text).status();
  return absl::OkStatus();
}

}  // namespace

absl::Status SetFromText(const OptionSpec& spec, absl::string_view text, Options* options) {
  if (spec.kind == Kind::kChoice) return SetChoice(spec, text, options);
  if (spec.number != nullptr) {
    const std::optional<int64_t> number = ParseNumber(spec.kind, text);
    if (!number.has_value()) return NotA(Quote(text), spec.kind);
    return SetNumber(spec, *number, Quote(text), options);
  }
  if (absl::Status status = CheckText(spec, text); !status.ok()) return status;
  spec.text(*options) = std::string(text);
  return absl::OkStatus();
}

absl::Status SetFromNumber(const OptionSpec& spec, int64_t number, Options* options) {
  if (spec.number != nullptr) return SetNumber(spec, number, absl::StrCat(number), options);
  if (spec.kind == Kind::kSecret) return NotA("a number", spec.kind);
  return NotA(absl::StrCat("the number ", number), spec.kind);
}

absl::string_view KindSyntax(Kind kind) {
  switch (kind) {
    case Kind::kCount: return "a whole number";
    case Kind::kBytes: return "a number of bytes, or a string like \"64KiB\"";
    case Kind::kMilliseconds: return "a number of milliseconds, or a string like \"1m30s\"";
    case Kind::kSeconds: return "a number of seconds, or a string like \"1m30s\"";
    case Kind::kAddresses: return "a string of addresses like \"127.0.0.1:3101, [::1]:3101\"";
    case Kind::kCpus: return "a string of CPUs like \"0-3,8\"";
    case Kind::kOrigins: return "a string of origins like \"https://example.com\"";
    case Kind::kTokens: return "a string of names like \"goim, chat\"";
    case Kind::kNetworks: return "a string of networks like \"10.0.0.0/8, ::1\"";
    case Kind::kChoice: return "one of the strings in the option table";
    case Kind::kText:
    case Kind::kSecret: return "a string";
    case Kind::kFile: return "a string that names a file";
    case Kind::kFiles: return "a string of files like \"a.pem, b.pem\"";
  }
  HALLEY_ASSERT(false);
}

std::string RenderValue(const OptionSpec& spec, const Options& options) {
  HALLEY_ASSERT(spec.kind != Kind::kSecret);
  if (spec.chosen != nullptr) return std::string(spec.choices[spec.chosen(options)]);
  Options copy = options;
  if (spec.text != nullptr) return spec.text(copy);
  return RenderNumber(spec.kind, spec.number(copy));
}

std::string RenderRange(const OptionSpec& spec) {
  if (spec.kind == Kind::kChoice) return absl::StrJoin(spec.choices, ", ");
  if (spec.kind == Kind::kAddresses) return absl::StrCat("at most ", kAddressesMax, " addresses");
  if (spec.kind == Kind::kCpus) return absl::StrCat("0 to ", kCpusMax - 1);
  if (spec.kind == Kind::kNetworks) return absl::StrCat("at most ", kNetworksMax, " networks");
  if (spec.text != nullptr) return absl::StrCat("at most ", spec.max, " bytes");
  return absl::StrCat(RenderNumber(spec.kind, spec.min), " to ",
                      RenderNumber(spec.kind, spec.max));
}

absl::string_view RenderUnit(Kind kind) {
  switch (kind) {
    case Kind::kCount: return "count";
    case Kind::kBytes: return "bytes";
    case Kind::kMilliseconds: return "ms";
    case Kind::kSeconds: return "s";
    case Kind::kAddresses: return "address:port";
    case Kind::kCpus: return "CPU numbers";
    case Kind::kOrigins: return "origins";
    case Kind::kTokens: return "names";
    case Kind::kNetworks: return "networks";
    case Kind::kChoice: return "word";
    case Kind::kText:
    case Kind::kSecret: return "text";
    case Kind::kFile: return "path";
    case Kind::kFiles: return "paths";
  }
  HALLEY_ASSERT(false);
}

}  // namespace halley::config
