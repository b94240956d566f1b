// LimitOptions: the command line of halley-limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "wire/goim_frame.h"

namespace halley::limit {

struct LimitOptions {
  wire::Encoding encoding = wire::Encoding::kGoimWebSocket;
  std::string clients = "127.0.0.1:0";  // where clients log in
  std::string control = "127.0.0.1:0";  // where pushes come from
  std::vector<uint32_t> cpu;            // at most one; empty: not pinned
  uint32_t coalesce = 16;               // messages per send, at most
  int32_t op = 1000;
  bool json = false;
  bool help = false;
};

inline constexpr uint32_t kCoalesceMax = 4096;

absl::Status ParseLimitOptions(absl::Span<const char* const> args, LimitOptions* options);

}  // namespace halley::limit
