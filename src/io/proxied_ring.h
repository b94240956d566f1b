// ProxiedRing: a Ring that takes the PROXY header (proxy_header.h) off the front of what trusted
// proxies send to its listeners, and answers PeerAddress() with the client's address in it. What
// anybody else sends is left as it is, a PROXY header too, which then is no protocol of ours.
//
// Threads    As the inner ring.
// Ownership  Owns the inner ring.
// Invariant  A descriptor is in headers_ from its accept until its header was read, closed or passed
//            on; in clients_ from then until it is closed or passed on.
// Limits     kProxyHeaderBytesMax per header.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/networks.h"
#include "io/ring_on_ring.h"

namespace halley::io {

class ProxiedRing final : public RingOnRing {
 public:
  // `listeners`: the descriptors of those that proxies connect to.
  ProxiedRing(std::unique_ptr<Ring> inner, std::vector<int> listeners, base::Networks proxies);

  void Accept(Tag tag, int listener) override;
  Received Receive(int fd, char* buffer, size_t bytes) override;
  void Close(int fd) override;
  std::string PeerAddress(int fd) override;
  [[nodiscard]] bool PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) override;
  size_t Reap(absl::Span<Completion> out) override;

 private:
  using HeaderMap = absl::flat_hash_map<int, std::string>;

  // Reads until the header is whole, and then what follows it.
  Received ReceiveHeader(HeaderMap::iterator entry, char* buffer, size_t bytes);
  void Forget(int fd);

  const std::vector<int> listeners_;
  const base::Networks proxies_;
  std::vector<bool> proxied_;  // by the accept's slot
  HeaderMap headers_;          // by descriptor: as much of the header as has come
  absl::flat_hash_map<int, std::string> clients_;  // by descriptor: who it is, as its proxy said
};

}  // namespace halley::io
