// Guard: whose admin requests are served.
//
// With a token, those that show it (RFC 6750: "Authorization: Bearer TOKEN"). Without one only
// loopback is listened on, where a browser of this host may be made to ask by any page it has open:
// so the Host must be a name of loopback (else a page's own name, pointed here, would do), and an
// Origin, which browsers put on every POST of a page's, must be the host's own.
//
// Threads    Any.
#pragma once

#include <array>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"

namespace halley::admin {

// Headers of a request, as they came; empty where there is none.
struct Credentials {
  absl::string_view authorization;
  absl::string_view host;
  absl::string_view origin;
  bool secure = false;  // they came over HTTPS
};

enum class Admission { kWelcome, kUnauthorized, kForbidden };

class Guard {
 public:
  explicit Guard(absl::string_view token);

  Admission Admit(const Credentials& shown) const;
  // For requests that come from now on.
  void SetToken(absl::string_view token);
  // To what is the same for everybody and tells nothing: the page that asks for the token. Where there
  // is one, it is not needed for that; without one, the same are served as ever.
  Admission AdmitToPage(const Credentials& shown) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  static Digest DigestOf(absl::string_view text);

  mutable std::mutex mutex_;  // of the two below
  bool has_token_;
  Digest token_digest_;
};

}  // namespace halley::admin
