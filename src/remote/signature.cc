#include "remote/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/assert.h"

namespace halley::remote {

std::string Sign(std::string_view secret, uint64_t now_s, std::string_view body) {
  std::string text = absl::StrCat(now_s, ".");
  text.append(body);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  const unsigned char* const made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &bytes);
  HALLEY_ASSERT(made != nullptr);
  const absl::string_view raw(reinterpret_cast<const char*>(digest), bytes);
  return absl::StrCat("t=", now_s, ",v1=", absl::BytesToHexString(raw));
}

}  // namespace halley::remote
