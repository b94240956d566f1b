// Gateway: the access log, and traces: what shards have to tell and somebody else writes down.
#include <utility>
#include <vector>

#include "gateway/gateway.h"
#include "journal/line_file.h"

namespace halley::gateway {

// By who the gateway is by now, for that user opens it again. It is only tried: what is open when shards copy their
// tables stays open in them, and with it a file that was renamed and removed.
absl::Status Gateway::OpenJournal() {
  if (!options_.access_log.file.empty()) {
    if (absl::Status good = journal::LineFile::Check(options_.access_log.file); !good.ok()) return good;
  }
  journal::JournalSetup setup;
  setup.shards = options_.shard.shards;
  setup.tell = [this](bool warning, std::string_view line) { tell_of_journal_(warning, line); };
  journal_ = std::make_unique<journal::Journal>(std::move(setup));
  return absl::OkStatus();
}

absl::Status Gateway::StartJournal() {
  if (absl::Status opened = journal_->Open(options_.access_log.file); !opened.ok()) return opened;
  journal_->Start();
  return absl::OkStatus();
}

void Gateway::AddJournalMetrics(std::vector<admin::NodeMetric>* metrics) const {
  const journal::JournalFigures figures = journal_->figures();
  metrics->push_back({"access_log_lines_total", "Lines of the access log that were written.", true,
                      {{"", figures.lines}}});
  metrics->push_back({"access_log_dropped_total",
                      "Lines of the access log that were lost, for a shard had more than its queue holds or the file "
                      "could not be written.",
                      true,
                      {{"{reason=\"queue\"}", figures.dropped_queue},
                       {"{reason=\"disk\"}", figures.dropped_disk}}});
}

}  // namespace halley::gateway
