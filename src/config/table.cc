#include "config/table.h"

#include <iterator>

#include "absl/strings/string_view.h"
#include "config/spec_makers.h"

namespace halley::config {
namespace {

constexpr absl::string_view kIoEngines[] = {"auto", "uring", "epoll"};
static_assert(std::size(kIoEngines) == static_cast<size_t>(IoEngine::kEpoll) + 1);
constexpr absl::string_view kDuplicateKeys[] = {"replace", "refuse", "allow"};
static_assert(std::size(kDuplicateKeys) == static_cast<size_t>(DuplicateKey::kAllow) + 1);
constexpr absl::string_view kGopusherDuplicates[] = {"replace", "refuse"};
static_assert(std::size(kGopusherDuplicates) == static_cast<size_t>(DuplicateKey::kRefuse) + 1);
constexpr absl::string_view kRoomOverflows[] = {"skip", "latest", "close"};
static_assert(std::size(kRoomOverflows) == static_cast<size_t>(RoomOverflow::kClose) + 1);
constexpr absl::string_view kPersonalOverflows[] = {"refuse", "skip", "latest", "close"};
static_assert(std::size(kPersonalOverflows) == static_cast<size_t>(PersonalOverflow::kClose) + 1);
constexpr absl::string_view kGoimV1Jsons[] = {"array", "object"};
static_assert(std::size(kGoimV1Jsons) == static_cast<size_t>(GoimV1Json::kObject) + 1);
constexpr absl::string_view kRoomClasses[] = {"normal", "low"};
static_assert(std::size(kRoomClasses) == static_cast<size_t>(RoomClass::kLow) + 1);
constexpr absl::string_view kSwitch[] = {"off", "on"};
constexpr absl::string_view kBackendKinds[] = {"embedded", "jwt"};
static_assert(std::size(kBackendKinds) == static_cast<size_t>(BackendKind::kJwt) + 1);
constexpr absl::string_view kClientCertificates[] = {"optional", "required"};
static_assert(std::size(kClientCertificates) ==
              static_cast<size_t>(ClientCertificates::kRequired) + 1);
constexpr absl::string_view kTlsVersions[] = {"1.2", "1.3"};
static_assert(std::size(kTlsVersions) == static_cast<size_t>(TlsVersion::k13) + 1);
constexpr absl::string_view kLogLevels[] = {"trace", "debug", "info", "warn", "error"};

constexpr auto kListen = &Options::listen;
constexpr auto kTls = &Options::tls;
constexpr auto kShard = &Options::shard;
constexpr auto kIo = &Options::io;
constexpr auto kClient = &Options::client;
constexpr auto kBackend = &Options::backend;
constexpr auto kJwt = &Options::jwt;
constexpr auto kWebSocket = &Options::websocket;
constexpr auto kGopush = &Options::gopush;
constexpr auto kGopusher = &Options::gopusher;
constexpr auto kGoimV1 = &Options::goim_v1;
constexpr auto kRoom = &Options::room;
constexpr auto kPush = &Options::push;
constexpr auto kAdmin = &Options::admin;
constexpr auto kGateway = &Options::gateway;

constexpr OptionSpec kOptions[] = {
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
    Text<kListen, &ListenOptions::gopusher>(
        {"listen", "gopusher"}, Kind::kAddresses, kTextBytesMax,
        "where Gopusher's clients connect (8900 there); port 0 picks a free one; empty: nowhere"),
    Text<kListen, &ListenOptions::gopusher_tls>(
        {"listen", "gopusher_tls"}, Kind::kAddresses, kTextBytesMax,
        "where Gopusher's clients connect inside TLS; needs tls.certificates; empty: nowhere"),
    Text<kListen, &ListenOptions::v1_tcp>(
        {"listen", "v1_tcp"}, Kind::kAddresses, kTextBytesMax,
        "where goim v1's TCP clients connect (8080 there); port 0 picks a free one; empty: nowhere"),
    Text<kListen, &ListenOptions::v1_ws>(
        {"listen", "v1_ws"}, Kind::kAddresses, kTextBytesMax,
        "where goim v1's WebSocket clients connect (8090 there); port 0 picks a free one; empty: "
        "nowhere"),
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

    Number<kClient, &ClientOptions::handshake_timeout_ms>(
        {"client", "handshake_timeout_ms"}, Kind::kMilliseconds, {10, 10 * kMinuteMs},
        "from accept to a completed login"),
    Number<kClient, &ClientOptions::idle_timeout_ms>(
        {"client", "idle_timeout_ms"}, Kind::kMilliseconds, {10, kDayMs},
        "without a heartbeat, unless the backend names its own"),
    Number<kClient, &ClientOptions::sse_heartbeat_ms>(
        {"client", "sse_heartbeat_ms"}, Kind::kMilliseconds, {10, 10 * kMinuteMs},
        "between two signs of life on a stream of server-sent events"),
    Number<kClient, &ClientOptions::frame_body_bytes>(
        {"client", "frame_body_bytes"}, Kind::kBytes, {128, 8 * kMiB},
        "body of one goim frame from a client"),
    Number<kClient, &ClientOptions::message_bytes>(
        {"client", "message_bytes"}, Kind::kBytes, {256, 16 * kMiB},
        "one WebSocket message from a client, its fragments together"),
    Number<kClient, &ClientOptions::fragments>(
        {"client", "fragments"}, Kind::kCount, {1, 65536},
        "fragments of one WebSocket message from a client"),
    Number<kClient, &ClientOptions::http_header_bytes>(
        {"client", "http_header_bytes"}, Kind::kBytes, {512, 64 * kKiB},
        "request line and headers of a WebSocket upgrade"),
    Number<kClient, &ClientOptions::http_headers>(
        {"client", "http_headers"}, Kind::kCount, {8, 1024},
        "headers of a WebSocket upgrade"),
    Number<kClient, &ClientOptions::key_bytes>(
        {"client", "key_bytes"}, Kind::kBytes, {36, 4 * kKiB},
        "a client's key"),
    Number<kClient, &ClientOptions::room_id_bytes>(
        {"client", "room_id_bytes"}, Kind::kBytes, {16, 4 * kKiB},
        "a room's id"),
    Number<kClient, &ClientOptions::ops>(
        {"client", "ops"}, Kind::kCount, {1, 1024},
        "ops that one client may watch"),
    Number<kClient, &ClientOptions::personal_queue_bytes>(
        {"client", "personal_queue_bytes"}, Kind::kBytes, {4 * kKiB, 64 * kMiB},
        "replies and personal pushes that wait for a slow client"),
    Choice<kClient, &ClientOptions::personal_overflow>(
        {"client", "personal_overflow"}, kPersonalOverflows,
        "a personal push beyond that: is refused, takes the place of the oldest or of all that "
        "wait, or closes the client"),
    Number<kClient, &ClientOptions::stall_timeout_ms>(
        {"client", "stall_timeout_ms"}, Kind::kMilliseconds, {0, kDayMs},
        "a client that takes nothing of what waits for it for so long is closed; 0: never"),
    Choice<kClient, &ClientOptions::duplicate_key>(
        {"client", "duplicate_key"}, kDuplicateKeys,
        "when a key logs in again: the new connection replaces the old, is refused, or is allowed"),
    Number<kClient, &ClientOptions::duplicate_key_max>(
        {"client", "duplicate_key_max"}, Kind::kCount, {1, 1024},
        "connections of one key with duplicate_key = allow; one more replaces the oldest"),

    Choice<kBackend, &BackendOptions::kind>(
        {"backend", "kind", "--backend"}, kBackendKinds,
        "who decides who a client is: embedded believes what clients say, for development; jwt "
        "believes signed tokens (JSON Web Tokens)"),

    Text<kJwt, &JwtOptions::secret>(
        {"jwt", "secret"}, Kind::kSecret, kSecretBytesMax,
        "what tokens are signed with (HS256), at least 32 bytes; prefer jwt.secret_file, others can "
        "read a command line"),
    Text<kJwt, &JwtOptions::secret_file>(
        {"jwt", "secret_file"}, Kind::kFile, kTextBytesMax,
        "file that holds it; one newline at its end is not part of it; read again at SIGHUP"),
    Text<kJwt, &JwtOptions::keys>(
        {"jwt", "keys"}, Kind::kFiles, kTextBytesMax,
        "PEM files of public keys, separated by commas: RSA of 2048 bits or more (RS256), P-256 "
        "(ES256), Ed25519 (EdDSA); read again at SIGHUP"),
    Text<kJwt, &JwtOptions::jwks_file>(
        {"jwt", "jwks_file"}, Kind::kFile, kTextBytesMax,
        "file of a JSON Web Key Set; a token with a kid is held against the key of that id; read "
        "again at SIGHUP"),
    Text<kJwt, &JwtOptions::jwks_url>(
        {"jwt", "jwks_url"}, Kind::kText, kTextBytesMax,
        "where a JSON Web Key Set is fetched, beside the keys of files: https://, or http:// on this "
        "host (127.0.0.1, [::1], localhost); fetched again at SIGHUP, too"),
    Number<kJwt, &JwtOptions::jwks_refresh_s>(
        {"jwt", "jwks_refresh_s"}, Kind::kSeconds, {1, 86400},
        "from one fetch to the next, a tenth more or less; sooner when a token names a key that is "
        "not there, but not twice in 30 s"),
    Text<kJwt, &JwtOptions::jwks_ca>(
        {"jwt", "jwks_ca"}, Kind::kFile, kTextBytesMax,
        "PEM file of who must have signed the certificate of jwt.jwks_url; empty: one of those that "
        "the system trusts"),
    Text<kJwt, &JwtOptions::issuer>(
        {"jwt", "issuer"}, Kind::kText, kTextBytesMax,
        "what the claim iss must be; empty: anything"),
    Text<kJwt, &JwtOptions::audience>(
        {"jwt", "audience"}, Kind::kText, kTextBytesMax,
        "what the claim aud must name; empty: tokens must not have any"),
    Text<kJwt, &JwtOptions::key_claim>(
        {"jwt", "key_claim"}, Kind::kText, kTextBytesMax,
        "the claim that is the client's key; a token without it gets a random key"),
    Text<kJwt, &JwtOptions::mid_claim>(
        {"jwt", "mid_claim"}, Kind::kText, kTextBytesMax,
        "the claim that is the client's mid: a whole number, or its digits"),
    Text<kJwt, &JwtOptions::room_claim>(
        {"jwt", "room_claim"}, Kind::kText, kTextBytesMax,
        "the claim that is the room it begins in; a token without it leaves that to the client"),
    Text<kJwt, &JwtOptions::accepts_claim>(
        {"jwt", "accepts_claim"}, Kind::kText, kTextBytesMax,
        "the claim that lists the ops it begins to watch; likewise"),
    Number<kJwt, &JwtOptions::leeway_s>(
        {"jwt", "leeway_s"}, Kind::kSeconds, {0, 600},
        "by how much the clock of who signs may differ"),
    Choice<kJwt, &JwtOptions::require_exp>(
        {"jwt", "require_exp"}, kSwitch,
        "whether a token without the claim exp, which never ends, is refused"),
    Number<kJwt, &JwtOptions::token_bytes>(
        {"jwt", "token_bytes"}, Kind::kBytes, {256, 64 * kKiB},
        "one token; client.frame_body_bytes must hold it, too"),
    Text<kJwt, &JwtOptions::cookie>(
        {"jwt", "cookie"}, Kind::kText, 256,
        "the cookie that holds the token where a login on WebSocket or of server-sent events has "
        "none; empty: cookies are no logins"),

    Text<kWebSocket, &WebSocketOptions::origins>(
        {"websocket", "origins"}, Kind::kOrigins, kTextBytesMax,
        "pages that may connect, beside those of the gateway's own host; *: any; empty: any, but "
        "where cookies are sent its own only"),
    Text<kWebSocket, &WebSocketOptions::subprotocols>(
        {"websocket", "subprotocols"}, Kind::kTokens, kTextBytesMax,
        "subprotocols that are agreed to; of those a client offers the first that is named here"),
    Number<kWebSocket, &WebSocketOptions::deflate_bytes>(
        {"websocket", "deflate_bytes"}, Kind::kBytes, {0, 64 * kMiB},
        "messages to rooms and everyone of so many bytes on are compressed, once for all whose "
        "clients ask for it (permessage-deflate); 0: none, and it is not agreed to"),
    Choice<kWebSocket, &WebSocketOptions::page>(
        {"websocket", "page"}, kSwitch,
        "whether an example page is served at / and its JavaScript client at /halley.js"),

    Number<kGopush, &GopushOptions::subscribers>(
        {"gopush", "subscribers"}, Kind::kCount, {1, 1024},
        "connections of one key that gopush-cluster's clients may have; more are refused"),

    Text<kGopusher, &GopusherOptions::app_key>(
        {"gopusher", "app_key"}, Kind::kText, kNameBytesMax,
        "what stands last in the text that a login of Gopusher 1.0 signs"),
    Text<kGopusher, &GopusherOptions::app_secret>(
        {"gopusher", "app_secret"}, Kind::kSecret, kSecretBytesMax,
        "what such logins are signed with; empty: they are refused; prefer "
        "gopusher.app_secret_file, others can read a command line"),
    Text<kGopusher, &GopusherOptions::app_secret_file>(
        {"gopusher", "app_secret_file"}, Kind::kFile, kTextBytesMax,
        "file that holds the secret; one newline at its end is not part of it"),
    Text<kGopusher, &GopusherOptions::node>(
        {"gopusher", "node"}, Kind::kText, kNameBytesMax,
        "what stands in front of the key in that text: Gopusher's name of this node"),
    Number<kGopusher, &GopusherOptions::time_window_s>(
        {"gopusher", "time_window_s"}, Kind::kSeconds, {0, 24 * 60 * 60},
        "how far a login's time may be from this host's, either way"),
    Text<kGopusher, &GopusherOptions::client_id_alias>(
        {"gopusher", "client_id_alias"}, Kind::kText, kNameBytesMax,
        "the query's parameter that is the client's id"),
    Text<kGopusher, &GopusherOptions::time_alias>(
        {"gopusher", "time_alias"}, Kind::kText, kNameBytesMax,
        "the query's parameter that is the time of the login"),
    Text<kGopusher, &GopusherOptions::token_alias>(
        {"gopusher", "token_alias"}, Kind::kText, kNameBytesMax,
        "the query's parameter that is the token"),
    Choice<kGopusher, &GopusherOptions::unsigned_logins>(
        {"gopusher", "unsigned_logins"}, kSwitch,
        "on: logins of Gopusher 0.x (c and t), which only the backend judges, are taken beside "
        "signed ones; without a secret they always are"),
    Choice<kGopusher, &GopusherOptions::duplicate>(
        {"gopusher", "duplicate"}, kGopusherDuplicates,
        "when an id logs in again: the new connection replaces the old, or is refused"),
    Number<kGopusher, &GopusherOptions::ping_ms>(
        {"gopusher", "ping_ms"}, Kind::kMilliseconds, {10, 10 * kMinuteMs},
        "from a login, or a pong, to the next ping"),
    Number<kGopusher, &GopusherOptions::pong_timeout_ms>(
        {"gopusher", "pong_timeout_ms"}, Kind::kMilliseconds, {20, 60 * kMinuteMs},
        "from a login, or a pong, until a client that has not answered is given up"),
    Choice<kGoimV1, &GoimV1Options::json>(
        {"goim_v1", "json"}, kGoimV1Jsons,
        "what goim v1's clients that speak JSON are sent in each message: an array, as of v1.2, or "
        "an object, as in v1.0 and v1.1"),
    Number<kGoimV1, &GoimV1Options::idle_timeout_ms>(
        {"goim_v1", "idle_timeout_ms"}, Kind::kMilliseconds, {10, kDayMs},
        "without a heartbeat, for goim v1's clients (5 minutes there); or without a message, for "
        "those that poll"),

    Number<kRoom, &RoomOptions::log_bytes>(
        {"room", "log_bytes"}, Kind::kBytes, {4 * kKiB, 1 * kGiB},
        "what a room keeps for members that fall behind, per encoding"),
    Number<kRoom, &RoomOptions::log_messages>(
        {"room", "log_messages"}, Kind::kCount, {16, 10'000'000},
        "messages a room keeps for members that fall behind, per encoding"),
    Number<kRoom, &RoomOptions::log_age_ms>(
        {"room", "log_age_ms"}, Kind::kMilliseconds, {10, kDayMs},
        "how long a room keeps a message for members that fall behind"),
    Choice<kRoom, &RoomOptions::overflow>(
        {"room", "overflow"}, kRoomOverflows,
        "a member behind what is kept: skip to the oldest kept, to the latest, or close it"),
    Number<kRoom, &RoomOptions::linger_ms>(
        {"room", "linger_ms"}, Kind::kMilliseconds, {0, 10'000},
        "how long a message may wait for others, so that all go out in one send"),
    Number<kRoom, &RoomOptions::linger_bytes>(
        {"room", "linger_bytes"}, Kind::kBytes, {1, 64 * kKiB},
        "what waits goes out at once when it is that much"),
    Choice<kRoom, &RoomOptions::room_class>(
        {"room", "class"}, kRoomClasses,
        "low: members that fall behind are the first to skip when memory is scarce"),

    Text<kPush, &PushOptions::secret>(
        {"push", "secret"}, Kind::kSecret, kSecretBytesMax,
        "what a pusher must show; prefer push.secret_file, others can read a command line"),
    Text<kPush, &PushOptions::secret_file>(
        {"push", "secret_file", "--secret-file"}, Kind::kFile, kTextBytesMax,
        "file that holds the secret; one newline at its end is not part of it"),
    Text<kPush, &PushOptions::tls_certificate>(
        {"push", "tls_certificate"}, Kind::kFile, kTextBytesMax,
        "PEM file of the push port's certificate with its chain: pushers must speak TLS; empty: "
        "they speak plain TCP"),
    Text<kPush, &PushOptions::tls_key>(
        {"push", "tls_key"}, Kind::kFile, kTextBytesMax,
        "its private key; empty: it is in the same file"),
    Text<kPush, &PushOptions::tls_client_ca>(
        {"push", "tls_client_ca"}, Kind::kFile, kTextBytesMax,
        "who must have signed the certificate that a pusher shows; empty: none is asked for"),
    Number<kPush, &PushOptions::message_bytes>(
        {"push", "message_bytes"}, Kind::kBytes, {4 * kKiB, 64 * kMiB},
        "one push request with all its keys"),
    Number<kPush, &PushOptions::body_bytes>(
        // What one send of the hub's pages holds (hub::kSpanPartsMax of 8 KiB, not all whole).
        {"push", "body_bytes"}, Kind::kBytes, {64, 480 * 1024},
        "body of one pushed message"),
    Number<kPush, &PushOptions::pipelined>(
        {"push", "pipelined"}, Kind::kCount, {1, 65536},
        "unanswered requests of one push connection before it is no longer read"),
    Number<kPush, &PushOptions::connections>(
        {"push", "connections"}, Kind::kCount, {1, 65536},
        "push connections, per shard"),
    Number<kPush, &PushOptions::auth_timeout_ms>(
        {"push", "auth_timeout_ms"}, Kind::kMilliseconds, {10, 10 * kMinuteMs},
        "from accept until a pusher has shown the secret"),

    Text<kAdmin, &AdminOptions::token>(
        {"admin", "token"}, Kind::kSecret, kSecretBytesMax,
        "what requests to listen.admin must show (Authorization: Bearer); prefer admin.token_file, "
        "others can read a command line"),
    Text<kAdmin, &AdminOptions::token_file>(
        {"admin", "token_file"}, Kind::kFile, kTextBytesMax,
        "file that holds the token; one newline at its end is not part of it"),
    Text<kAdmin, &AdminOptions::nodes>(
        {"admin", "nodes"}, Kind::kText, kTextBytesMax,
        "host names of this node, separated by commas, that /goim/nodes/weighted tells clients of; "
        "empty: the name that they ask by"),
    Number<kAdmin, &AdminOptions::threads>(
        {"admin", "threads"}, Kind::kCount, {1, 256},
        "admin requests that are served at a time, of each address"),
    Number<kAdmin, &AdminOptions::timeout_ms>(
        {"admin", "timeout_ms"}, Kind::kMilliseconds, {100, kMinuteMs},
        "how long an admin request may take to come, and the node to answer it"),

    Number<kGateway, &GatewayOptions::shutdown_timeout_ms>(
        {"gateway", "shutdown_timeout_ms"}, Kind::kMilliseconds, {0, 10 * kMinuteMs},
        "from SIGTERM or SIGINT, and after the drain where there is one, until everything is closed for "
        "good"),
    Number<kGateway, &GatewayOptions::drain_grace_ms>(
        {"gateway", "drain_grace_ms"}, Kind::kMilliseconds, {0, 10 * kMinuteMs},
        "how long a node that is to end, and says that it is not ready, still lets clients in: until "
        "load balancers have noticed"),
    Number<kGateway, &GatewayOptions::drain_window_ms>(
        {"gateway", "drain_window_ms"}, Kind::kMilliseconds, {0, kDayMs},
        "over how long its clients are then told to go, at an even rate; 0: at once"),
    Number<kGateway, &GatewayOptions::drain_retry_ms>(
        {"gateway", "drain_retry_ms"}, Kind::kMilliseconds, {0, 10 * kMinuteMs},
        "each of them is asked to wait for a random time up to this before it comes back; 0: is not "
        "asked"),
    Number<kGateway, &GatewayOptions::memory_mib>(
        {"gateway", "memory_mib"}, Kind::kCount, {0, 16'777'216},
        "MiB that logs, queues and inboxes may hold on this node; 0: a quarter of the machine's or "
        "the cgroup's memory"),
    TextChoice<kGateway, &GatewayOptions::log_level>(
        {"gateway", "log_level", "--log-level"}, kLogLevels,
        "the least severe lines that are logged"),
};

constexpr CommandSpec kCommands[] = {
    {kConfigFlag, "FILE", "read options from this TOML file; flags win over it"},
    {kCheckConfigFlag, "", "check file and flags, say what is wrong, and exit"},
    {kPrintConfigFlag, "", "print a commented TOML file with every option and exit"},
    {kHelpFlag, "", "print this and exit"},
    {kVersionFlag, "", "print the version and exit"},
};

}  // namespace

absl::Span<const OptionSpec> OptionTable() { return kOptions; }

absl::Span<const CommandSpec> CommandTable() { return kCommands; }

}  // namespace halley::config
