#include "gateway/tls_servers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/file_list.h"

namespace halley::gateway {
namespace {

tls::ServerOptions BaseOptions(const config::TlsOptions& options) {
  tls::ServerOptions server;
  server.tls13_only = options.min_version == config::TlsVersion::k13;
  server.ticket_period_s = options.ticket_period_s;
  return server;
}

absl::StatusOr<tls::ServerOptions> ClientOptions(const config::TlsOptions& options) {
  tls::ServerOptions server = BaseOptions(options);
  absl::StatusOr<std::vector<std::string>> chains = config::ParseFileList(options.certificates);
  if (!chains.ok()) return chains.status();
  absl::StatusOr<std::vector<std::string>> keys = config::ParseFileList(options.keys);
  if (!keys.ok()) return keys.status();
  for (size_t i = 0; i < chains->size(); ++i) {
    server.certificates.push_back({(*chains)[i], keys->empty() ? std::string() : (*keys)[i]});
  }
  if (options.client_ca.empty()) return server;
  server.client_ca_file = options.client_ca;
  server.client_certificate = options.client_certificates == config::ClientCertificates::kRequired
                                  ? tls::ClientCertificate::kRequired
                                  : tls::ClientCertificate::kOptional;
  return server;
}

tls::ServerOptions PushOptions(const config::Options& options) {
  tls::ServerOptions server = BaseOptions(options.tls);
  server.certificates = {{options.push.tls_certificate, options.push.tls_key}};
  if (options.push.tls_client_ca.empty()) return server;
  server.client_ca_file = options.push.tls_client_ca;
  server.client_certificate = tls::ClientCertificate::kRequired;
  return server;
}

// gRPC reads these files for itself, and says nothing of what is wrong with them.
absl::Status CheckComet(const config::CometGrpcOptions& options) {
  if (options.tls_certificate.empty()) return absl::OkStatus();
  tls::ServerOptions server;
  server.certificates = {{options.tls_certificate, options.tls_key}};
  server.client_ca_file = options.tls_client_ca;
  return tls::Server::Create(server).status();
}

// Whether clients connect inside TLS, to speak HTTP or something else.
bool AnySecure(const config::ListenOptions& listen, bool http) {
  return std::ranges::any_of(config::kListeners, [&](const config::ListenerSpec& listener) {
    return listener.tls && listener.SpeaksHttp() == http && !(listen.*listener.list).empty();
  });
}

absl::Status Create(const tls::ServerOptions& options, std::unique_ptr<tls::Server>* server) {
  absl::StatusOr<std::unique_ptr<tls::Server>> created = tls::Server::Create(options);
  if (!created.ok()) return created.status();
  *server = *std::move(created);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TlsServers> TlsServers::Load(const config::Options& options) {
  TlsServers servers;
  absl::Status status;
  if (!options.tls.certificates.empty()) {
    absl::StatusOr<tls::ServerOptions> client = ClientOptions(options.tls);
    if (!client.ok()) return client.status();
    if (AnySecure(options.listen, /*http=*/false)) status = Create(*client, &servers.tcp);
    client->protocols = {"http/1.1"};
    if (status.ok() && AnySecure(options.listen, /*http=*/true)) status = Create(*client, &servers.ws);
  }
  if (status.ok() && !options.push.tls_certificate.empty()) {
    status = Create(PushOptions(options), &servers.push);
  }
  status.Update(CheckComet(options.comet_grpc));
  if (!status.ok()) return status;
  return servers;
}

tls::Server* TlsServers::Of(const config::ListenerSpec& listener) const {
  if (listener.kind == config::ListenerKind::kPush) return push.get();
  if (!listener.tls) return nullptr;
  return listener.SpeaksHttp() ? ws.get() : tcp.get();
}

absl::Status TlsServers::Reload() {
  absl::Status first;
  for (tls::Server* const server : {tcp.get(), ws.get(), push.get()}) {
    if (server == nullptr) continue;
    if (absl::Status status = server->Reload(); !status.ok() && first.ok()) first = status;
  }
  return first;
}

}  // namespace halley::gateway
