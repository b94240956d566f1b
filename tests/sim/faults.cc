#include "sim/faults.h"

namespace halley::sim {
namespace {

struct Row {
  Fault fault;
  std::string_view name;
  uint32_t chances_max;
};

// The most that still lets a run get somewhere.
constexpr std::array<Row, kFaultsCount> kRows = {{
    {Fault::kShortSend, "short_send", 2000},
    {Fault::kReset, "reset", 20},
    {Fault::kReceiveExhausted, "receive_exhausted", 300},
    {Fault::kBytewise, "bytewise", 1000},
    {Fault::kEarlyEnd, "early_end", 2000},
    {Fault::kOverflow, "overflow", 50},
    {Fault::kStale, "stale", 500},
    {Fault::kSpurious, "spurious", 3000},
    {Fault::kAcceptExhausted, "accept_exhausted", 2000},
    {Fault::kAcceptFailed, "accept_failed", 500},
    {Fault::kEarlyReturn, "early_return", 500},
    {Fault::kPassRefused, "pass_refused", 3000},
    {Fault::kPassLost, "pass_lost", 100},
    {Fault::kShardPause, "shard_pause", 100},
}};

}  // namespace

std::string_view FaultName(Fault fault) { return kRows[static_cast<size_t>(fault)].name; }

Faults Faults::Draw(Rng* rng) {
  Faults faults;
  for (const Row& row : kRows) {
    // A third of the kinds is absent in any one run, so that each is also seen without the others.
    if (rng->Below(3) != 0) faults[row.fault] = static_cast<uint32_t>(rng->Scale(1, row.chances_max));
  }
  faults.socket_bytes_min = static_cast<size_t>(rng->Scale(64, 4096));
  faults.socket_bytes_max = faults.socket_bytes_min + static_cast<size_t>(rng->Scale(64, 65536));
  faults.network_delay_ns = rng->Scale(1'000, 20'000'000);
  faults.completion_delay_ns = rng->Scale(100, 1'000'000);
  faults.cancel_delay_ns = rng->Scale(100, 20'000'000);
  faults.wake_delay_ns = rng->Scale(100, 2'000'000);
  return faults;
}

}  // namespace halley::sim
