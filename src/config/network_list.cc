#include "config/network_list.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/quote.h"

namespace halley::config {
namespace {

constexpr absl::string_view kCure = "write them like 10.0.0.0/8, 2001:db8::/32 or 127.0.0.1";

std::optional<uint8_t> ParseLength(absl::string_view text, uint32_t most) {
  uint32_t length = 0;
  if (text.empty() || text.size() > 3 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  if (!absl::SimpleAtoi(text, &length) || length > most) return std::nullopt;
  return static_cast<uint8_t>(length);
}

bool HasBitsBehind(const base::Network& network) {
  for (uint32_t bit = network.bits; bit < 128; ++bit) {
    if ((network.prefix.s6_addr[bit / 8] >> (7 - bit % 8)) % 2 == 1) return true;
  }
  return false;
}

absl::StatusOr<base::Network> ParseNetwork(absl::string_view item) {
  const size_t slash = item.find('/');
  const absl::string_view host = item.substr(0, slash);
  const std::optional<in6_addr> ip = base::ParseIp({host.data(), host.size()});
  if (!ip.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(Quote(item), " is no network: ", kCure));
  }
  base::Network network{*ip, 128};
  if (slash == absl::string_view::npos) return network;
  // As it is written: an IPv4 address in IPv6 has the length of an IPv6 one.
  const uint8_t most = absl::StrContains(host, ":") ? 128 : 32;
  const std::optional<uint8_t> length = ParseLength(item.substr(slash + 1), most);
  if (!length.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quote(item), " has no length from 0 to ", most, ": ", kCure));
  }
  network.bits = static_cast<uint8_t>(128 - most + *length);
  if (HasBitsBehind(network)) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quote(item), " has bits beyond its length: write the network's first address"));
  }
  return network;
}

}  // namespace

absl::StatusOr<base::Networks> ParseNetworkList(absl::string_view list) {
  std::vector<base::Network> networks;
  if (absl::StripAsciiWhitespace(list).empty()) return base::Networks();
  for (absl::string_view item : absl::StrSplit(list, ',')) {
    const absl::StatusOr<base::Network> network = ParseNetwork(absl::StripAsciiWhitespace(item));
    if (!network.ok()) return network.status();
    if (networks.size() == kNetworksMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kNetworksMax, " networks: keep at most that many"));
    }
    networks.push_back(*network);
  }
  return base::Networks(std::move(networks));
}

}  // namespace halley::config
