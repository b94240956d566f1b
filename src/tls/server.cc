#include "tls/server.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::tls {
namespace {

constexpr unsigned char kSessionContext[] = "halley";

// Chooses from ours in our order (RFC 7301 3.2). A client that offers only others is sent away,
// one that offers nothing is not.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                   const unsigned char* offered, unsigned int offered_bytes, void* ours) {
  const auto& wire = *static_cast<const std::string*>(ours);
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(
      &found, chosen_bytes, reinterpret_cast<const unsigned char*>(wire.data()),
      static_cast<unsigned int>(wire.size()), offered, offered_bytes);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

bool IsFor(SSL_CTX* context, const char* name) {
  return X509_check_host(SSL_CTX_get0_certificate(context), name, 0, 0, nullptr) == 1;
}

}  // namespace

struct Server::Contexts {
  std::vector<ContextPtr> each;  // by certificate

  static int OnServerName(SSL* ssl, int*, void* contexts) {
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    for (const ContextPtr& context : static_cast<const Contexts*>(contexts)->each) {
      if (!IsFor(context.get(), name)) continue;
      SSL_set_SSL_CTX(ssl, context.get());
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
  }
};

Server::Server(const ServerOptions& options) : options_(options) {
  for (const std::string& protocol : options.protocols) {
    HALLEY_ASSERT(!protocol.empty() && protocol.size() < 256);
    protocols_wire_ += static_cast<char>(protocol.size());
    protocols_wire_ += protocol;
  }
  if (options.ticket_period_s > 0) {
    ticket_keys_ = std::make_unique<TicketKeys>(options.ticket_period_s);
  }
}

Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerOptions& options) {
  if (options.certificates.empty()) {
    return absl::InvalidArgumentError("there is no certificate to show");
  }
  std::unique_ptr<Server> server(new Server(options));
  if (absl::Status loaded = server->Reload(); !loaded.ok()) return loaded;
  return server;
}

absl::Status Server::Reload() {
  absl::StatusOr<std::shared_ptr<const Contexts>> loaded = Load();
  if (!loaded.ok()) return loaded.status();
  const std::lock_guard lock(mutex_);
  contexts_ = *std::move(loaded);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Server::Contexts>> Server::Load() const {
  auto contexts = std::make_shared<Contexts>();
  for (const Certificate& certificate : options_.certificates) {
    absl::StatusOr<ContextPtr> context = NewServerContext(certificate);
    if (!context.ok()) return context.status();
    SSL_CTX_set_tlsext_servername_callback(context->get(), &Contexts::OnServerName);
    SSL_CTX_set_tlsext_servername_arg(context->get(), contexts.get());
    contexts->each.push_back(*std::move(context));
  }
  return contexts;
}

absl::StatusOr<ContextPtr> Server::NewServerContext(const Certificate& certificate) const {
  ContextPtr context = NewContext(Role::kServer, options_.tls13_only);
  SSL_CTX* const raw = context.get();
  if (absl::Status used = UseCertificate(raw, certificate); !used.ok()) return used;
  // Sessions are taken up only where they came from, whichever certificate was shown.
  SSL_CTX_set_session_id_context(raw, kSessionContext, sizeof kSessionContext - 1);
  if (ticket_keys_ != nullptr) {
    ticket_keys_->Serve(raw);
    SSL_CTX_set_num_tickets(raw, 1);
  } else {
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(raw, 0);
  }
  if (!protocols_wire_.empty()) {
    SSL_CTX_set_alpn_select_cb(raw, &ChooseProtocol, const_cast<std::string*>(&protocols_wire_));
  }
  if (options_.client_certificate == ClientCertificate::kNotAsked) return context;
  if (absl::Status trusted = TrustFile(raw, options_.client_ca_file); !trusted.ok()) return trusted;
  SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(options_.client_ca_file.c_str()));
  int mode = SSL_VERIFY_PEER;
  if (options_.client_certificate == ClientCertificate::kRequired) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(raw, mode, nullptr);
  return context;
}

std::unique_ptr<Stream> Server::Accept() {
  std::shared_ptr<const Contexts> contexts;
  {
    const std::lock_guard lock(mutex_);
    contexts = contexts_;
  }
  SslPtr ssl(SSL_new(contexts->each.front().get()));
  HALLEY_ASSERT(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  return std::make_unique<Stream>(std::move(ssl), std::move(contexts));
}

}  // namespace halley::tls
