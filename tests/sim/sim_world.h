// SimWorld: rings, network and clock of one simulated node, and who runs next.
//
// One step runs what is due, then one turn of one shard that has something to do, chosen by chance;
// when none has, the clock goes on to the next event. A shard sleeps as a kernel would let it: from
// an Enter() that may wait until a completion or its timeout, and its notice says so meanwhile.
//
// Threads    One.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "shard/mailbox.h"
#include "sim/sim_core.h"
#include "sim/sim_net.h"
#include "sim/sim_ring.h"

namespace halley::sim {

class SimWorld {
 public:
  SimWorld(uint64_t seed, const Faults& faults, uint32_t shards);

  SimCore& core() { return core_; }
  SimNet& net() { return net_; }
  SimRing& ring(uint32_t shard) { return *rings_[shard]; }
  uint32_t shards() const { return static_cast<uint32_t>(rings_.size()); }

  // The shards' turns, in order; false from one: it has stopped.
  void Run(shard::Fabric* fabric, std::vector<std::function<bool()>> turns);

  // Steps until `done` says so; false: it did not within `ns` of virtual time, or the run failed.
  bool Until(uint64_t ns, const std::function<bool()>& done);
  void For(uint64_t ns) {
    Until(ns, [] { return false; });
  }
  bool stopped(uint32_t shard) const { return runners_[shard].stopped; }
  bool all_stopped() const;
  // Nothing happens before the shards' own timers say so.
  bool Quiet() const;
  uint64_t turns() const { return turns_; }

 private:
  struct Runner {
    std::function<bool()> turn;
    bool stopped = false;
    bool asleep = false;
    uint64_t wakes_ns = 0;   // asleep: its timeout
    uint64_t paused_ns = 0;  // its thread is not scheduled before
  };

  void Step();
  bool Runnable(uint32_t shard) const;
  void Turn(uint32_t shard);
  void CheckNobodyMissedAWake();

  SimCore core_;
  SimNet net_;
  std::vector<std::unique_ptr<SimRing>> rings_;
  shard::Fabric* fabric_ = nullptr;
  std::vector<Runner> runners_;
  uint64_t turns_ = 0;
};

}  // namespace halley::sim
