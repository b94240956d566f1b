// StaticList: addresses of logic from the configuration. Nobody is told of the node.
//
// Threads    As Discovery; addresses are told in Start() and Set(), which are one thread's.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "discovery/discovery.h"

namespace halley::discovery {

class StaticList final : public Discovery {
 public:
  StaticList(std::vector<std::string> addresses, OnAddresses on_addresses)
      : addresses_(std::move(addresses)), on_addresses_(std::move(on_addresses)) {}

  void Start() override { on_addresses_(Addresses()); }
  // After Start().
  void Set(std::vector<std::string> addresses) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      addresses_ = addresses;
    }
    on_addresses_(std::move(addresses));
  }
  void Stop() override {}
  Figures figures() const override { return {.addresses = Addresses(), .failures = {}}; }

 private:
  std::vector<std::string> Addresses() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return addresses_;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> addresses_;  // under mutex_
  const OnAddresses on_addresses_;
};

}  // namespace halley::discovery
