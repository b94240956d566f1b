#include "tls/client.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::tls {
namespace {

bool IsAddress(const std::string& name) {
  unsigned char address[16];
  return ::inet_pton(AF_INET, name.c_str(), address) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), address) == 1;
}

}  // namespace

Client::Client(ContextPtr context, const ClientOptions& options)
    : context_(std::move(context)), verify_(options.verify) {
  if (options.protocol.empty()) return;
  HALLEY_ASSERT(options.protocol.size() < 256);
  protocol_wire_ = static_cast<char>(options.protocol.size()) + options.protocol;
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  ContextPtr context = NewContext(Role::kClient, /*tls13_only=*/false);
  SSL_CTX* const raw = context.get();
  if (options.verify) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (options.ca_file.empty()) {
      SSL_CTX_set_default_verify_paths(raw);
    } else if (absl::Status trusted = TrustFile(raw, options.ca_file); !trusted.ok()) {
      return trusted;
    }
  }
  if (!options.certificate.chain_file.empty()) {
    if (absl::Status used = UseCertificate(raw, options.certificate); !used.ok()) return used;
  }
  return std::unique_ptr<Client>(new Client(std::move(context), options));
}

std::unique_ptr<Stream> Client::Connect(const std::string& server_name) {
  SslPtr ssl(SSL_new(context_.get()));
  HALLEY_ASSERT(ssl != nullptr);
  SSL* const raw = ssl.get();
  SSL_set_connect_state(raw);
  if (IsAddress(server_name)) {
    if (verify_) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), server_name.c_str());
  } else {
    SSL_set_tlsext_host_name(raw, server_name.c_str());
    if (verify_) SSL_set1_host(raw, server_name.c_str());
  }
  if (!protocol_wire_.empty()) {
    SSL_set_alpn_protos(raw, reinterpret_cast<const unsigned char*>(protocol_wire_.data()),
                        static_cast<unsigned int>(protocol_wire_.size()));
  }
  return std::make_unique<Stream>(std::move(ssl), nullptr);
}

}  // namespace halley::tls
