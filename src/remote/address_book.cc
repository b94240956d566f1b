#include "remote/address_book.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace halley::remote {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace

void AddressBook::Set(absl::Span<const std::string> names, uint64_t now_ns,
                      std::vector<AddressId>* added, std::vector<AddressId>* removed) {
  const auto is_named = [&](const Entry& entry) {
    return std::find(names.begin(), names.end(), entry.name) != names.end();
  };
  for (const Entry& entry : entries_) {
    if (!is_named(entry)) removed->push_back(entry.id);
  }
  std::erase_if(entries_, [&](const Entry& entry) { return !is_named(entry); });
  for (const std::string& name : names) {
    const bool known = std::any_of(entries_.begin(), entries_.end(),
                                   [&](const Entry& entry) { return entry.name == name; });
    if (known) continue;
    Entry entry{.id = ++last_, .name = name};
    entry.limit = std::min(kTrialExchanges, options_.concurrency);
    entry.next_probe_ns = now_ns;
    added->push_back(entry.id);
    entries_.push_back(std::move(entry));
  }
}

std::optional<AddressId> AddressBook::Pick(AddressId avoid) {
  candidates_.clear();
  Entry* avoided = nullptr;
  for (Entry& entry : entries_) {
    if (!Takes(entry)) continue;
    if (entry.id == avoid) {
      avoided = &entry;
    } else {
      candidates_.push_back(&entry);
    }
  }
  if (candidates_.empty()) {
    if (avoided == nullptr) return std::nullopt;
    candidates_.push_back(avoided);
  }
  // Two different ones: with both draws from all, the busiest of two would be drawn twice half the time.
  std::swap(candidates_[0], candidates_[random_() % candidates_.size()]);
  Entry* best = candidates_[0];
  if (candidates_.size() > 1) {
    Entry* const other = candidates_[1 + random_() % (candidates_.size() - 1)];
    if (other->in_flight < best->in_flight) best = other;
  }
  ++best->in_flight;
  return best->id;
}

bool AddressBook::AnyOpen() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.state != State::kShut; });
}

size_t AddressBook::OpenCount() const {
  return static_cast<size_t>(
      std::count_if(entries_.begin(), entries_.end(),
                    [](const Entry& entry) { return entry.state != State::kShut; }));
}

bool AddressBook::Ended(AddressId address, bool good, uint64_t now_ns) {
  Entry* const entry = Find(address);
  if (entry == nullptr) return false;
  HALLEY_ASSERT(entry->in_flight > 0);
  --entry->in_flight;
  // What was begun before it was shut is no news.
  if (entry->state == State::kShut) return false;
  if (good) {
    entry->failures = 0;
    if (entry->state == State::kTrial && ++entry->limit >= options_.concurrency) {
      entry->limit = options_.concurrency;
      entry->state = State::kUsable;
    }
    return false;
  }
  ++entry->failures;
  if (entry->state == State::kUsable && entry->failures < options_.failures) return false;
  Shut(entry, now_ns);
  return true;
}

void AddressBook::Cancelled(AddressId address) {
  Entry* const entry = Find(address);
  if (entry != nullptr) --entry->in_flight;
}

void AddressBook::Shut(Entry* entry, uint64_t now_ns) {
  entry->state = State::kShut;
  entry->failures = 0;
  entry->limit = std::min(kTrialExchanges, options_.concurrency);
  entry->shut_until_ns = now_ns + options_.shut_ms * kNsPerMs;
}

void AddressBook::DueProbes(uint64_t now_ns, std::vector<AddressId>* due) {
  for (Entry& entry : entries_) {
    if (entry.probing || now_ns < entry.next_probe_ns) continue;
    entry.probing = true;
    // Nodes that began together do not ask together.
    const uint64_t jitter = random_() % (options_.probe_every_ms / 8 + 1);
    entry.next_probe_ns = now_ns + (options_.probe_every_ms - jitter) * kNsPerMs;
    due->push_back(entry.id);
  }
}

uint64_t AddressBook::NextProbeNs() const {
  uint64_t next = UINT64_MAX;
  for (const Entry& entry : entries_) {
    if (!entry.probing) next = std::min(next, entry.next_probe_ns);
  }
  return next;
}

bool AddressBook::Probed(AddressId address, bool good, uint64_t now_ns) {
  Entry* const entry = Find(address);
  if (entry == nullptr) return false;
  entry->probing = false;
  if (!good) {
    entry->bad_probes = std::min(entry->bad_probes + 1, kBadProbes);
    if (entry->state == State::kShut || entry->bad_probes < kBadProbes) return false;
    Shut(entry, now_ns);
    return true;
  }
  entry->bad_probes = 0;
  if (entry->state != State::kShut || now_ns < entry->shut_until_ns) return false;
  entry->state = State::kTrial;
  return true;
}

std::string_view AddressBook::NameOf(AddressId address) const {
  const Entry* const entry = Find(address);
  return entry == nullptr ? std::string_view() : std::string_view(entry->name);
}

bool AddressBook::IsOpen(AddressId address) const {
  const Entry* const entry = Find(address);
  return entry != nullptr && entry->state != State::kShut;
}

AddressBook::Entry* AddressBook::Find(AddressId address) {
  return const_cast<Entry*>(std::as_const(*this).Find(address));
}

const AddressBook::Entry* AddressBook::Find(AddressId address) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.id == address; });
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace halley::remote
