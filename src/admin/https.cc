#include "admin/https.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "absl/strings/str_cat.h"

namespace halley::admin {
namespace {

absl::Status Bad(absl::string_view option, absl::string_view path, absl::string_view cure) {
  char why[256] = "nothing is said of why";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, why, sizeof why);
  ERR_clear_error();
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": cannot use ", path, " (", why, "): ", cure));
}

}  // namespace

bool PrepareHttps(const config::AdminOptions& options, SSL_CTX& context, absl::Status* status) {
  ERR_clear_error();
  const std::string& certificate = options.tls_certificate;
  const std::string& key = options.tls_key.empty() ? certificate : options.tls_key;
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_use_certificate_chain_file(&context, certificate.c_str()) != 1) {
    *status = Bad("admin.tls_certificate", certificate, "name a PEM file of a certificate with its chain");
  } else if (SSL_CTX_use_PrivateKey_file(&context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    *status = Bad(options.tls_key.empty() ? "admin.tls_certificate" : "admin.tls_key", key,
                  "name a PEM file with the certificate's private key");
  } else {
    *status = absl::OkStatus();
  }
  return status->ok();
}

}  // namespace halley::admin
