#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "config/quote.h"

namespace halley::config {
namespace {

constexpr absl::string_view kCure =
    "write an IP address and a port, like 127.0.0.1:3101 or [::1]:3101";

std::optional<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port = 0;
  if (text.empty() || text.size() > 5) return std::nullopt;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  if (!absl::SimpleAtoi(text, &port) || port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

bool ParseIpv4(const std::string& host, Address* address) {
  in_addr raw;
  if (inet_pton(AF_INET, host.c_str(), &raw) != 1) return false;
  char text[INET_ADDRSTRLEN];
  address->host = inet_ntop(AF_INET, &raw, text, sizeof text);
  address->ipv6 = false;
  address->loopback = (ntohl(raw.s_addr) >> 24) == 127;
  return true;
}

bool ParseIpv6(const std::string& host, Address* address) {
  in6_addr raw;
  if (inet_pton(AF_INET6, host.c_str(), &raw) != 1) return false;
  char text[INET6_ADDRSTRLEN];
  address->host = inet_ntop(AF_INET6, &raw, text, sizeof text);
  address->ipv6 = true;
  address->loopback =
      IN6_IS_ADDR_LOOPBACK(&raw) || (IN6_IS_ADDR_V4MAPPED(&raw) && raw.s6_addr[12] == 127);
  return true;
}

std::optional<Address> ParseAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port.has_value()) return std::nullopt;
  absl::string_view host = text.substr(0, colon);
  Address address;
  address.port = *port;
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::string name(host);
  if (!(bracketed ? ParseIpv6(name, &address) : ParseIpv4(name, &address))) return std::nullopt;
  return address;
}

}  // namespace

std::string Address::ToString() const {
  return ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::StatusOr<std::vector<Address>> ParseAddresses(absl::string_view list) {
  std::vector<Address> addresses;
  if (absl::StripAsciiWhitespace(list).empty()) return addresses;
  for (absl::string_view item : absl::StrSplit(list, ',')) {
    item = absl::StripAsciiWhitespace(item);
    std::optional<Address> address = ParseAddress(item);
    if (!address.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(Quote(item), " is no address: ", kCure));
    }
    if (addresses.size() == kAddressesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kAddressesMax, " addresses: keep at most that many"));
    }
    addresses.push_back(*std::move(address));
  }
  return addresses;
}

}  // namespace halley::config
