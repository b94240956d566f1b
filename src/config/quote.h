// Quote: an operator's own text inside a sentence about it: short, on one line, printable.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace halley::config {

inline std::string Quote(absl::string_view text) {
  constexpr size_t kShownBytesMax = 256;
  if (text.size() <= kShownBytesMax) return absl::StrCat("'", absl::Utf8SafeCHexEscape(text), "'");
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, kShownBytesMax)), "...'");
}

}  // namespace halley::config
