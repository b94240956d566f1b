#include "config/node_list.h"

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/char_set.h"
#include "base/networks.h"
#include "config/quote.h"

namespace halley::config {
namespace {

constexpr size_t kNameBytesMost = 253;  // RFC 1035 2.3.4, as text

bool IsPort(absl::string_view text) {
  if (text.empty() || text.size() > 5 || text[0] == '0') return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  uint32_t port = 0;
  return absl::SimpleAtoi(text, &port) && port <= 65535;
}

bool IsHost(absl::string_view host) {
  static constexpr base::CharSet kNameChars("-._");
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    const std::string_view ip(host.data() + 1, host.size() - 2);
    return ip.find(':') != std::string_view::npos && base::ParseIp(ip).has_value();
  }
  return !host.empty() && host.size() <= kNameBytesMost &&
         kNameChars.HasAllOf({host.data(), host.size()});
}

}  // namespace

bool IsNode(absl::string_view text) {
  const size_t colon = text.rfind(':');
  return colon != absl::string_view::npos && IsHost(text.substr(0, colon)) &&
         IsPort(text.substr(colon + 1));
}

absl::StatusOr<std::vector<std::string>> ParseNodeList(absl::string_view list) {
  std::vector<std::string> nodes;
  if (absl::StripAsciiWhitespace(list).empty()) return nodes;
  for (absl::string_view item : absl::StrSplit(list, ',')) {
    item = absl::StripAsciiWhitespace(item);
    if (!IsNode(item)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quote(item), " is no host and port: write them like registry.example.com:7171, "
                       "10.0.0.1:7171 or [2001:db8::1]:7171"));
    }
    if (nodes.size() == kNodesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kNodesMax, " hosts: keep at most that many"));
    }
    nodes.emplace_back(item);
  }
  return nodes;
}

}  // namespace halley::config
