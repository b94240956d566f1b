// Figures: one list of what a shard counts, for whoever shows it: Prometheus' text and JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "halley/push_client.h"

namespace halley::admin {

struct Figure {
  const char* name;  // as in `halleyctl status`
  const char* help;
  bool counter;           // only grows; else it is how much there is now
  uint64_t (*of)(const ShardFigures& shard);
};
absl::Span<const Figure> Figures();

// What is counted by reason, cause or the like.
struct FigureFamily {
  const char* name;
  const char* label;  // of the reason
  const char* help;
  bool counter;
  const std::vector<NamedCount>& (*of)(const ShardFigures& shard);
};
absl::Span<const FigureFamily> FigureFamilies();

// How long something took.
struct DurationFamily {
  const char* name;
  const char* help;
  const DurationFigures& (*of)(const ShardFigures& shard);
};
absl::Span<const DurationFamily> DurationFamilies();

// Sums over shards, in the order in which the names come first.
std::vector<NamedCount> SumByName(const NodeFigures& node, const FigureFamily& family);

// How the node stands with the registry that it is found in, and what it has found.
struct DiscoveryFigures {
  bool registered = false;
  std::vector<std::string> addresses;  // of goim's logic
  std::vector<NamedCount> failures;
};

// {"shards": [{"shard": 0, "connections": 5, ..., "closed": {"kicked": 1}, ...}]}
// With "discovery" behind it, where there is one.
std::string FiguresAsJson(const NodeFigures& node, const std::optional<DiscoveryFigures>& discovery = {});

}  // namespace halley::admin
