// Chains: calls that must be made one after the other. A call is the head of its chain from when it may
// be made until it has ended; the rest wait here.
//
// Threads    One.
// Ownership  Of those that wait. Heads are elsewhere, and must tell when they have ended.
// Limits     The caller's, of each chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/assert.h"

namespace halley::remote {

template <typename Item>
class Chains {
 public:
  struct Chain {
    Item* head = nullptr;
    std::vector<std::unique_ptr<Item>> waiting;  // oldest first; few
  };

  // Null: there is none.
  Chain* Find(uint64_t id) {
    const auto found = chains_.find(id);
    return found == chains_.end() ? nullptr : &found->second;
  }

  // How many are in the chain, its head too.
  size_t Length(uint64_t id) const {
    const auto found = chains_.find(id);
    return found == chains_.end() ? 0 : 1 + found->second.waiting.size();
  }

  // Gives it back when it is the head now; else it waits.
  std::unique_ptr<Item> Join(uint64_t id, std::unique_ptr<Item> item) {
    Chain& chain = chains_[id];
    if (chain.head == nullptr) {
      chain.head = item.get();
      return item;
    }
    chain.waiting.push_back(std::move(item));
    return nullptr;
  }

  // The head has ended. Gives the next one, or null.
  std::unique_ptr<Item> Next(uint64_t id) {
    const auto found = chains_.find(id);
    HALLEY_ASSERT(found != chains_.end());
    Chain& chain = found->second;
    if (chain.waiting.empty()) {
      chains_.erase(found);
      return nullptr;
    }
    std::unique_ptr<Item> next = std::move(chain.waiting.front());
    chain.waiting.erase(chain.waiting.begin());
    chain.head = next.get();
    return next;
  }

  size_t count() const { return chains_.size(); }

 private:
  absl::flat_hash_map<uint64_t, Chain> chains_;
};

}  // namespace halley::remote
