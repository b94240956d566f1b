#include "journal/line_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace halley::journal {
namespace {

// Not to wait: a FIFO without a reader would hold who opens it for ever.
constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr mode_t kMode = 0640;

absl::Status CannotOpen(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(
      "access_log.file: '", path, "' cannot be opened to add lines to it (", std::strerror(errno),
      "): name a file in a folder where the gateway's user may write, or leave the option empty"));
}

}  // namespace

LineFile::LineFile(LineFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), torn_(other.torn_) {}

LineFile& LineFile::operator=(LineFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(torn_, other.torn_);
  return *this;
}

LineFile::~LineFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<LineFile> LineFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), kFlags | O_CREAT, kMode);
  if (fd < 0) return CannotOpen(path);
  return LineFile(path, fd);
}

absl::Status LineFile::Check(const std::string& path) {
  int fd = ::open(path.c_str(), kFlags);
  const bool absent = fd < 0 && errno == ENOENT;
  if (absent) fd = ::open(path.c_str(), kFlags | O_CREAT | O_EXCL, kMode);
  if (fd < 0) return CannotOpen(path);
  ::close(fd);
  if (absent) ::unlink(path.c_str());
  return absl::OkStatus();
}

size_t LineFile::Write(std::string_view lines, int* error) {
  *error = 0;
  if (torn_) {
    if (::write(fd_, "\n", 1) != 1) {
      *error = errno;
      return 0;
    }
    torn_ = false;
  }
  size_t written = 0;
  while (written < lines.size()) {
    const ssize_t taken = ::write(fd_, lines.data() + written, lines.size() - written);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) {
      *error = taken < 0 ? errno : ENOSPC;
      break;
    }
    written += static_cast<size_t>(taken);
  }
  torn_ = written > 0 && lines[written - 1] != '\n';
  return static_cast<size_t>(std::count(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(written), '\n'));
}

}  // namespace halley::journal
