#include "backend/base64url.h"

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace halley::backend {

bool DecodeBase64Url(std::string_view text, std::string* bytes) {
  // abseil takes padding, white space and stray bits too: what it would not write itself is refused.
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), bytes)) return false;
  return absl::WebSafeBase64Escape(*bytes) == text;
}

}  // namespace halley::backend
