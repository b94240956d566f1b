// Nodes: which node of the registry is asked, and how soon after a failure the next one is. Sans-IO.
//
// Threads    One.
// Limits     The first wait is up to kFirstWaitMs, later ones double up to kWaitMsMax; each is drawn from
//            its upper half, so that many who lost one registry do not come back together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace halley::discovery {

// Anything below 1000.
using Draw = std::function<uint64_t()>;

class Nodes {
 public:
  static constexpr uint64_t kFirstWaitMs = 500;
  static constexpr uint64_t kWaitMsMax = 10'000;

  Nodes(std::vector<std::string> nodes, Draw draw) : nodes_(std::move(nodes)), draw_(std::move(draw)) {
    HALLEY_ASSERT(!nodes_.empty());
    current_ = draw_() % nodes_.size();
  }

  size_t size() const { return nodes_.size(); }
  const std::string& current() const { return nodes_[current_]; }
  void Switch() { current_ = (current_ + 1) % nodes_.size(); }
  void Succeed() { wait_ms_ = kFirstWaitMs; }
  // How long to wait before the next call.
  uint64_t Fail() {
    const uint64_t wait_ms = wait_ms_;
    wait_ms_ = std::min(2 * wait_ms, kWaitMsMax);
    return wait_ms / 2 + wait_ms / 2 * draw_() / 1000;
  }

 private:
  const std::vector<std::string> nodes_;
  const Draw draw_;
  size_t current_ = 0;
  uint64_t wait_ms_ = kFirstWaitMs;
};

}  // namespace halley::discovery
