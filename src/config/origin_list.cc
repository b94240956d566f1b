#include "config/origin_list.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/char_set.h"
#include "config/quote.h"

namespace halley::config {
namespace {

constexpr base::CharSet kHostChars("-._");

bool IsHost(absl::string_view host) {
  if (absl::ConsumePrefix(&host, "[")) {  // IPv6
    return absl::ConsumeSuffix(&host, "]") && !host.empty() &&
           std::all_of(host.begin(), host.end(), [](char c) {
             return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.';
           });
  }
  const bool wildcard = absl::ConsumePrefix(&host, "*.");
  if (wildcard && !absl::StrContains(host, ".")) return false;
  return !host.empty() && host.front() != '.' && kHostChars.HasAllOf({host.data(), host.size()});
}

// Takes ":8443" off the end; false: what stands there is no port.
bool TakePort(absl::string_view* host, absl::string_view own_port) {
  const size_t colon = host->rfind(':');
  if (colon == absl::string_view::npos || host->back() == ']') return true;
  const absl::string_view port = host->substr(colon + 1);
  uint32_t number = 0;
  const bool good = !port.empty() && port.size() <= 5 && port.front() != '0' &&
                    absl::SimpleAtoi(port, &number) && number <= 65535;
  // A browser leaves it away, so such an entry would match nobody.
  if (!good || port == own_port) return false;
  host->remove_suffix(host->size() - colon);
  return true;
}

bool IsOrigin(absl::string_view origin) {
  if (origin == "*") return true;
  absl::string_view host = origin;
  if (absl::ConsumePrefix(&host, "https://")) return TakePort(&host, "443") && IsHost(host);
  return absl::ConsumePrefix(&host, "http://") && TakePort(&host, "80") && IsHost(host);
}

bool IsToken(absl::string_view text) { return base::IsToken({text.data(), text.size()}); }

absl::StatusOr<std::vector<std::string>> ParseList(absl::string_view list,
                                                   bool (*good)(absl::string_view),
                                                   absl::string_view what) {
  std::vector<std::string> items;
  if (absl::StripAsciiWhitespace(list).empty()) return items;
  for (absl::string_view item : absl::StrSplit(list, ',')) {
    item = absl::StripAsciiWhitespace(item);
    if (!good(item)) return absl::InvalidArgumentError(absl::StrCat(Quote(item), " ", what));
    items.emplace_back(item);
  }
  return items;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseOriginList(absl::string_view list) {
  return ParseList(absl::AsciiStrToLower(list), IsOrigin,
                   "is no origin: write it like https://example.com, https://*.example.org:8443 "
                   "or *, without a path and without the scheme's own port");
}

absl::StatusOr<std::vector<std::string>> ParseTokenList(absl::string_view list) {
  return ParseList(list, IsToken, "is no name of a subprotocol: write letters, digits and -._");
}

}  // namespace halley::config
