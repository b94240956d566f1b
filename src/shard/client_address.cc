#include "shard/client_address.h"

#include <optional>

#include "wire/http_text.h"

namespace halley::shard {

std::string ClientAddress(std::string peer, std::string_view forwarded_for,
                          const base::Networks& proxies) {
  if (forwarded_for.empty() || !proxies.Contains(peer)) return peer;
  std::optional<base::Endpoint> client;
  while (!forwarded_for.empty()) {
    const size_t comma = forwarded_for.rfind(',');
    const bool first = comma == std::string_view::npos;
    const std::string_view item = wire::Trimmed(forwarded_for.substr(first ? 0 : comma + 1));
    forwarded_for = forwarded_for.substr(0, first ? 0 : comma);
    if (item.empty()) continue;  // none at all (RFC 9110 5.6.1)
    const std::optional<base::Endpoint> endpoint = base::ParseEndpoint(item);
    if (!endpoint.has_value()) break;
    client = endpoint;
    if (!proxies.Contains(client->ip)) break;
  }
  return client.has_value() ? client->ToString() : peer;
}

}  // namespace halley::shard
