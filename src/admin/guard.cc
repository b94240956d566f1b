#include "admin/guard.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace halley::admin {
namespace {

// "127.0.0.1:3111", "[::1]", "localhost:80".
bool IsLoopbackHost(absl::string_view host) {
  absl::string_view name = host;
  const size_t colon = host.rfind(':');
  if (colon != absl::string_view::npos && host.find(']', colon) == absl::string_view::npos) {
    name = host.substr(0, colon);
  }
  return absl::EqualsIgnoreCase(name, "localhost") || name == "127.0.0.1" || name == "[::1]";
}

}  // namespace

Guard::Guard(absl::string_view token)
    : has_token_(!token.empty()), token_digest_(DigestOf(token)) {}

Guard::Digest Guard::DigestOf(absl::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

Admission Guard::Admit(const Credentials& shown) const {
  if (!has_token_) {
    if (!IsLoopbackHost(shown.host)) return Admission::kForbidden;
    const bool own = shown.origin.empty() ||
                     absl::EqualsIgnoreCase(shown.origin, absl::StrCat("http://", shown.host));
    return own ? Admission::kWelcome : Admission::kForbidden;
  }
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(shown.authorization, kScheme)) return Admission::kUnauthorized;
  // Digests, so that the time taken tells nothing of the token, its length included.
  const Digest digest =
      DigestOf(absl::StripAsciiWhitespace(shown.authorization.substr(kScheme.size())));
  return CRYPTO_memcmp(digest.data(), token_digest_.data(), digest.size()) == 0
             ? Admission::kWelcome
             : Admission::kUnauthorized;
}

Admission Guard::AdmitToPage(const Credentials& shown) const {
  return has_token_ ? Admission::kWelcome : Admit(shown);
}

}  // namespace halley::admin
