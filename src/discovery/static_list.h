// StaticList: addresses of logic from the configuration, which never change. Nobody is told of the node.
//
// Threads    As Discovery; addresses are told in Start().
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "discovery/discovery.h"

namespace halley::discovery {

class StaticList final : public Discovery {
 public:
  StaticList(std::vector<std::string> addresses, OnAddresses on_addresses)
      : addresses_(std::move(addresses)), on_addresses_(std::move(on_addresses)) {}

  void Start() override { on_addresses_(addresses_); }
  void Stop() override {}
  Figures figures() const override { return {.addresses = addresses_, .failures = {}}; }

 private:
  const std::vector<std::string> addresses_;
  const OnAddresses on_addresses_;
};

}  // namespace halley::discovery
