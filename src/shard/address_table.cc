#include "shard/address_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/assert.h"

namespace halley::shard {
namespace {

// So many slots are looked at for each address that comes: those who left go faster than others come.
constexpr uint32_t kSweepAlways = 4;
constexpr uint32_t kSlotsAtFirst = 16;

uint32_t StripesFor(uint32_t addresses) {
  return (addresses + AddressTable::kStripeAddresses - 1) / AddressTable::kStripeAddresses;
}

uint32_t StripeAddressesFor(uint32_t addresses) {
  const uint32_t stripes = StripesFor(addresses);
  if (stripes == 1) return addresses;
  const double share = static_cast<double>(addresses) / stripes;
  return static_cast<uint32_t>(share + 6 * std::sqrt(share)) + 1;
}

}  // namespace

AddressKey KeyOf(const in6_addr& ip) {
  uint64_t key = 0;
  if (IN6_IS_ADDR_V4MAPPED(&ip)) {
    // As an IPv6 network this would be within 0::/8, of which nobody has any (RFC 4291 4).
    for (int i = 12; i < 16; ++i) key = key << 8 | ip.s6_addr[i];
    return key | uint64_t{1} << 32;
  }
  for (int i = 0; i < 8; ++i) key = key << 8 | ip.s6_addr[i];
  return key <= kAddressToCome ? kAddressToCome + 1 : key;  // ::1, and nobody else
}

AddressTable::AddressTable(const AddressLimits& limits, uint64_t secret)
    : connections_(limits.connections),
      connects_(limits.connects),
      secret_(secret),
      stripe_addresses_(StripeAddressesFor(limits.addresses_max)),
      // Always some empty ones, for searches to end at.
      stripe_slots_(stripe_addresses_ + stripe_addresses_ / 3 + 1),
      stripes_(StripesFor(limits.addresses_max)) {
  HALLEY_ASSERT(limits.addresses_max > 0);
  for (Stripe& stripe : stripes_) stripe.slots.resize(std::min(kSlotsAtFirst, stripe_slots_));
}

// SplitMix64's last steps, which spread each bit over all of them.
uint64_t AddressTable::HashOf(AddressKey key) const {
  uint64_t hash = (key ^ secret_) * 0x9E3779B97F4A7C15;
  hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9;
  hash = (hash ^ hash >> 27) * 0x94D049BB133111EB;
  return hash ^ hash >> 31;
}

AddressTable::Stripe& AddressTable::StripeOf(uint64_t hash) {
  return stripes_[(hash >> 32) * stripes_.size() >> 32];
}

uint32_t AddressTable::HomeOf(const Stripe& stripe, uint64_t hash) {
  return static_cast<uint32_t>((hash & UINT32_MAX) * stripe.slots.size() >> 32);
}

uint32_t AddressTable::Seek(const Stripe& stripe, AddressKey key, uint64_t hash) {
  uint32_t at = HomeOf(stripe, hash);
  while (stripe.slots[at].key != key && stripe.slots[at].key != kNoAddress) at = After(stripe, at);
  return at;
}

// A quarter stays empty, so that searches are short.
void AddressTable::GrowForOneMore(Stripe& stripe) {
  const size_t size = stripe.slots.size();
  if (size == stripe_slots_ || stripe.used + 1 <= size / 4 * 3) return;
  const std::vector<Slot> old = std::exchange(
      stripe.slots, std::vector<Slot>(std::min<size_t>(2 * size, stripe_slots_)));
  stripe.hand = 0;
  for (const Slot& slot : old) {
    if (slot.key != kNoAddress) stripe.slots[Seek(stripe, slot.key, HashOf(slot.key))] = slot;
  }
}

Entered AddressTable::Enter(AddressKey key, uint64_t now_ns, bool limited) {
  HALLEY_ASSERT(key > kAddressToCome);
  const uint64_t hash = HashOf(key);
  Stripe& stripe = StripeOf(hash);
  const std::lock_guard lock(stripe.mutex);
  uint32_t at = Seek(stripe, key, hash);
  if (stripe.slots[at].key == kNoAddress) {
    Sweep(stripe, kSweepAlways, now_ns);
    if (stripe.used == stripe_addresses_) Sweep(stripe, kSweepFull, now_ns);
    if (stripe.used == stripe_addresses_) return Entered::kNoPlace;
    GrowForOneMore(stripe);
    at = Seek(stripe, key, hash);
    stripe.slots[at].key = key;
    ++stripe.used;
    remembered_.fetch_add(1, std::memory_order_relaxed);
  }
  Slot& slot = stripe.slots[at];
  const uint32_t connections = connections_.load(std::memory_order_relaxed);
  const base::Rate connects = connects_.Get();
  if (limited && connections > 0 && slot.open >= connections) return Entered::kFull;
  if (limited && connects.limited() && !slot.connects.Take(connects, 1, now_ns)) {
    return Entered::kTooFast;
  }
  if (slot.open++ == 0) present_.fetch_add(1, std::memory_order_relaxed);
  return Entered::kIn;
}

void AddressTable::Leave(AddressKey key) {
  const uint64_t hash = HashOf(key);
  Stripe& stripe = StripeOf(hash);
  const std::lock_guard lock(stripe.mutex);
  const uint32_t at = Seek(stripe, key, hash);
  HALLEY_ASSERT(stripe.slots[at].key == key && stripe.slots[at].open > 0);
  if (--stripe.slots[at].open > 0) return;
  present_.fetch_sub(1, std::memory_order_relaxed);
  if (!connects_.limited()) Erase(stripe, at);
}

// Forgets those among the next `slots` that have nothing to be remembered for.
void AddressTable::Sweep(Stripe& stripe, uint32_t slots, uint64_t now_ns) {
  const base::Rate connects = connects_.Get();
  for (; slots > 0; --slots) {
    Slot& slot = stripe.slots[stripe.hand];
    if (slot.key != kNoAddress && slot.open == 0 &&
        (!connects.limited() || slot.connects.IsFull(connects, now_ns))) {
      Erase(stripe, stripe.hand);  // another may stand there now: the hand stays
    } else {
      stripe.hand = After(stripe, stripe.hand);
    }
  }
}

// What stands behind it, as far as it would be looked for in the gap, closes up.
void AddressTable::Erase(Stripe& stripe, uint32_t at) {
  uint32_t gap = at;
  for (uint32_t next = After(stripe, at); stripe.slots[next].key != kNoAddress;
       next = After(stripe, next)) {
    const uint32_t home = HomeOf(stripe, HashOf(stripe.slots[next].key));
    const bool between = gap <= next ? gap < home && home <= next : gap < home || home <= next;
    if (between) continue;
    stripe.slots[gap] = stripe.slots[next];
    gap = next;
  }
  stripe.slots[gap] = {};
  --stripe.used;
  remembered_.fetch_sub(1, std::memory_order_relaxed);
}

size_t AddressTable::bytes() const {
  size_t bytes = sizeof *this + stripes_.size() * sizeof(Stripe);
  for (Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    bytes += stripe.slots.capacity() * sizeof(Slot);
  }
  return bytes;
}

}  // namespace halley::shard
