// SimCore: what everything in a simulated run shares: chance, virtual time, and a place to say that
// the run has failed.
//
// Threads    One. A run is a function of its seed: nothing here looks at the machine, and nothing
//            may be decided by an address or by the order of a hash table.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "sim/faults.h"
#include "sim/rng.h"

namespace halley::sim {

class SimCore {
 public:
  static constexpr uint64_t kNever = ~uint64_t{0};

  SimCore(uint64_t seed, const Faults& faults) : rng(seed), faults_(faults) {}
  SimCore(const SimCore&) = delete;
  SimCore& operator=(const SimCore&) = delete;

  Rng rng;

  // --- time, in nanoseconds
  uint64_t now() const { return now_; }
  void After(uint64_t delay, std::function<void()> event);
  // Some time up to `at_most`, at least one nanosecond.
  uint64_t Delay(uint64_t at_most) { return 1 + rng.Below(at_most); }
  void Spend(uint64_t ns) { now_ += ns; }
  // Runs what is due.
  void RunDue();
  uint64_t NextDue() const { return events_.empty() ? kNever : events_.begin()->first.first; }
  void SkipTo(uint64_t ns) { now_ = now_ < ns ? ns : now_; }
  // A number for each moment that matters: two things at one nanosecond have an order too.
  uint64_t Stamp() { return ++stamp_; }

  // --- faults
  const Faults& faults() const { return faults_; }
  // No faults from now on, and a fast network.
  void Calm();
  void set_chances(Fault fault, uint32_t chances) { faults_[fault] = chances; }
  // True when it strikes now.
  bool Strike(Fault fault);
  const FaultCounts& injected() const { return injected_; }

  // --- the verdict
  // Says what is wrong; the run goes on to its next stop.
  void Fail(std::string_view what);
  bool failed() const { return !failures_.empty(); }
  const std::string& failures() const { return failures_; }

  // Mixes what happened into the run's digest, which is the same whenever the seed is.
  void Note(std::string_view what, uint64_t a, uint64_t b = 0);
  uint64_t digest() const { return digest_; }

 private:
  static constexpr size_t kFailuresBytesMax = 4096;

  Faults faults_;
  FaultCounts injected_{};
  uint64_t now_ = 1'000'000'000;
  uint64_t stamp_ = 0;
  uint64_t next_event_ = 0;
  std::map<std::pair<uint64_t, uint64_t>, std::function<void()>> events_;  // by time, then age
  std::string failures_;
  uint64_t digest_ = 0;
};

}  // namespace halley::sim
