#include "io/proxied_ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "io/proxy_header.h"

namespace halley::io {

ProxiedRing::ProxiedRing(std::unique_ptr<Ring> inner, std::vector<int> listeners,
                         base::Networks proxies)
    : RingOnRing(std::move(inner)),
      listeners_(std::move(listeners)),
      proxies_(std::move(proxies)) {}

void ProxiedRing::Accept(Tag tag, int listener) {
  if (tag.slot >= proxied_.size()) proxied_.resize(tag.slot + 1, false);
  proxied_[tag.slot] =
      std::find(listeners_.begin(), listeners_.end(), listener) != listeners_.end();
  inner_->Accept(tag, listener);
}

size_t ProxiedRing::Reap(absl::Span<Completion> out) {
  const size_t count = inner_->Reap(out);
  for (const Completion& completion : out.first(count)) {
    if (completion.tag.op != Op::kAccept || completion.outcome != Outcome::kOk) continue;
    if (!proxied_[completion.tag.slot]) continue;
    const auto fd = static_cast<int>(completion.value);
    if (proxies_.Contains(inner_->PeerAddress(fd))) headers_.try_emplace(fd);
  }
  return count;
}

Received ProxiedRing::Receive(int fd, char* buffer, size_t bytes) {
  const auto entry = headers_.find(fd);
  if (entry != headers_.end()) return ReceiveHeader(entry, buffer, bytes);
  return inner_->Receive(fd, buffer, bytes);
}

Received ProxiedRing::ReceiveHeader(HeaderMap::iterator entry, char* buffer, size_t bytes) {
  const int fd = entry->first;
  for (;;) {
    const Received received = inner_->Receive(fd, buffer, bytes);
    if (received.outcome != Outcome::kOk) return received;
    std::string& seen = entry->second;
    const size_t before = seen.size();
    seen.append(buffer, std::min(received.bytes, kProxyHeaderBytesMax - before));
    ProxyHeader header;
    switch (DecodeProxyHeader(seen, &header)) {
      case ProxyStatus::kMore: continue;
      case ProxyStatus::kBad: return {Outcome::kNotProxied, 0};
      case ProxyStatus::kDone: break;
    }
    headers_.erase(entry);
    // Where it names nobody, nobody is known: the proxy's own address would have it believed that
    // what the client says of itself is the proxy's word.
    clients_[fd] = std::move(header.source);
    const size_t used = header.bytes - before;
    const size_t left = received.bytes - used;
    std::memmove(buffer, buffer + used, left);
    // Who got less than it had room for takes the socket for empty.
    const Received more = inner_->Receive(fd, buffer + left, bytes - left);
    if (more.outcome == Outcome::kOk) return {Outcome::kOk, left + more.bytes};
    return left > 0 ? Received{Outcome::kOk, left} : more;
  }
}

std::string ProxiedRing::PeerAddress(int fd) {
  const auto client = clients_.find(fd);
  return client == clients_.end() ? inner_->PeerAddress(fd) : client->second;
}

void ProxiedRing::Forget(int fd) {
  headers_.erase(fd);
  clients_.erase(fd);
}

void ProxiedRing::Close(int fd) {
  Forget(fd);
  inner_->Close(fd);
}

bool ProxiedRing::PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) {
  if (!inner_->PassDescriptors(to_shard, out)) return false;
  for (const Passage& passage : out) Forget(passage.fd);
  return true;
}

}  // namespace halley::io
