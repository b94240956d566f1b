// LineFile: a file that lines are added to, by one writer among others.
//
// What a full disk has taken half of is never taken for a line: the next write begins a new one.
//
// Threads    Open() and Check() on any; a LineFile on one at a time.
// Ownership  Owns the descriptor.
// Errors     Open() and Check() say what, why and what to do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace halley::journal {

class LineFile {
 public:
  // Of no file.
  LineFile() = default;
  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&& other) noexcept;
  ~LineFile();

  // Makes it where there is none, for its owner to write and its group to read.
  static absl::StatusOr<LineFile> Open(const std::string& path);
  // Whether Open() would. A file that was not there is not there afterwards.
  static absl::Status Check(const std::string& path);

  bool open() const { return fd_ >= 0; }
  const std::string& path() const { return path_; }

  // How many of the lines, each with its end, were written whole; fewer than there are: `*error` is why (errno).
  size_t Write(std::string_view lines, int* error);

 private:
  LineFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
  bool torn_ = false;  // what was written last is no whole line
};

}  // namespace halley::journal
