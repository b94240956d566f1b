// What the gate costs a client that connects and leaves, and what a million addresses hold.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>

#include "shard/gate.h"

namespace halley::shard {
namespace {

in6_addr Nth(uint32_t n) {
  in6_addr ip{};
  ip.s6_addr[10] = ip.s6_addr[11] = 0xFF;
  std::memcpy(&ip.s6_addr[12], &n, sizeof n);
  return ip;
}

config::LimitsOptions Limits() {
  config::LimitsOptions limits;
  limits.ip_connections = 100;
  limits.ip_connects_per_s = 1000;
  limits.connects_per_s = 16'000'000;
  return limits;
}

// So many addresses are there, and each in turn connects once more and leaves.
void BM_ConnectAndLeave(benchmark::State& state) {
  static Gate* gate;
  const auto addresses = static_cast<uint32_t>(state.range(0));
  if (state.thread_index() == 0) {
    gate = new Gate(Limits(), 4711);
    AddressKey seat = kNoAddress;
    for (uint32_t i = 0; i < addresses; ++i) gate->AdmitAddress(Nth(i), 0, &seat);
  }
  uint64_t now_ns = 0;
  auto next = static_cast<uint32_t>(state.thread_index()) * 7919;
  for (auto _ : state) {
    now_ns += 50'000;  // 20,000 a second
    next = (next + 1) % addresses;
    AddressKey seat = kNoAddress;
    benchmark::DoNotOptimize(gate->AdmitAddress(Nth(next), now_ns, &seat));
    benchmark::DoNotOptimize(gate->AdmitToNode(0, now_ns));
    gate->GiveBack(seat);
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    state.counters["without_place"] = static_cast<double>(gate->without_place());
    delete gate;
  }
}
BENCHMARK(BM_ConnectAndLeave)->Arg(1000)->Arg(1'000'000)->Threads(1)->Threads(2)->UseRealTime();

// Newcomers, for whom the table has no place left.
void BM_NoPlace(benchmark::State& state) {
  config::LimitsOptions limits = Limits();
  limits.ip_table = 4096;
  Gate gate(limits, 4711);
  AddressKey seat = kNoAddress;
  for (uint32_t i = 0; i < 4096; ++i) gate.AdmitAddress(Nth(i), 0, &seat);
  uint32_t next = 4096;
  for (auto _ : state) benchmark::DoNotOptimize(gate.AdmitAddress(Nth(next++), 0, &seat));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_NoPlace);

void BM_MillionAddresses(benchmark::State& state) {
  uint64_t bytes = 0;
  for (auto _ : state) {
    AddressTable table({.addresses_max = 1'000'000, .connections = 1, .connects = {}}, 4711);
    for (uint32_t i = 0; i < 1'000'000; ++i) {
      benchmark::DoNotOptimize(table.Enter(KeyOf(Nth(i)), 0));
    }
    bytes = table.bytes();
  }
  state.counters["bytes_each"] = static_cast<double>(bytes) / 1e6;
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(BM_MillionAddresses)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace halley::shard
