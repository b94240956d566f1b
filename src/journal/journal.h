// Journal: writes down what shards have to tell: the access log's lines into their file, those of traces into the
// gateway's log. One for the node.
//
// A shard never waits for it: each has a Feed, and what finds that full, or the disk, is dropped and counted.
//
// Threads    A thread of its own from Start() to Stop(), which nothing wakes: it looks at the feeds many times a
//            second. Open() and figures() on any; the rest on the main thread.
// Ownership  Owns the feeds and the file. Shards borrow their feeds, and end before Stop().
// Limits     JournalSetup::feed_entries per shard, in a pause of kPause.
// Errors     Open() says why not, and then what was open stays. A file that can no longer be written is told of once,
//            and once when it can again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "journal/feed.h"
#include "journal/line_file.h"

namespace halley::journal {

struct JournalSetup {
  uint32_t shards = 1;
  size_t feed_entries = 8192;  // a power of two
  // One line for the gateway's log; on the Journal's thread.
  std::function<void(bool warning, std::string_view line)> tell;
};

struct JournalFigures {
  uint64_t lines = 0;          // of the access log
  uint64_t dropped_queue = 0;  // of them, for a feed was full
  uint64_t dropped_disk = 0;   // and for the file could not be written
};

class Journal {
 public:
  static constexpr auto kPause = std::chrono::milliseconds(50);

  explicit Journal(JournalSetup setup);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() { Stop(); }

  Feed& feed(uint32_t shard) { return *feeds_[shard]; }

  void Start();
  // Writes what is there, and ends.
  void Stop();

  // From now on the access log's lines go there: to a file that was renamed, say, no longer. Empty: nowhere, and
  // those that come are nobody's loss.
  absl::Status Open(const std::string& path);

  JournalFigures figures() const;

  // What the thread does over and over; for tests, which have none.
  void WriteWhatIsThere();

 private:
  void Run();
  void Write(const std::string& lines, size_t count);
  void TakeFile();

  const JournalSetup setup_;
  std::atomic<uint64_t> accepted_{0};
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::atomic<uint64_t> lines_{0};
  std::atomic<uint64_t> dropped_disk_{0};

  std::mutex mutex_;
  std::condition_variable stopped_;
  std::optional<LineFile> next_file_;  // under mutex_
  bool stop_ = false;                  // under mutex_
  std::thread thread_;

  // The thread's.
  LineFile file_;
  bool failing_ = false;
};

}  // namespace halley::journal
