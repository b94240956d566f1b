// The option table: where connections come from, and what serves them.
#include <iterator>

#include "absl/strings/string_view.h"
#include "config/spec_makers.h"
#include "config/table_parts.h"

namespace halley::config {
namespace {

constexpr absl::string_view kIoEngines[] = {"auto", "uring", "epoll"};
static_assert(std::size(kIoEngines) == static_cast<size_t>(IoEngine::kEpoll) + 1);
constexpr absl::string_view kClientCertificates[] = {"optional", "required"};
static_assert(std::size(kClientCertificates) ==
              static_cast<size_t>(ClientCertificates::kRequired) + 1);
constexpr absl::string_view kTlsVersions[] = {"1.2", "1.3"};
static_assert(std::size(kTlsVersions) == static_cast<size_t>(TlsVersion::k13) + 1);

constexpr auto kListen = &Options::listen;
constexpr auto kTls = &Options::tls;
constexpr auto kShard = &Options::shard;
constexpr auto kIo = &Options::io;

constexpr OptionSpec kRows[] = {
    Text<kListen, &ListenOptions::tcp>(
        {"listen", "tcp", "--tcp"}, Kind::kAddresses, kTextBytesMax,
        "where goim TCP clients connect; port 0 picks a free one; empty: nowhere"),
    Text<kListen, &ListenOptions::ws>(
        {"listen", "ws", "--ws"}, Kind::kAddresses, kTextBytesMax,
        "where goim WebSocket clients connect; port 0 picks a free one; empty: nowhere"),
    Text<kListen, &ListenOptions::tcp_tls>(
        {"listen", "tcp_tls", "--tcp-tls"}, Kind::kAddresses, kTextBytesMax,
        "where goim TCP clients connect inside TLS; needs tls.certificates; empty: nowhere"),
    Text<kListen, &ListenOptions::wss>(
        {"listen", "wss", "--wss"}, Kind::kAddresses, kTextBytesMax,
        "where WebSocket clients connect inside TLS; needs tls.certificates; empty: nowhere"),
    Text<kListen, &ListenOptions::push>(
        {"listen", "push", "--push"}, Kind::kAddresses, kTextBytesMax,
        "where backends connect to push; beyond loopback only with a secret; empty: nowhere"),
    Text<kListen, &ListenOptions::admin>(
        {"listen", "admin", "--admin"}, Kind::kAddresses, kTextBytesMax,
        "where metrics, health and goim's HTTP push API are served; beyond loopback only with a "
        "token; empty: nowhere"),
    Text<kListen, &ListenOptions::comet_grpc>(
        {"listen", "comet_grpc"}, Kind::kAddresses, kTextBytesMax,
        "where goim's job calls this node as a comet, over gRPC (3109 there); beyond loopback only with "
        "comet_grpc.tls_client_ca or insecure; empty: nowhere"),
    Text<kListen, &ListenOptions::proxies>(
        {"listen", "proxies", "--proxies"}, Kind::kNetworks, kTextBytesMax,
        "networks of proxies and load balancers, whose word about a client's address is believed "
        "(X-Forwarded-For); empty: nobody's"),
    Choice<kListen, &ListenOptions::proxy_protocol>(
        {"listen", "proxy_protocol"}, kSwitch,
        "on: connections from listen.proxies to clients' listeners begin with a PROXY header, "
        "version 1 or 2, which says whose they are"),
    Text<kListen, &ListenOptions::gopush_tcp>(
        {"listen", "gopush_tcp"}, Kind::kAddresses, kTextBytesMax,
        "where gopush-cluster's TCP clients connect (6969 there); port 0 picks a free one; empty: "
        "nowhere"),
    Text<kListen, &ListenOptions::gopush_tcp_tls>(
        {"listen", "gopush_tcp_tls"}, Kind::kAddresses, kTextBytesMax,
        "where gopush-cluster's TCP clients connect inside TLS; needs tls.certificates; empty: nowhere"),
    Text<kListen, &ListenOptions::gopusher>(
        {"listen", "gopusher"}, Kind::kAddresses, kTextBytesMax,
        "where Gopusher's clients connect (8900 there); port 0 picks a free one; empty: nowhere"),
    Text<kListen, &ListenOptions::gopusher_tls>(
        {"listen", "gopusher_tls"}, Kind::kAddresses, kTextBytesMax,
        "where Gopusher's clients connect inside TLS; needs tls.certificates; empty: nowhere"),
    Text<kListen, &ListenOptions::v1_tcp>(
        {"listen", "v1_tcp"}, Kind::kAddresses, kTextBytesMax,
        "where goim v1's TCP clients connect (8080 there); port 0 picks a free one; empty: nowhere"),
    Text<kListen, &ListenOptions::v1_tcp_tls>(
        {"listen", "v1_tcp_tls"}, Kind::kAddresses, kTextBytesMax,
        "where goim v1's TCP clients connect inside TLS; needs tls.certificates; empty: nowhere"),
    Text<kListen, &ListenOptions::v1_ws>(
        {"listen", "v1_ws"}, Kind::kAddresses, kTextBytesMax,
        "where goim v1's WebSocket clients connect (8090 there); port 0 picks a free one; empty: "
        "nowhere"),
    Text<kListen, &ListenOptions::v1_wss>(
        {"listen", "v1_wss"}, Kind::kAddresses, kTextBytesMax,
        "where goim v1's WebSocket clients connect inside TLS; needs tls.certificates; empty: nowhere"),
    Number<kListen, &ListenOptions::backlog>(
        {"listen", "backlog"}, Kind::kCount, {1, 65535},
        "connections that may wait to be accepted, per shard and address"),
    Number<kListen, &ListenOptions::send_buffer_bytes>(
        {"listen", "send_buffer_bytes"}, Kind::kBytes, {4 * kKiB, 64 * kMiB},
        "the kernel's send buffer of a client (SO_SNDBUF)"),
    Number<kListen, &ListenOptions::receive_buffer_bytes>(
        {"listen", "receive_buffer_bytes"}, Kind::kBytes, {2 * kKiB, 64 * kMiB},
        "the kernel's receive buffer of a client (SO_RCVBUF)"),
    Number<kListen, &ListenOptions::notsent_lowat_bytes>(
        {"listen", "notsent_lowat_bytes"}, Kind::kBytes, {1 * kKiB, 64 * kMiB},
        "unsent bytes above which a client counts as slow (TCP_NOTSENT_LOWAT)"),
    Number<kListen, &ListenOptions::keepalive_s>(
        {"listen", "keepalive_s"}, Kind::kSeconds, {0, 9 * 60 * 60},
        "silence after which the kernel probes a client (TCP_KEEPIDLE); 0: never"),
    Number<kListen, &ListenOptions::user_timeout_ms>(
        {"listen", "user_timeout_ms"}, Kind::kMilliseconds, {0, kDayMs},
        "how long sent bytes may stay unacknowledged, or a client's window shut "
        "(TCP_USER_TIMEOUT); 0: the kernel's default"),
    Number<kListen, &ListenOptions::defer_accept_s>(
        {"listen", "defer_accept_s"}, Kind::kSeconds, {0, 60},
        "how long the kernel keeps back a client that has not sent a byte (TCP_DEFER_ACCEPT); "
        "0: not at all"),

    Text<kTls, &TlsOptions::certificates>(
        {"tls", "certificates", "--tls-certificates"}, Kind::kFiles, kTextBytesMax,
        "PEM files of certificates with their chains, separated by commas; a client gets the first "
        "that is for the name it asks for; read again at SIGHUP"),
    Text<kTls, &TlsOptions::keys>(
        {"tls", "keys", "--tls-keys"}, Kind::kFiles, kTextBytesMax,
        "their private keys, in the same order; empty: they are in the same files"),
    Text<kTls, &TlsOptions::client_ca>(
        {"tls", "client_ca"}, Kind::kFile, kTextBytesMax,
        "who may sign the certificates of clients; empty: clients are not asked for any"),
    Choice<kTls, &TlsOptions::client_certificates>(
        {"tls", "client_certificates"}, kClientCertificates,
        "with tls.client_ca: whether a client without a certificate is let in"),
    Choice<kTls, &TlsOptions::min_version>(
        {"tls", "min_version"}, kTlsVersions, "the oldest version of TLS that is spoken"),
    Number<kTls, &TlsOptions::ticket_period_s>(
        {"tls", "ticket_period_s"}, Kind::kSeconds, {0, 7 * 24 * 60 * 60},
        "how often the keys of session tickets change; a client that comes back within that time "
        "is let in without a full handshake; 0: no tickets"),
    Number<kTls, &TlsOptions::handshakes>(
        {"tls", "handshakes"}, Kind::kCount, {1, 1024},
        "steps of TLS handshakes before a shard's turn goes on"),

    Number<kShard, &ShardOptions::shards>(
        {"shard", "shards", "--shards"}, Kind::kCount, {0, 256},
        "threads that serve connections; 0: one per CPU of shard.cpus"),
    Text<kShard, &ShardOptions::cpus>(
        {"shard", "cpus", "--cpus"}, Kind::kCpus, kTextBytesMax,
        "CPUs that shards are pinned to in turn, or share where there are more shards, like 0-3,8; empty: "
        "all that are allowed"),
    Number<kShard, &ShardOptions::buckets>(
        {"shard", "buckets"}, Kind::kCount, {1, 4096},
        "slices of a shard's channels and rooms"),
    Number<kShard, &ShardOptions::connections_max>(
        {"shard", "connections_max"}, Kind::kCount, {0, 16'000'000},
        "client connections on this node (0: as many as descriptors allow); more are closed as "
        "server_full"),
    Number<kShard, &ShardOptions::flush_sends>(
        {"shard", "flush_sends"}, Kind::kCount, {1, 4096},
        "members that one room may send to before the turn goes on; as many fewer as shards share a CPU"),
    Number<kShard, &ShardOptions::read_bytes>(
        {"shard", "read_bytes"}, Kind::kBytes, {4 * kKiB, 1 * kMiB},
        "bytes read from one connection before the turn goes on"),
    Number<kShard, &ShardOptions::read_frames>(
        {"shard", "read_frames"}, Kind::kCount, {1, 65536},
        "frames handled of one connection before the turn goes on"),
    Number<kShard, &ShardOptions::accept_sets>(
        {"shard", "accept_sets"}, Kind::kCount, {1, 65536},
        "distinct sets of watched ops that get their own broadcast log"),

    Choice<kIo, &IoOptions::engine>(
        {"io", "engine", "--io"}, kIoEngines,
        "the kernel's interface: io_uring, epoll, or io_uring where it may be used, else epoll"),
};

}  // namespace

absl::Span<const OptionSpec> ListenOptionRows() { return kRows; }

}  // namespace halley::config
