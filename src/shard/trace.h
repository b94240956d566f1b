// Trace: a key, a mid or an address whose clients the gateway's log tells of for a while; TraceTable: those that are
// on, of the node. Bodies and tokens are never told.
//
// Threads    A TraceTable: any; shards look at number() once a turn, and at the rest when that has grown.
// Limits     kTracesMax at a time, each for kTraceSecondsMax at most.
#pragma once

#include <netinet/in.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halley::shard {

inline constexpr size_t kTracesMax = 16;
inline constexpr uint32_t kTraceSecondsDefault = 300;
inline constexpr uint32_t kTraceSecondsMax = 3600;

enum class TraceKind : uint8_t { kKey, kMid, kIp };

struct TraceTarget {
  TraceKind kind = TraceKind::kKey;
  std::string name;  // the key, or the address as it was written
  int64_t mid = 0;
  in6_addr ip{};     // as base::ParseIp() has it

  bool operator==(const TraceTarget& other) const;
};

// What a client has named, as it may stand in a line of the log.
std::string OnOneLine(std::string_view text);
// "key ann": on one line whatever the key.
std::string Described(const TraceTarget& target);

struct Trace {
  uint64_t id = 0;      // never repeats; a target that begins anew while it is on keeps its own
  uint32_t place = 0;   // below kTracesMax; no other trace's while it is on
  uint64_t end_ns = 0;  // on the rings' clock
  TraceTarget target;
};

class TraceTable {
 public:
  // Empty: it is on until `end_ns`, one that was on included. Else one sentence: there are as many as may be.
  std::string Begin(const TraceTarget& target, uint64_t end_ns);
  // False: there was none.
  bool End(const TraceTarget& target);
  // Ends those whose time is over, and answers them: to one caller only.
  std::vector<Trace> Expire(uint64_t now_ns);
  std::vector<Trace> List() const;
  // Grows with every change.
  uint64_t number() const { return number_.load(std::memory_order_acquire); }

 private:
  std::optional<Trace>* Find(const TraceTarget& target);
  void Changed() { number_.fetch_add(1, std::memory_order_release); }

  std::atomic<uint64_t> number_{0};
  mutable std::mutex mutex_;
  std::array<std::optional<Trace>, kTracesMax> traces_;  // by place; under mutex_, as the next
  uint64_t next_id_ = 0;
};

}  // namespace halley::shard
