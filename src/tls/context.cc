#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "tls/stream.h"

namespace halley::tls {
namespace {

constexpr char kCiphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCiphers13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";

absl::Status Unusable(const std::string& file, const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot use ", what, " in '", file, "': ", TakeOpensslError()));
}

}  // namespace

void ContextDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

ContextPtr NewContext(Role role, bool tls13_only) {
  ContextPtr context(SSL_CTX_new(role == Role::kServer ? TLS_server_method()
                                                       : TLS_client_method()));
  HALLEY_ASSERT(context != nullptr);
  SSL_CTX* const raw = context.get();
  HALLEY_ASSERT(SSL_CTX_set_min_proto_version(raw, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION));
  HALLEY_ASSERT(SSL_CTX_set_cipher_list(raw, kCiphers12));
  HALLEY_ASSERT(SSL_CTX_set_ciphersuites(raw, kCiphers13));
  HALLEY_ASSERT(SSL_CTX_set1_groups_list(raw, kGroups));
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  return context;
}

absl::Status UseCertificate(ssl_ctx_st* context, const Certificate& certificate) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate.chain_file.c_str()) != 1) {
    return Unusable(certificate.chain_file, "the certificate");
  }
  const std::string& key =
      certificate.key_file.empty() ? certificate.chain_file : certificate.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Unusable(key, "the private key");
  }
  return absl::OkStatus();
}

absl::Status TrustFile(ssl_ctx_st* context, const std::string& ca_file) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    return Unusable(ca_file, "the trusted certificates");
  }
  return absl::OkStatus();
}

}  // namespace halley::tls
