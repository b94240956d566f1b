// Metrics: the node's figures as Prometheus reads them.
//
// Cardinality: a series per shard of each figure; reasons and causes are summed over shards. Rooms,
// keys and addresses are never labels.
//
// Source     Prometheus' text-based exposition format, 0.0.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "admin/figures.h"
#include "absl/types/span.h"
#include "halley/push_client.h"

namespace halley::admin {

inline constexpr absl::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// What is counted for the node as a whole, outside its shards.
struct NodeMetric {
  std::string name;  // "x_total" of a counter
  std::string help;
  bool counter = false;
  std::vector<std::pair<std::string, uint64_t>> samples;  // {label="value"} or nothing, and the count
};

// `ready`: whether clients are to be sent here.
std::string RenderMetrics(const NodeFigures& node, absl::string_view version, bool ready,
                          const std::optional<DiscoveryFigures>& discovery = {},
                          absl::Span<const NodeMetric> more = {});

}  // namespace halley::admin
