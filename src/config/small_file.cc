#include "config/small_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "config/quote.h"

namespace halley::config {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

absl::Status CannotRead(const std::string& path, absl::string_view why) {
  return absl::NotFoundError(absl::StrCat("cannot read ", Quote(path), ": ", why));
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max) {
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return CannotRead(path, std::strerror(errno));
  std::string content;
  char piece[4096];
  while (true) {
    const size_t bytes = std::fread(piece, 1, sizeof piece, file.get());
    content.append(piece, bytes);
    if (content.size() > bytes_max) {
      return CannotRead(path, absl::StrCat("it is larger than ", bytes_max, " bytes"));
    }
    if (bytes == sizeof piece) continue;
    if (std::ferror(file.get())) return CannotRead(path, std::strerror(errno));
    return content;
  }
}

}  // namespace halley::config
