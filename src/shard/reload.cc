// Shard: options that are read again while it runs.
#include <utility>

#include "shard/hub_limits.h"
#include "shard/shard.h"

namespace halley::shard {

// The main thread reads them: files are no matter for a shard's turn.
void Shard::AwaitReload(uint32_t ticket) {
  jobs_.Expect(ticket, 1, 0);
  awaited_reloads_.push_back({fabric_.RequestReload(), ticket});
}

void Shard::ReportReloads() {
  if (awaited_reloads_.empty()) return;
  std::vector<AwaitedReload> later;
  for (const AwaitedReload& each : std::exchange(awaited_reloads_, {})) {
    if (!fabric_.ReloadFinished(each.number)) {
      later.push_back(each);
      continue;
    }
    JobPart part;
    part.reloaded = fabric_.ReloadOutcome();
    jobs_.AddPart(each.ticket, std::move(part));
    FinishIfDone(each.ticket);
  }
  awaited_reloads_ = std::move(later);
}

// What may not change at run time is in them as it was.
void Shard::TakeOptions() {
  const uint64_t number = fabric_.options_number();
  if (number == options_number_) return;
  options_number_ = number;
  options_ = *fabric_.TakeOptions();
  hub_.SetLimits(HubLimitsOf(options_, /*wall_offset_ms=*/0));
  // The rest of these limits was agreed on with clients, or is lent to them.
  session_limits_.event_heartbeat_ms = options_.client.sse_heartbeat_ms;
  session_limits_.v1_idle_timeout_ms = options_.goim_v1.idle_timeout_ms;
  push_.OnOptions(options_);
  watch_.SetOptions(options_.access_log);
  fabric_.notice(index_).options_number.store(number, std::memory_order_release);
}

}  // namespace halley::shard
