// Gateway: what it has of goim's logic beside the backend: reports of who is in which room.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/gateway.h"

namespace halley::gateway {

// As StartAdmin(), and gRPC's threads and descriptors likewise.
absl::Status Gateway::StartOnlineReports() {
  absl::StatusOr<std::string> name = Backends::NameForLogic(options_);
  if (!name.ok()) return name.status();
  auto connected = inside_.Connect(*online_end_, PushClientOptions());
  if (!connected.ok()) return connected.status();
  const std::shared_ptr<PushClient> observer = *std::move(connected);
  goim_logic::OnlineReporterSetup setup;
  setup.server = *std::move(name);
  setup.addresses = [this] { return backends_->LogicAddresses(); };
  setup.rooms = [observer] { return observer->Rooms("", UINT32_MAX, RoomOrder::kNone); };
  online_ = std::make_unique<goim_logic::OnlineReporter>(std::move(setup));
  return absl::OkStatus();
}

std::vector<admin::NodeMetric> Gateway::NodeMetrics() const {
  std::vector<admin::NodeMetric> metrics = backends_->Metrics();
  for (admin::NodeMetric& each : offered_metrics_()) metrics.push_back(std::move(each));
  AddJournalMetrics(&metrics);
  if (online_ == nullptr) return metrics;
  const goim_logic::OnlineFigures& figures = online_->figures();
  const auto value = [](const std::atomic<uint64_t>& count) {
    return count.load(std::memory_order_relaxed);
  };
  metrics.push_back({"logic_reports_total",
                     "Reports of rooms to goim's logic, by how they ended.",
                     true,
                     {{"{outcome=\"told\"}", value(figures.told)},
                      {"{outcome=\"no_rooms\"}", value(figures.no_rooms)},
                      {"{outcome=\"failed\"}", value(figures.failed)}}});
  metrics.push_back({"logic_rooms_left_out_total",
                     "Rooms that were not in a report, for their ids are not UTF-8.",
                     true,
                     {{"", value(figures.rooms_left_out)}}});
  return metrics;
}

}  // namespace halley::gateway
