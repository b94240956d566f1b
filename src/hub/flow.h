// Flow: what a lane has only while something of it is under way: its log, and how far the members are.
// A quiet lane has none; most of a million rooms are quiet.
//
// Threads    One shard's.
// Ownership  Pooled by the hub, taken and given back by the lane (see Lane).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/chunked_array.h"
#include "hub/log.h"

namespace halley::hub {

class Lane;

// A message that somebody waits for.
struct Mark {
  uint64_t seq;
  uint32_t receipt;
};

struct Flow {
  Lane* owner = nullptr;  // null: nobody's
  Log log;
  std::vector<Mark> marks;  // ascending
  bool pass_active = false;
  LogPosition settled;  // where members in sync are while no pass is active
  LogPosition from;     // of the active pass
  LogPosition to;
  size_t slice_targets = 0;       // of the slice that is out
  std::vector<uint32_t> waiting;  // slots of lagging members ahead of the pass
  uint64_t news_ms = 0;           // when the first message came that no pass has covered yet
  uint64_t news_taken_ns = 0;     // Push::taken_ns of it
  uint64_t pass_taken_ns = 0;     // and of the first message of the active pass
  uint64_t trim_at_bytes = 0;     // look for the slowest reader again when this much is held
  uint32_t pace = 0;              // deliveries per second, while messages before paced_seq wait
  uint64_t paced_seq = 0;
  uint64_t paced_until_ns = 0;
};

using FlowPool = base::Pool<Flow>;

}  // namespace halley::hub
