#include "config/cpu_list.h"

#include <bitset>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "config/quote.h"

namespace halley::config {
namespace {

std::optional<uint32_t> ParseCpu(absl::string_view text) {
  uint32_t cpu = 0;
  if (text.empty() || text.size() > 4) return std::nullopt;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  if (!absl::SimpleAtoi(text, &cpu) || cpu >= kCpusMax) return std::nullopt;
  return cpu;
}

// "8" or "0-3", both ends included.
std::optional<std::pair<uint32_t, uint32_t>> ParseSpan(absl::string_view text) {
  const size_t dash = text.find('-');
  const std::optional<uint32_t> first = ParseCpu(text.substr(0, dash));
  if (!first.has_value()) return std::nullopt;
  if (dash == absl::string_view::npos) return std::pair(*first, *first);
  const std::optional<uint32_t> last = ParseCpu(text.substr(dash + 1));
  if (!last.has_value() || *last < *first) return std::nullopt;
  return std::pair(*first, *last);
}

}  // namespace

absl::StatusOr<std::vector<uint32_t>> ParseCpuList(absl::string_view list) {
  std::vector<uint32_t> cpus;
  if (absl::StripAsciiWhitespace(list).empty()) return cpus;
  std::bitset<kCpusMax> seen;
  for (absl::string_view item : absl::StrSplit(list, ',')) {
    item = absl::StripAsciiWhitespace(item);
    const std::optional<std::pair<uint32_t, uint32_t>> span = ParseSpan(item);
    if (!span.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          Quote(item), " is no CPU list: write numbers from 0 to ", kCpusMax - 1, " like 0-3,8"));
    }
    for (uint32_t cpu = span->first; cpu <= span->second; ++cpu) {
      if (seen[cpu]) {
        return absl::InvalidArgumentError(
            absl::StrCat("CPU ", cpu, " is named twice in ", Quote(list), ": name it once"));
      }
      seen[cpu] = true;
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

}  // namespace halley::config
