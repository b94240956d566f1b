#include "sim/sim_world.h"

#include <algorithm>

namespace halley::sim {
namespace {

constexpr uint64_t kTurnNsMin = 1'000;
constexpr uint64_t kTurnNsMax = 10'000;
constexpr uint64_t kPauseNsMax = 30'000'000;
// In one Until(): far more than any scenario takes, so that a shard that spins is a failure and not
// a hang.
constexpr uint64_t kTurnsMax = 5'000'000;

}  // namespace

SimWorld::SimWorld(uint64_t seed, const Faults& faults, uint32_t shards)
    : core_(seed, faults), net_(&core_) {
  std::vector<SimRing*> rings;
  for (uint32_t i = 0; i < shards; ++i) {
    rings_.push_back(std::make_unique<SimRing>(&core_, &net_, i));
    rings.push_back(rings_.back().get());
  }
  for (SimRing* ring : rings) ring->Meet(rings);
}

void SimWorld::Run(shard::Fabric* fabric, std::vector<std::function<bool()>> turns) {
  fabric_ = fabric;
  for (std::function<bool()>& turn : turns) {
    runners_.emplace_back();
    runners_.back().turn = std::move(turn);
  }
}

bool SimWorld::Until(uint64_t ns, const std::function<bool()>& done) {
  const uint64_t end = core_.now() + ns;
  const uint64_t turns_end = turns_ + kTurnsMax;
  while (!done()) {
    if (core_.now() >= end || core_.failed()) return false;
    if (turns_ >= turns_end) {
      core_.Fail("the shards turn and turn and get nowhere");
      return false;
    }
    Step();
  }
  return true;
}

bool SimWorld::Runnable(uint32_t shard) const {
  const Runner& runner = runners_[shard];
  if (runner.stopped || core_.now() < runner.paused_ns) return false;
  return !runner.asleep || rings_[shard]->has_completions() || core_.now() >= runner.wakes_ns;
}

void SimWorld::Step() {
  core_.RunDue();
  std::vector<uint32_t> runnable;
  uint64_t next = core_.NextDue();
  for (uint32_t i = 0; i < runners_.size(); ++i) {
    if (runners_[i].stopped) continue;
    if (Runnable(i)) runnable.push_back(i);
    const uint64_t ready_ns = rings_[i]->has_completions() || !runners_[i].asleep
                                  ? runners_[i].paused_ns
                                  : std::max(runners_[i].paused_ns, runners_[i].wakes_ns);
    next = std::min(next, ready_ns);
  }
  if (runnable.empty()) {
    // Nobody left at all: time still passes.
    core_.SkipTo(next == SimCore::kNever ? core_.now() + 1'000'000 : next);
    return;
  }
  const uint32_t shard = core_.rng.Pick(runnable);
  if (core_.Strike(Fault::kShardPause)) {
    runners_[shard].paused_ns = core_.now() + core_.Delay(kPauseNsMax);
    return;
  }
  Turn(shard);
  core_.Spend(core_.rng.Between(kTurnNsMin, kTurnNsMax));
}

void SimWorld::Turn(uint32_t shard) {
  Runner& runner = runners_[shard];
  SimRing& ring = *rings_[shard];
  std::atomic<uint32_t>& sleeping = fabric_->notice(shard).sleeping;
  if (runner.asleep) sleeping.store(0);
  runner.asleep = false;
  ++turns_;
  core_.Note("turn", shard, turns_);
  runner.stopped = !runner.turn();
  if (!runner.stopped && ring.wait_ns() > 0 && !ring.has_completions()) {
    // The shard is still within its Enter(), where its notice says that it sleeps.
    runner.asleep = true;
    runner.wakes_ns = core_.now() + ring.wait_ns();
    if (core_.Strike(Fault::kEarlyReturn)) {
      runner.wakes_ns = core_.now() + core_.rng.Below(ring.wait_ns());
    }
    sleeping.store(1);
  }
  CheckNobodyMissedAWake();
}

// A sleeper whose notice still says so has been woken by nobody; nothing may wait for it then.
void SimWorld::CheckNobodyMissedAWake() {
  for (uint32_t to = 0; to < shards(); ++to) {
    if (!runners_[to].asleep || fabric_->notice(to).sleeping.load() == 0) continue;
    for (uint32_t from = 0; from < shards(); ++from) {
      if (from != to && !fabric_->mailbox(from, to).Empty()) {
        core_.Fail("a shard sleeps with a command in its mailbox and nobody wakes it");
      }
    }
  }
}

bool SimWorld::all_stopped() const {
  return std::all_of(runners_.begin(), runners_.end(),
                     [](const Runner& runner) { return runner.stopped; });
}

bool SimWorld::Quiet() const {
  for (uint32_t i = 0; i < runners_.size(); ++i) {
    const Runner& runner = runners_[i];
    if (!runner.stopped && (!runner.asleep || rings_[i]->has_completions())) return false;
  }
  return net_.Quiet();
}

}  // namespace halley::sim
