#include "config/suggest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace halley::config {
namespace {

// Longer words are nobody's typing error, and the distance is quadratic.
constexpr size_t kWordBytesMax = 64;

// Levenshtein's: the fewest insertions, removals and replacements. '-' and '_' are the same here.
size_t Distance(absl::string_view from, absl::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      const char a = from[i - 1] == '-' ? '_' : from[i - 1];
      const char b = to[j - 1] == '-' ? '_' : to[j - 1];
      const size_t replaced = diagonal + (a == b ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[to.size()];
}

absl::string_view WithoutSection(absl::string_view name) {
  name = absl::StripPrefix(name, "--");
  const size_t dot = name.rfind('.');
  return dot == absl::string_view::npos ? name : name.substr(dot + 1);
}

}  // namespace

std::string DidYouMean(absl::string_view word, absl::Span<const std::string> candidates,
                       absl::string_view otherwise) {
  if (word.size() > kWordBytesMax) return std::string(otherwise);
  absl::string_view nearest;
  size_t nearest_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t whole = Distance(word, candidate);
    const size_t last = Distance(WithoutSection(word), WithoutSection(candidate)) + 1;
    const size_t distance = std::min(whole, last);
    if (distance < nearest_distance) {
      nearest = candidate;
      nearest_distance = distance;
    }
  }
  if (nearest.empty()) return std::string(otherwise);
  return absl::StrCat("did you mean ", nearest, "?");
}

}  // namespace halley::config
