// Shard: stopping. No new clients, send what is pending, say goodbye, leave.
#include <algorithm>

#include "shard/shard.h"

namespace halley::shard {
namespace {

constexpr size_t kClosesPerTurn = 256;

}  // namespace

void Shard::BeginStop() {
  stop_ = StopPhase::kFlushing;
  hub_.StopLingering();
  stop_deadline_ns_ = now_ns_ + uint64_t{options_.gateway.shutdown_timeout_ms} * 1'000'000;
  for (uint32_t i = 0; i < listeners_.size(); ++i) {
    // Other tables may still hold the listener: shutting it down is what stops it. In one that was passed
    // clients wait for whoever serves next.
    if (!listeners_[i].passed) ring_.Shutdown(listeners_[i].fd);
    if (accept_again_ns_[i] == 0) {
      ring_.Cancel({i, 0, io::Op::kAccept});  // its last completion closes the listener
    } else {
      CloseListener(i);
    }
  }
}

void Shard::AdvanceStop() {
  if (stop_ == StopPhase::kRunning) {
    if (!fabric_.stop_requested()) return;
    BeginStop();
  }
  if (stop_ == StopPhase::kFlushing) {
    // Half of the time for what is pending, the rest for farewells.
    const uint64_t half = uint64_t{options_.gateway.shutdown_timeout_ms} * 500'000;
    const bool busy = hub_.HasWork() || hub_.blocked_count() > 0 || jobs_.open() > 0 ||
                      !surveys_.empty() || !rpc_dirty_.empty();
    if (busy && now_ns_ + half < stop_deadline_ns_) return;
    stop_ = StopPhase::kClosing;
    connections_.ForEach([&](uint32_t slot, Connection& connection) {
      to_close_.push_back({slot, GenerationOf(connection)});
    });
  }
  for (size_t i = 0; i < kClosesPerTurn && !to_close_.empty(); ++i) {
    Connection* connection = Find(to_close_.back().slot, to_close_.back().generation);
    to_close_.pop_back();
    if (connection != nullptr) BeginClose(*connection, wire::CloseReason::kServerClosing);
  }
  const bool listening = std::any_of(listeners_.begin(), listeners_.end(),
                                     [](const ShardListener& listener) { return listener.fd >= 0; });
  const bool done = connections_.size() == 0 && !listening;
  if (done || now_ns_ >= stop_deadline_ns_) stop_ = StopPhase::kStopped;
}

}  // namespace halley::shard
