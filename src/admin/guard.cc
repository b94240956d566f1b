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

void Guard::SetToken(absl::string_view token) {
  const std::lock_guard lock(mutex_);
  has_token_ = !token.empty();
  token_digest_ = DigestOf(token);
}

Admission Guard::Admit(const Credentials& shown) const {
  bool has_token;
  Digest wanted;
  {
    const std::lock_guard lock(mutex_);
    has_token = has_token_;
    wanted = token_digest_;
  }
  if (!has_token) {
    if (!IsLoopbackHost(shown.host)) return Admission::kForbidden;
    const bool own = shown.origin.empty() ||
                     absl::EqualsIgnoreCase(
                         shown.origin, absl::StrCat(shown.secure ? "https://" : "http://", shown.host));
    return own ? Admission::kWelcome : Admission::kForbidden;
  }
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(shown.authorization, kScheme)) return Admission::kUnauthorized;
  // Digests, so that the time taken tells nothing of the token, its length included.
  const Digest digest =
      DigestOf(absl::StripAsciiWhitespace(shown.authorization.substr(kScheme.size())));
  return CRYPTO_memcmp(digest.data(), wanted.data(), digest.size()) == 0
             ? Admission::kWelcome
             : Admission::kUnauthorized;
}

Admission Guard::AdmitToPage(const Credentials& shown) const {
  const Admission admission = Admit(shown);
  // Nobody is unauthorized where there is no token.
  return admission == Admission::kUnauthorized ? Admission::kWelcome : admission;
}

}  // namespace halley::admin
