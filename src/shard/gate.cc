#include "shard/gate.h"

#include <random>

#include "base/assert.h"
#include "config/network_list.h"

namespace halley::shard {
namespace {

using wire::CloseReason;

// Without a burst of its own a rate allows a second's worth at once.
base::Rate RateOf(uint32_t per_s, uint32_t burst) { return {per_s, burst == 0 ? per_s : burst}; }

AddressLimits TableOf(const config::LimitsOptions& limits) {
  AddressLimits table;
  table.addresses_max = limits.ip_table;
  table.connections = limits.ip_connections;
  table.connects = RateOf(limits.ip_connects_per_s, limits.ip_connects_burst);
  return table;
}

uint64_t RandomNumber() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

}  // namespace

Gate::Gate(const config::LimitsOptions& limits) : Gate(limits, RandomNumber()) {}

Gate::Gate(const config::LimitsOptions& limits, uint64_t secret)
    : handshakes_max_(limits.handshakes),
      rooms_max_(limits.rooms),
      messages_(RateOf(limits.messages_per_s, limits.messages_burst)),
      bytes_(RateOf(limits.bytes_per_s, limits.bytes_burst)),
      connects_(RateOf(limits.connects_per_s, limits.connects_burst)),
      trusted_(config::ParseNetworkList(limits.trusted).value()),
      table_(TableOf(limits), secret) {}

void Gate::SetLimits(const config::LimitsOptions& limits) {
  handshakes_max_.store(limits.handshakes, std::memory_order_relaxed);
  rooms_max_.store(limits.rooms, std::memory_order_relaxed);
  messages_.Set(RateOf(limits.messages_per_s, limits.messages_burst));
  bytes_.Set(RateOf(limits.bytes_per_s, limits.bytes_burst));
  connects_.Set(RateOf(limits.connects_per_s, limits.connects_burst));
  table_.SetLimits(limits.ip_connections, RateOf(limits.ip_connects_per_s, limits.ip_connects_burst));
}

CloseReason Gate::AdmitAddress(const in6_addr& ip, uint64_t now_ns, AddressKey* seat) {
  *seat = kNoAddress;
  const AddressKey key = KeyOf(ip);
  switch (table_.Enter(key, now_ns, !trusted_.Contains(ip))) {
    case Entered::kIn: *seat = key; break;
    case Entered::kFull: return CloseReason::kAddressFull;
    case Entered::kTooFast: return CloseReason::kAddressRate;
    case Entered::kNoPlace: without_place_.fetch_add(1, std::memory_order_relaxed); break;
  }
  return CloseReason::kNone;
}

CloseReason Gate::AdmitToNode(uint64_t handshakes, uint64_t now_ns) {
  const uint32_t most = handshakes_max();
  if (most > 0 && handshakes >= most) return CloseReason::kHandshakesFull;
  const base::Rate connects = connects_.Get();
  if (!connects.limited()) return CloseReason::kNone;
  const std::lock_guard lock(mutex_);
  return node_connects_.Take(connects, 1, now_ns) ? CloseReason::kNone
                                                   : CloseReason::kConnectRate;
}

bool Gate::OpenRoom() {
  const uint32_t most = rooms_max_.load(std::memory_order_relaxed);
  const uint64_t before = rooms_.fetch_add(1, std::memory_order_relaxed);
  if (most == 0 || before < most) return true;
  rooms_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void Gate::CloseRoom() {
  const uint64_t before = rooms_.fetch_sub(1, std::memory_order_relaxed);
  HALLEY_ASSERT(before > 0);
}

}  // namespace halley::shard
