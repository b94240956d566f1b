// RunReport: what a run found out; Judge(): whether it went well; and how both are told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halley-load/histogram.h"
#include "halley-load/ledger.h"
#include "halley-load/options.h"
#include "halley-load/system.h"

namespace halley::load {

struct RunReport {
  uint32_t threads = 0;

  // Logins.
  uint64_t connect_ns = 0;          // until all were logged in
  uint64_t login_cpu_ns = 0;        // the server's, for all of them
  uint64_t login_softirq_ns = 0;
  uint64_t login_load_ns = 0;       // our own CPU time for them
  Histogram login_latency_ns;       // of reconnects too
  bool memory_known = false;
  uint64_t resident_before = 0;     // the server's bytes, before and after all were logged in
  uint64_t resident_after = 0;
  MachineMemory machine_before;     // with both ends of every connection, if both are here
  MachineMemory machine_after;

  // The quiet time after the logins.
  uint64_t hold_ns = 0;
  uint64_t hold_cpu_ns = 0;
  uint64_t hold_process_ns = 0;
  uint64_t hold_softirq_ns = 0;
  uint64_t hold_load_ns = 0;
  uint64_t room_changes = 0;        // answered in it
  uint64_t room_changes_lost = 0;   // never answered

  // The books, of the whole run.
  uint64_t pushed = 0;
  uint64_t push_failed = 0;         // not accepted by the server
  std::string push_error;
  bool stuck = false;               // a window stopped moving
  bool taken_known = true;
  uint64_t taken = 0;               // channels that took a push, as the server answered
  LedgerCounts healthy;
  LedgerCounts stalled;
  uint32_t stalled_clients = 0;
  // The server's own books of the run's pushes. What it skipped or refused is excused, where
  // clients stalled.
  uint64_t server_expected = 0;
  uint64_t server_delivered = 0;
  uint64_t server_skipped = 0;
  uint64_t server_refused = 0;
  uint64_t server_pending = 0;      // at the end
  uint64_t foreign = 0;
  uint64_t bad_bytes = 0;
  uint64_t order_differs = 0;       // clients that saw another order than the others in their room
  uint64_t disconnected = 0;        // healthy clients that the server closed
  uint64_t disconnected_stalled = 0;
  uint64_t not_back = 0;            // churned clients that could not log in again
  uint64_t reconnects = 0;
  uint64_t heartbeats = 0;
  uint64_t heartbeat_replies = 0;
  Histogram heartbeat_latency_ns;
  uint64_t reads = 0;               // of clients, that brought something, since pushing began
  uint64_t read_bytes = 0;

  // The measured part.
  uint64_t measured_pushes = 0;
  uint64_t measured = 0;            // deliveries
  uint64_t measured_ns = 0;         // first push to last delivery
  uint64_t cpu_ns = 0;              // the server's
  uint64_t process_ns = 0;          // of all threads of the process of --pid
  uint64_t softirq_ns = 0;
  uint64_t load_ns = 0;             // our own, without polls that found nothing
  uint64_t counted_ns = 0;          // over which CPU time was counted
  uint64_t loop_cpu_ns = 0;         // halley-limit's bare loop; 0: no halley-limit
  uint64_t sends = 0;
  Histogram latency_ns;

  uint64_t Expected() const {
    return healthy.received + healthy.lost + stalled.received + stalled.lost;
  }
  uint64_t Received() const { return healthy.received + stalled.received; }
  uint64_t Lost() const { return healthy.lost + stalled.lost; }
  uint64_t Excused() const { return server_skipped + server_refused; }
};

// What went wrong, one sentence each; empty when nothing did.
std::vector<std::string> Judge(const LoadOptions& options, const RunReport& report);

std::string TextReport(const LoadOptions& options, const RunReport& report,
                       const std::vector<std::string>& failures);
std::string JsonReport(const LoadOptions& options, const RunReport& report,
                       const std::vector<std::string>& failures);

}  // namespace halley::load
