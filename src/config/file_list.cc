#include "config/file_list.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/quote.h"

namespace halley::config {

absl::StatusOr<std::vector<std::string>> ParseFileList(absl::string_view list) {
  std::vector<std::string> files;
  if (absl::StripAsciiWhitespace(list).empty()) return files;
  for (const absl::string_view item : absl::StrSplit(list, ',')) {
    const absl::string_view file = absl::StripAsciiWhitespace(item);
    if (file.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quote(list), " has an empty name: remove the comma too many"));
    }
    files.emplace_back(file);
  }
  if (files.size() > kFilesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.size(), " files are too many: name at most ", kFilesMax));
  }
  return files;
}

}  // namespace halley::config
