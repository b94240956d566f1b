// AddressBook: a backend's addresses, which of them can be used, and which is to be next.
//
// An address is *usable*, *on trial* or *shut*. New ones are on trial: they are given few exchanges at a
// time, and one more for each that is answered, until they have as many as there may be at all. Some
// failures in a row, one of them on trial, or bad probes shut an address; a good probe puts one that was
// shut for long enough on trial. So one that comes back is not trampled, and one that answers probes but
// not calls is asked now and then.
//
// Threads    One.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "remote/engine_options.h"
#include "remote/transport.h"

namespace halley::remote {

class AddressBook {
 public:
  AddressBook(const EngineOptions& options, uint64_t seed) : options_(options), random_(seed) {}

  // Keeps what it knows of those that were there. Appends whom the transport is to know and to forget.
  void Set(absl::Span<const std::string> names, uint64_t now_ns, std::vector<AddressId>* added,
           std::vector<AddressId>* removed);

  // The less busy of two that are drawn from those that can take one more; not `avoid` where there is
  // another. Counts it as begun.
  std::optional<AddressId> Pick(AddressId avoid);
  // Whether any is not shut.
  bool AnyOpen() const;
  // An exchange of it ended. True: whether it can be used has changed.
  bool Ended(AddressId address, bool good, uint64_t now_ns);
  // An exchange of it says nothing about it.
  void Cancelled(AddressId address);

  // Appends those that are to be probed now, and counts them as being probed.
  void DueProbes(uint64_t now_ns, std::vector<AddressId>* due);
  uint64_t NextProbeNs() const;
  // True: as Ended().
  bool Probed(AddressId address, bool good, uint64_t now_ns);

  std::string_view NameOf(AddressId address) const;
  bool IsOpen(AddressId address) const;
  size_t count() const { return entries_.size(); }
  size_t OpenCount() const;

 private:
  enum class State : uint8_t { kUsable, kTrial, kShut };
  struct Entry {
    AddressId id;
    std::string name;
    State state = State::kTrial;
    size_t in_flight = 0;
    size_t limit = kTrialExchanges;
    uint32_t failures = 0;    // in a row
    uint32_t bad_probes = 0;  // in a row
    uint64_t shut_until_ns = 0;
    uint64_t next_probe_ns = 0;
    bool probing = false;
  };

  Entry* Find(AddressId address);
  const Entry* Find(AddressId address) const;
  void Shut(Entry* entry, uint64_t now_ns);
  bool Takes(const Entry& entry) const {
    return entry.state != State::kShut && entry.in_flight < entry.limit;
  }

  const EngineOptions options_;
  std::minstd_rand random_;
  AddressId last_ = 0;
  std::vector<Entry> entries_;
  std::vector<Entry*> candidates_;  // scratch
};

}  // namespace halley::remote
