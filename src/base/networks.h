// Internet addresses as text, and sets of networks: "10.0.0.0/8, 2001:db8::/32, 127.0.0.1".
//
// An IPv4 address is held as the IPv6 address that it is mapped to (RFC 4291 2.5.5.2), and is the
// same address in both spellings: a listener on [::] sees 10.0.0.1 as ::ffff:10.0.0.1.
//
// Threads    Networks is read-only once filled; any thread.
// Ownership  Values. Texts are borrowed for the call.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace halley::base {

// "10.0.0.1" or "2001:db8::1"; no brackets, no port, no zone.
std::optional<in6_addr> ParseIp(std::string_view text);

struct Endpoint {
  in6_addr ip{};
  uint16_t port = 0;  // 0: none was written

  std::string ToString() const;  // "10.0.0.1:5" or "[2001:db8::1]:5", the port also where it is 0
};

// "10.0.0.1", "10.0.0.1:5", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:5".
std::optional<Endpoint> ParseEndpoint(std::string_view text);

struct Network {
  in6_addr prefix{};
  uint8_t bits = 128;  // of the prefix that count; an IPv4 network's are 96 more than are written

  // IPv4 addresses are in IPv4 networks only: ::/0 is everybody who speaks IPv6.
  bool Contains(const in6_addr& ip) const;
};

class Networks {
 public:
  Networks() = default;
  explicit Networks(std::vector<Network> networks) : networks_(std::move(networks)) {}

  bool empty() const { return networks_.empty(); }
  bool Contains(const in6_addr& ip) const;
  // Of what ParseEndpoint() reads; false for any other text.
  bool Contains(std::string_view endpoint) const;

 private:
  std::vector<Network> networks_;
};

}  // namespace halley::base
