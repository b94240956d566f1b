#include "halley-load/signed_token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/assert.h"

namespace halley::load {
namespace {

constexpr absl::string_view kHeader = R"({"alg":"HS256"})";

// Without padding (RFC 7515 2).
std::string Base64Url(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

}  // namespace

std::string SignedToken(int64_t mid, std::string_view key, std::string_view room,
                        absl::Span<const int32_t> accepts, int64_t expires_s,
                        std::string_view secret) {
  std::string claims = absl::StrCat("{\"sub\":\"", absl::string_view(key.data(), key.size()),
                                    "\",\"mid\":", mid, ",\"exp\":", expires_s);
  if (!room.empty()) {
    absl::StrAppend(&claims, ",\"room_id\":\"", absl::string_view(room.data(), room.size()), "\"");
  }
  absl::StrAppend(&claims, ",\"accepts\":[", absl::StrJoin(accepts, ","), "]}");
  const std::string text = absl::StrCat(Base64Url(kHeader), ".", Base64Url(claims));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const unsigned char* const made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  HALLEY_ASSERT(made != nullptr);
  return absl::StrCat(text, ".",
                      Base64Url(absl::string_view(reinterpret_cast<const char*>(digest), size)));
}

}  // namespace halley::load
