// OriginPolicy: which web pages may open a WebSocket (RFC 6454, RFC 6455 10.2).
//
// A browser says in Origin what page a script came from, and sends the gateway's cookies whatever
// page that is. So where cookies come with the request, only pages of the gateway's own host may
// connect, and those that the operator names; where a token is all there is, others may, too. Own
// host and not own origin: cookies know no ports (RFC 6265 8.5), and a page in development is served
// by another program. What sends no Origin is no browser.
//
// Threads    Constant after construction; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace halley::wire {

class OriginPolicy {
 public:
  OriginPolicy() = default;
  // Each "*" (any), "https://host", "https://host:8443" or "https://*.host" (any label or labels
  // before it), in lower case. With any at all, no others may connect but pages of the gateway's own
  // host, cookies or none.
  explicit OriginPolicy(std::vector<std::string> allowed) : allowed_(std::move(allowed)) {}

  // `origin` and `host`: values of the headers. `cookies`: whether the request carries any.
  bool Allows(std::string_view origin, std::string_view host, bool cookies) const;

 private:
  std::vector<std::string> allowed_;
};

}  // namespace halley::wire
