#include "comet/comet_server.h"

#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "comet/comet_service.h"
#include "config/address.h"
#include "config/small_file.h"

namespace halley::comet {
namespace {

// goim's clients ping every 10 s, with or without calls; gRPC's own default would send them away.
constexpr int kPingIntervalMs = 5000;
// goim's, of its example configuration.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kConnectionAgeMs = 2 * 60 * 60 * 1000;
constexpr int kConnectionGraceMs = 20'000;
// Of the TLS handshake and HTTP/2's first frame.
constexpr int kHandshakeMs = 5000;
// Largest calls that may be in memory at a time, over all connections.
constexpr size_t kQuotaMessages = 64;
constexpr size_t kQuotaBytesMin = 64 << 20;
constexpr auto kShutdown = std::chrono::seconds(1);
constexpr size_t kPemBytesMax = 1 << 20;

absl::Status ReadPem(const std::string& path, std::string* text) {
  absl::StatusOr<std::string> read = config::ReadSmallFile(path, kPemBytesMax);
  if (!read.ok()) return read.status();
  *text = *std::move(read);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(
    const config::CometGrpcOptions& options) {
  if (options.tls_certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls(
      options.tls_client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                    : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_key_cert_pairs.emplace_back();
  auto& own = tls.pem_key_cert_pairs.front();
  absl::Status read = ReadPem(options.tls_certificate, &own.cert_chain);
  const bool beside = options.tls_key.empty();
  if (read.ok()) read = ReadPem(beside ? options.tls_certificate : options.tls_key, &own.private_key);
  if (read.ok() && !options.tls_client_ca.empty()) {
    read = ReadPem(options.tls_client_ca, &tls.pem_root_certs);
  }
  if (!read.ok()) return read;
  return grpc::SslServerCredentials(tls);
}

void SetLimits(const config::Options& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.push.message_bytes));
  const auto set = [builder](const char* name, int value) {
    builder->AddChannelArgument(name, value);
  };
  // Or two gateways could listen on one port and each get some of the calls.
  set(GRPC_ARG_ALLOW_REUSEPORT, 0);
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(options.comet_grpc.streams));
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingIntervalMs);
  set(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  set(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
  set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionGraceMs);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  grpc::ResourceQuota quota("comet");
  quota.Resize(std::max(kQuotaBytesMin, kQuotaMessages * options.push.message_bytes));
  builder->SetResourceQuota(quota);
}

std::string HostPort(const config::Address& address, int port) {
  return address.ipv6 ? absl::StrCat("[", address.host, "]:", port)
                      : absl::StrCat(address.host, ":", port);
}

}  // namespace

CometServer::CometServer(const config::Options& options, std::unique_ptr<PushClient> pusher,
                         std::unique_ptr<PushClient> observer)
    : pusher_(std::move(pusher)),
      observer_(std::move(observer)),
      service_(std::make_unique<CometService>(pusher_.get(), observer_.get(),
                                              options.comet_grpc.calls)) {}

CometServer::~CometServer() {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kShutdown);
}

absl::StatusOr<std::unique_ptr<CometServer>> CometServer::Create(
    const config::Options& options, std::unique_ptr<PushClient> pusher,
    std::unique_ptr<PushClient> observer) {
  // What callers do wrong is told to them; as lines of gRPC's it would be their way to fill our log.
  gpr_set_log_function([](gpr_log_func_args*) {});
  std::unique_ptr<CometServer> server(
      new CometServer(options, std::move(pusher), std::move(observer)));
  if (absl::Status listening = server->Listen(options); !listening.ok()) return listening;
  return server;
}

absl::Status CometServer::Listen(const config::Options& options) {
  const absl::StatusOr<std::vector<config::Address>> list =
      config::ParseAddresses(options.listen.comet_grpc);
  if (!list.ok()) return list.status();
  auto credentials = Credentials(options.comet_grpc);
  if (!credentials.ok()) return credentials.status();
  grpc::ServerBuilder builder;
  SetLimits(options, &builder);
  builder.RegisterService(service_.get());
  std::vector<int> ports(list->size(), 0);  // 0: it could not be bound
  for (size_t i = 0; i < list->size(); ++i) {
    const config::Address& address = (*list)[i];
    builder.AddListeningPort(HostPort(address, address.port), *credentials, &ports[i]);
  }
  server_ = builder.BuildAndStart();
  for (size_t i = 0; i < list->size(); ++i) {
    if (server_ != nullptr && ports[i] > 0) {
      addresses_.push_back(HostPort((*list)[i], ports[i]));
      continue;
    }
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", options.listen.comet_grpc, " for goim's job: is another process using "
        "it? End that one or choose another port for listen.comet_grpc"));
  }
  return absl::OkStatus();
}

}  // namespace halley::comet
