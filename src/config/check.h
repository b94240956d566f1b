// Checks between options: each may be in range and still not go with another.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "config/options.h"

namespace halley::config {

// goim's frame header, which wire knows as kGoimHeaderBytes; config may not include wire.
inline constexpr uint32_t kGoimFrameHeaderBytes = 16;

// What a push request holds besides its body and one target.
inline constexpr uint32_t kPushRequestOverheadBytes = 256;

// Where an option was set, by key: "halley.toml:3:1" or "--listen.tcp". Absent: its default.
using Origins = absl::flat_hash_map<std::string, std::string>;

// The first rule that is broken, as one sentence behind the place where an option of it was set.
absl::Status CheckTogether(const Options& options, const Origins& origins);

}  // namespace halley::config
