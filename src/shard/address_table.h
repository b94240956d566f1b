// AddressTable: of each address that clients connect from, how many connections are open and how
// fast they come. An IPv6 address counts as its /64, which one host can have all of; an IPv4 address
// is the same one in both spellings.
//
// Full is an ordinary answer: of an address that finds no place nothing is known, and what becomes of
// it is the caller's to say. Who is remembered stays until it has no connection and all its tokens
// back, so that nobody is forgotten for another's sake.
//
// Threads    Any. A stripe of the table is locked for a look at a few of its slots, and for no longer
//            than a sweep of kSweepFull of them.
// Ownership  Owns its slots. Keys are values.
// Limits     32 bytes for each slot, of which there are up to 2.7 for each address that was there at a
//            time, and in the end about 47 bytes for each of `addresses_max`. A stripe
//            has room for six standard deviations more than its share, so that so many addresses fit;
//            with up to kStripeAddresses there is one stripe, and the limit is exact. Where a key is
//            depends on a secret, so that nobody can choose addresses that are in each other's way.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/spsc_queue.h"
#include "base/token_bucket.h"

namespace halley::shard {

// 0 and 1 stand for no address.
using AddressKey = uint64_t;
inline constexpr AddressKey kNoAddress = 0;
inline constexpr AddressKey kAddressToCome = 1;

AddressKey KeyOf(const in6_addr& ip);

struct AddressLimits {
  uint32_t addresses_max = 1'000'000;
  uint32_t connections = 0;  // open ones of each; 0: without a limit
  base::Rate connects;       // of each
};

enum class Entered : uint8_t {
  kIn,          // counted, until it leaves
  kFull,        // it has as many connections as it may
  kTooFast,
  kNoPlace,     // nothing is known of it, nor remembered
};

class AddressTable {
 public:
  static constexpr uint32_t kStripeAddresses = 4096;
  static constexpr uint32_t kSweepFull = 256;

  AddressTable(const AddressLimits& limits, uint64_t secret);
  AddressTable(const AddressTable&) = delete;
  AddressTable& operator=(const AddressTable&) = delete;

  // Any thread. Counts from the next address that comes; who is there has been counted all along.
  void SetLimits(uint32_t connections, const base::Rate& connects) {
    connections_.store(connections, std::memory_order_relaxed);
    connects_.Set(connects);
  }

  // `limited`: false for an address that is counted, and may do what it likes.
  Entered Enter(AddressKey key, uint64_t now_ns, bool limited = true);
  // Once for each time that it was let in.
  void Leave(AddressKey key);

  // Addresses with a connection.
  uint64_t present() const { return present_.load(std::memory_order_relaxed); }
  // Those that are remembered, with a connection or without.
  uint64_t remembered() const { return remembered_.load(std::memory_order_relaxed); }
  size_t bytes() const;

 private:
  struct Slot {
    AddressKey key = kNoAddress;
    base::TokenBucket connects;
    uint32_t open = 0;
  };
  static_assert(sizeof(Slot) == 32);
  struct alignas(base::kCacheLineBytes) Stripe {
    std::mutex mutex;
    std::vector<Slot> slots;  // grows to stripe_slots_
    uint32_t used = 0;
    uint32_t hand = 0;  // where the next sweep begins
  };

  uint64_t HashOf(AddressKey key) const;
  Stripe& StripeOf(uint64_t hash);
  static uint32_t HomeOf(const Stripe& stripe, uint64_t hash);
  static uint32_t After(const Stripe& stripe, uint32_t at) {
    return at + 1 == stripe.slots.size() ? 0 : at + 1;
  }
  // The key's slot, or the empty one where it would be.
  static uint32_t Seek(const Stripe& stripe, AddressKey key, uint64_t hash);
  void GrowForOneMore(Stripe& stripe);
  void Sweep(Stripe& stripe, uint32_t slots, uint64_t now_ns);
  void Erase(Stripe& stripe, uint32_t at);

  std::atomic<uint32_t> connections_;
  base::ChangingRate connects_;
  const uint64_t secret_;
  const uint32_t stripe_addresses_;
  const uint32_t stripe_slots_;
  mutable std::vector<Stripe> stripes_;  // each under its mutex
  alignas(base::kCacheLineBytes) std::atomic<uint64_t> present_{0};
  std::atomic<uint64_t> remembered_{0};
};

}  // namespace halley::shard
