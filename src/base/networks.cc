#include "base/networks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace halley::base {
namespace {

constexpr uint8_t kMappedBits = 96;

std::optional<uint16_t> ParsePort(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  uint32_t port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(port);
}

}  // namespace

std::optional<in6_addr> ParseIp(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated) return std::nullopt;
  // inet_pton() would stop at a NUL and believe what stands before it.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(terminated, text.size());
  terminated[text.size()] = '\0';
  in6_addr ip{};
  if (::inet_pton(AF_INET6, terminated, &ip) == 1) return ip;
  ip = in6_addr{};
  ip.s6_addr[10] = ip.s6_addr[11] = 0xFF;
  if (::inet_pton(AF_INET, terminated, &ip.s6_addr[12]) == 1) return ip;
  return std::nullopt;
}

std::string Endpoint::ToString() const {
  char text[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_V4MAPPED(&ip)) {
    ::inet_ntop(AF_INET, &ip.s6_addr[12], text, sizeof text);
    return absl::StrCat(text, ":", port);
  }
  ::inet_ntop(AF_INET6, &ip, text, sizeof text);
  return absl::StrCat("[", text, "]:", port);
}

std::optional<Endpoint> ParseEndpoint(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    // Brackets are IPv6's.
    if (host.find(':') == std::string_view::npos) return std::nullopt;
  } else if (const size_t colon = text.find(':'); colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(std::min(colon, text.size()));
  }
  const std::optional<in6_addr> ip = ParseIp(host);
  if (!ip.has_value()) return std::nullopt;
  if (port.empty()) return Endpoint{*ip, 0};
  const std::optional<uint16_t> number =
      port[0] == ':' ? ParsePort(port.substr(1)) : std::nullopt;
  if (!number.has_value()) return std::nullopt;
  return Endpoint{*ip, *number};
}

bool Network::Contains(const in6_addr& ip) const {
  const bool of_v4 = bits >= kMappedBits && IN6_IS_ADDR_V4MAPPED(&prefix);
  if (of_v4 != IN6_IS_ADDR_V4MAPPED(&ip)) return false;
  const size_t whole = bits / 8;
  if (std::memcmp(prefix.s6_addr, ip.s6_addr, whole) != 0) return false;
  const int rest = bits % 8;
  return rest == 0 || (prefix.s6_addr[whole] ^ ip.s6_addr[whole]) >> (8 - rest) == 0;
}

bool Networks::Contains(const in6_addr& ip) const {
  return std::ranges::any_of(networks_, [&](const Network& each) { return each.Contains(ip); });
}

bool Networks::Contains(std::string_view endpoint) const {
  const std::optional<Endpoint> parsed = ParseEndpoint(endpoint);
  return parsed.has_value() && Contains(parsed->ip);
}

}  // namespace halley::base
