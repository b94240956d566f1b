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
#include "base/assert.h"
#include "comet/comet_service.h"
#include "config/address.h"

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

void SetLimits(const config::Options& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.push.message_bytes));
  const auto set = [builder](const char* name, int value) {
    builder->AddChannelArgument(name, value);
  };
  // Or two gateways could listen on one port and each get some of the calls.
  set(GRPC_ARG_ALLOW_REUSEPORT, 0);
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(options.comet_grpc.streams));
  // Each costs every call, for books that nobody opens, and for a timer beside that of the push client,
  // which bounds a call already (comet_grpc.timeout_ms); a caller whose own time is up resets its call.
  set(GRPC_ARG_ENABLE_CHANNELZ, 0);
  set(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0);
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
    std::unique_ptr<PushClient> observer, const PemTexts& texts) {
  HALLEY_ASSERT(options.comet_grpc.tls_certificate.empty() == texts.identity.empty());
  // What callers do wrong is told to them; as lines of gRPC's it would be their way to fill our log.
  gpr_set_log_function([](gpr_log_func_args*) {});
  std::unique_ptr<CometServer> server(
      new CometServer(options, std::move(pusher), std::move(observer)));
  if (absl::Status listening = server->Listen(options, texts); !listening.ok()) return listening;
  return server;
}

absl::Status CometServer::SetCertificate(const PemTexts& texts) {
  return credentials_ == nullptr ? absl::OkStatus() : credentials_->Use(texts);
}

absl::Status CometServer::Listen(const config::Options& options, const PemTexts& texts) {
  const absl::StatusOr<std::vector<config::Address>> list =
      config::ParseAddresses(options.listen.comet_grpc);
  if (!list.ok()) return list.status();
  std::shared_ptr<grpc::ServerCredentials> shown = grpc::InsecureServerCredentials();
  if (!texts.identity.empty()) {
    auto credentials = Credentials::Create(texts);
    if (!credentials.ok()) return credentials.status();
    credentials_ = *std::move(credentials);
    shown = credentials_->server();
  }
  grpc::ServerBuilder builder;
  SetLimits(options, &builder);
  builder.RegisterService(service_.get());
  std::vector<int> ports(list->size(), 0);  // 0: it could not be bound
  for (size_t i = 0; i < list->size(); ++i) {
    const config::Address& address = (*list)[i];
    builder.AddListeningPort(HostPort(address, address.port), shown, &ports[i]);
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
