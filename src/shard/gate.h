// Gate: who is let in. The decisions about clients that concern the whole node, by its [limits].
// Sans-IO: an address and a time in, an answer out; kNone is a yes, anything else says why not.
//
// Addresses and rooms are counted whether they are limited or not: a limit may begin at any time.
//
// Who comes from one of limits.trusted, or whose address nobody knows, is not limited by it. An
// address that finds no place in the table is let in as well, and counted: whoever can fill it, from
// a million addresses, would else shut out everybody. The node's own limits hold for all of them.
//
// Threads    Any; all shards' share one. Room counts are exact over shards, too.
// Ownership  A seat is the caller's, from the address' admission until it gives it back, once.
// Limits     config::LimitsOptions.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/networks.h"
#include "base/token_bucket.h"
#include "config/options.h"
#include "shard/address_table.h"
#include "wire/close_reason.h"

namespace halley::shard {

// Messages and bytes of one connection.
struct Meter {
  base::TokenBucket messages;
  base::TokenBucket bytes;
};

class Gate {
 public:
  // With a secret of its own, for AddressTable.
  explicit Gate(const config::LimitsOptions& limits);
  Gate(const config::LimitsOptions& limits, uint64_t secret);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Takes over other numbers, on any thread; the table's size and limits.trusted stay.
  void SetLimits(const config::LimitsOptions& limits);

  // A yes writes `*seat`, which is kNoAddress where none was counted.
  wire::CloseReason AdmitAddress(const in6_addr& ip, uint64_t now_ns, AddressKey* seat);
  void GiveBack(AddressKey seat) {
    if (seat > kAddressToCome) table_.Leave(seat);
  }

  // `handshakes`: connections of the node that have not logged in, without this one.
  wire::CloseReason AdmitToNode(uint64_t handshakes, uint64_t now_ns);
  uint32_t handshakes_max() const { return handshakes_max_.load(std::memory_order_relaxed); }

  // What one connection may send.
  bool meters() const { return messages_.limited() || bytes_.limited(); }
  bool TakeMessage(Meter* meter, uint64_t now_ns) const {
    const base::Rate rate = messages_.Get();
    return !rate.limited() || meter->messages.Take(rate, 1, now_ns);
  }
  bool TakeBytes(Meter* meter, uint64_t bytes, uint64_t now_ns) const {
    const base::Rate rate = bytes_.Get();
    return !rate.limited() || meter->bytes.Take(rate, bytes, now_ns);
  }

  // One more room on the node; false: it has as many as it may.
  bool OpenRoom();
  void CloseRoom();

  // Addresses with a connection; connections that were let in though their address found no place.
  uint64_t addresses() const { return table_.present(); }
  uint64_t without_place() const { return without_place_.load(std::memory_order_relaxed); }
  uint64_t rooms() const { return rooms_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> handshakes_max_;
  std::atomic<uint32_t> rooms_max_;
  base::ChangingRate messages_;
  base::ChangingRate bytes_;
  base::ChangingRate connects_;
  const base::Networks trusted_;
  AddressTable table_;
  std::mutex mutex_;
  base::TokenBucket node_connects_;  // under the mutex
  std::atomic<uint64_t> without_place_{0};
  std::atomic<uint64_t> rooms_{0};
};

}  // namespace halley::shard
