#include "sim/sim_core.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace halley::sim {

void SimCore::After(uint64_t delay, std::function<void()> event) {
  events_.emplace(std::pair(now_ + delay, next_event_++), std::move(event));
}

void SimCore::RunDue() {
  while (!events_.empty() && events_.begin()->first.first <= now_) {
    const std::function<void()> event = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    event();
  }
}

void SimCore::Calm() {
  faults_.chances = {};
  faults_.network_delay_ns = std::min<uint64_t>(faults_.network_delay_ns, 100'000);
}

bool SimCore::Strike(Fault fault) {
  if (!rng.Chance(faults_[fault])) return false;
  ++injected_[static_cast<size_t>(fault)];
  return true;
}

void SimCore::Fail(std::string_view what) {
  if (failures_.size() > kFailuresBytesMax) return;
  char when[32];
  std::snprintf(when, sizeof when, "[%.6f s] ", static_cast<double>(now_) * 1e-9);
  failures_.append(when).append(what).append("\n");
}

void SimCore::Note(std::string_view what, uint64_t a, uint64_t b) {
  static const bool traced = std::getenv("HALLEY_TRACE") != nullptr;
  if (traced) {
    std::fprintf(stderr, "%12.6f %.*s %llu %llu\n", static_cast<double>(now_) * 1e-9,
                 static_cast<int>(what.size()), what.data(), static_cast<unsigned long long>(a),
                 static_cast<unsigned long long>(b));
  }
  for (const uint64_t part : {now_, static_cast<uint64_t>(what.front()), a, b}) {
    digest_ = (digest_ ^ part) * 0x9e3779b97f4a7c15u;
    digest_ ^= digest_ >> 29;
  }
}

}  // namespace halley::sim
