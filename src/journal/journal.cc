#include "journal/journal.h"

#include <pthread.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace halley::journal {
namespace {

// Of one write.
constexpr size_t kBatchBytes = 65536;

// Milliseconds since 1970 of a time on the monotonic clock, by what the clocks say now.
uint64_t WallMs(uint64_t at_ns) {
  using std::chrono::duration_cast, std::chrono::nanoseconds;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto monotonic = std::chrono::steady_clock::now().time_since_epoch();
  const auto ago = monotonic - nanoseconds(at_ns);
  return static_cast<uint64_t>(duration_cast<std::chrono::milliseconds>(wall - ago).count());
}

}  // namespace

Journal::Journal(JournalSetup setup) : setup_(std::move(setup)) {
  for (uint32_t shard = 0; shard < setup_.shards; ++shard) {
    feeds_.push_back(std::make_unique<Feed>(setup_.feed_entries, &accepted_));
  }
}

void Journal::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "journal");
    Run();
  });
}

void Journal::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    stopped_.notify_one();
  }
  thread_.join();
  WriteWhatIsThere();
}

void Journal::Run() {
  for (bool stop = false; !stop;) {
    WriteWhatIsThere();
    std::unique_lock<std::mutex> lock(mutex_);
    stop = stopped_.wait_for(lock, kPause, [this] { return stop_; });
  }
}

absl::Status Journal::Open(const std::string& path) {
  LineFile file;
  if (!path.empty()) {
    absl::StatusOr<LineFile> opened = LineFile::Open(path);
    if (!opened.ok()) return opened.status();
    file = *std::move(opened);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  next_file_ = std::move(file);
  return absl::OkStatus();
}

JournalFigures Journal::figures() const {
  JournalFigures figures;
  figures.lines = lines_.load(std::memory_order_relaxed);
  figures.dropped_disk = dropped_disk_.load(std::memory_order_relaxed);
  for (const auto& feed : feeds_) figures.dropped_queue += feed->dropped();
  return figures;
}

void Journal::WriteWhatIsThere() {
  std::string lines;
  size_t count = 0;
  for (const auto& feed : feeds_) {
    while (const std::unique_ptr<Entry> entry = feed->Take()) {
      if (const Line* const line = std::get_if<Line>(&entry->what)) {
        setup_.tell(/*warning=*/false, *line);
        continue;
      }
      lines += AccessLine(std::get<Ended>(entry->what), WallMs(entry->at_ns));
      ++count;
      if (lines.size() < kBatchBytes) continue;
      Write(lines, count);
      lines.clear();
      count = 0;
    }
  }
  Write(lines, count);
}

// After entries are taken and before they are written: who tells something once Open() has answered finds its
// line in the new file.
void Journal::TakeFile() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!next_file_.has_value()) return;
  file_ = *std::move(next_file_);
  next_file_.reset();
}

void Journal::Write(const std::string& lines, size_t count) {
  TakeFile();
  if (count == 0 || !file_.open()) return;
  int error = 0;
  const size_t written = file_.Write(lines, &error);
  lines_.fetch_add(written, std::memory_order_relaxed);
  dropped_disk_.fetch_add(count - written, std::memory_order_relaxed);
  const bool fails = written < count;
  if (fails && !failing_) {
    setup_.tell(/*warning=*/true,
                absl::StrCat("the access log's lines are lost, for '", file_.path(), "' cannot be written (",
                             std::strerror(error), "): make room, or name another file and reload"));
  } else if (!fails && failing_) {
    setup_.tell(/*warning=*/false, absl::StrCat("the access log is written again, to '", file_.path(), "'"));
  }
  failing_ = fails;
}

}  // namespace halley::journal
