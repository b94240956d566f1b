// Whose connection it is, when a proxy stands between.
#pragma once

#include <string>
#include <string_view>

#include "base/networks.h"

namespace halley::shard {

// `peer` is who connected, as Ring::PeerAddress() says it. Only if that is one of `proxies` is
// `forwarded_for`, X-Forwarded-For's list, looked at, and from its right end, where each proxy adds
// whom it was connected by: the first that is no proxy of ours is the client, and what stands
// further left is its own invention. Where an item is no address the list ends.
// The answer has the form of `peer`; its port is 0 where the list names none.
std::string ClientAddress(std::string peer, std::string_view forwarded_for,
                          const base::Networks& proxies);

}  // namespace halley::shard
