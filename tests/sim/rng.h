// Rng: the one source of chance in a simulated run. SplitMix64: the same numbers on every machine.
//
// Whoever draws in an order of its own (network, crowd, pushers) has a fork of its own, so that a
// change of one does not reshuffle the others.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halley::sim {

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
  }

  // In [0, bound).
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  // In [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  // Log-uniform in [low, high]: small values as often as large ones.
  uint64_t Scale(uint64_t low, uint64_t high) {
    uint64_t top = high;
    while (top / 2 > low && Below(3) != 0) top /= 2;
    return Between(low, top);
  }
  // True in `chances` of 10'000 draws.
  bool Chance(uint32_t chances) { return chances > 0 && Below(10'000) < chances; }

  template <typename Container>
  auto& Pick(Container& from) {
    return from[static_cast<size_t>(Below(from.size()))];
  }

  Rng Fork() { return Rng(Next()); }

 private:
  uint64_t state_;
};

}  // namespace halley::sim
