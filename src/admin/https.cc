#include "admin/https.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "config/small_file.h"

namespace halley::admin {
namespace {

constexpr size_t kFileBytesMax = 65536;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* thing) const {
    kFree(thing);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;

Bio Read(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

bool UseCertificate(const std::string& pem, SSL_CTX* context) {
  const Bio bio = Read(pem);
  const Certificate leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) return false;
  for (;;) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) return false;
    next.release();  // the context's
  }
  ERR_clear_error();  // the end of the text is one
  return true;
}

bool UseKey(const std::string& pem, SSL_CTX* context) {
  const Bio bio = Read(pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  return key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

absl::Status Unusable(absl::string_view option, absl::string_view path, absl::string_view cure) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(option, ": cannot use ", path, ": ", cure));
}

absl::StatusOr<std::string> ReadFile(absl::string_view option, const std::string& path) {
  absl::StatusOr<std::string> text = config::ReadSmallFile(path, kFileBytesMax);
  if (text.ok()) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": ", text.status().message(), ", name a readable PEM file"));
}

}  // namespace

absl::StatusOr<HttpsFiles> ReadHttps(const config::AdminOptions& options) {
  HttpsFiles files;
  if (options.tls_certificate.empty()) return files;
  const bool apart = !options.tls_key.empty();
  const absl::string_view key_option = apart ? "admin.tls_key" : "admin.tls_certificate";
  const std::string& key_path = apart ? options.tls_key : options.tls_certificate;
  absl::StatusOr<std::string> certificate = ReadFile("admin.tls_certificate", options.tls_certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile(key_option, key_path);
  if (!key.ok()) return key.status();
  files.certificate = *std::move(certificate);
  files.key = *std::move(key);
  const Context context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr || !UseCertificate(files.certificate, context.get())) {
    return Unusable("admin.tls_certificate", options.tls_certificate,
                    "name a PEM file of a certificate with its chain");
  }
  if (!UseKey(files.key, context.get())) {
    return Unusable(key_option, key_path, "name a PEM file of that certificate's private key");
  }
  return files;
}

bool HttpsIdentity::Use(const HttpsFiles& files) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr || !UseCertificate(files.certificate, context.get()) ||
      !UseKey(files.key, context.get())) {
    ERR_clear_error();
    return false;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  current_.swap(context);
  return true;
}

std::shared_ptr<SSL_CTX> HttpsIdentity::Current() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

// The certificate is chosen when a client has said its first word: what httplib makes its connections of
// must not change while they are made.
bool HttpsIdentity::Prepare(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  const auto choose = [](SSL* connection, int* alert, void* identity) {
    const std::shared_ptr<SSL_CTX> current = static_cast<HttpsIdentity*>(identity)->Current();
    // It takes a reference of its own.
    if (SSL_set_SSL_CTX(connection, current.get()) != nullptr) return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  };
  SSL_CTX_set_client_hello_cb(context, choose, this);
  return Current() != nullptr;
}

}  // namespace halley::admin
