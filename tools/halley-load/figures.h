// Ratios and names that both reports use.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "halley-load/options.h"
#include "halley-load/report.h"

namespace halley::load {

inline double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}
inline double Seconds(uint64_t ns) { return static_cast<double>(ns) / 1e9; }
inline double PerSecond(uint64_t count, uint64_t ns) {
  return ns == 0 ? 0.0 : 1e9 * Ratio(count, ns);
}

inline double BytesPerConnection(const LoadOptions& options, const RunReport& r) {
  return (static_cast<double>(r.resident_after) - static_cast<double>(r.resident_before)) /
         options.clients;
}

inline absl::string_view Name(To to) {
  switch (to) {
    case To::kRoom: return "room";
    case To::kAll: return "all";
    case To::kKey: return "key";
    case To::kMid: return "mid";
  }
  return "";
}
inline absl::string_view Name(Transport transport) {
  return transport == Transport::kTcp ? "tcp" : "ws";
}

}  // namespace halley::load
