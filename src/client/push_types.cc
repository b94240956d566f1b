#include "halley/push_types.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace halley {

uint64_t DurationFigures::Count() const {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

uint64_t DurationFigures::QuantileNs(double share) const {
  const auto rank = static_cast<uint64_t>(std::ceil(static_cast<double>(Count()) * share));
  uint64_t sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    if (counts[i] == 0 || sum < rank) continue;
    return i + 1 == counts.size() ? UINT64_MAX : uint64_t{4096} << i;
  }
  return 0;
}

void DurationFigures::Add(const DurationFigures& other) {
  counts.resize(std::max(counts.size(), other.counts.size()));
  for (size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
  sum_ns += other.sum_ns;
}

}  // namespace halley
