// Options: everything an operator can set, with its default. Loaded once from TOML and flags
// (config/load.h), checked as a whole, then read-only: what changes later does in copies (reload.h).
//
// Units are in the names: _ms, _s, _bytes, counts without a suffix. Ranges stand in the option
// table (config/table_*.cc), which is also what README.md's table is checked against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace halley::config {

// What happens when a key logs in that is already logged in on this node.
enum class DuplicateKey : uint8_t {
  kReplace,  // the new connection wins; the old one is closed as `replaced`
  kRefuse,   // the old one stays; the new one is closed as `duplicate_refused`
  kAllow,    // up to duplicate_key_max connections share the key; one more replaces the oldest
};

// What happens to a member that falls behind what a room's log may keep.
enum class RoomOverflow : uint8_t {
  kSkip,    // go on at the oldest whole message kept; what was skipped is counted
  kLatest,  // go on at the newest message; what was skipped is counted
  kClose,   // close the connection as `slow_consumer`
};

// What happens to a personal push that finds its client's queue full.
enum class PersonalOverflow : uint8_t {
  kRefuse,  // the pusher is told `queue_full`
  kSkip,    // the oldest that wait make room; what was skipped is counted
  kLatest,  // all that wait make room; what was skipped is counted
  kClose,   // the pusher is told, and the connection closed as `slow_consumer`
};

// What the shards sleep in.
enum class IoEngine : uint8_t {
  kAuto,   // io_uring where it may be used and is good enough, epoll elsewhere
  kUring,  // io_uring or nothing
  kEpoll,
};

// What a message to a goim v1 client that speaks JSON holds.
enum class GoimV1Json : uint8_t {
  kArray,   // an array of objects, as of v1.2
  kObject,  // an object, as in v1.0 and v1.1
};

// Which rooms' lagging members are the first to suffer when memory is scarce.
enum class RoomClass : uint8_t { kNormal, kLow };

struct ListenOptions {
  // address:port, several separated by commas; port 0 picks a free one; empty: not listening.
  std::string tcp = "0.0.0.0:3101";
  std::string ws = "0.0.0.0:3102";
  std::string tcp_tls;  // goim TCP inside TLS; with tls.certificates
  std::string wss;      // WebSocket inside TLS; likewise
  // Those of the dialects; _tls and wss: the same inside TLS, with tls.certificates.
  std::string gopush_tcp;
  std::string gopush_tcp_tls;
  std::string gopusher;  // Gopusher's WebSocket
  std::string gopusher_tls;
  std::string v1_tcp;
  std::string v1_tcp_tls;
  std::string v1_ws;
  std::string v1_wss;
  std::string push = "127.0.0.1:3108";
  std::string admin = "127.0.0.1:3111";  // HTTP: metrics, health, goim's push API
  std::string comet_grpc;                // goim's comet service, which its job calls
  // "10.0.0.0/8, 2001:db8::/32": whose word about a client's address is believed; empty: nobody's.
  std::string proxies;
  // Whether those connect to clients' listeners with a PROXY header, or speak HTTP's own.
  bool proxy_protocol = false;
  uint32_t backlog = 512;                   // per shard and address
  uint32_t send_buffer_bytes = 65536;       // SO_SNDBUF of client sockets
  uint32_t receive_buffer_bytes = 16384;    // SO_RCVBUF of client sockets
  uint32_t notsent_lowat_bytes = 16384;     // TCP_NOTSENT_LOWAT of client sockets
  uint32_t keepalive_s = 60;                // TCP keep-alive idle time; 0: off
  // TCP_USER_TIMEOUT; 0: the kernel's default. It ends clients that read nothing, too, as
  // stall_timeout_ms does.
  uint32_t user_timeout_ms = 120'000;
  // TCP_DEFER_ACCEPT of clients: how long one that has sent nothing is kept back; 0: not at all.
  uint32_t defer_accept_s = 1;
};

// Whether a client must show a certificate that tls.client_ca has signed.
enum class ClientCertificates : uint8_t { kOptional, kRequired };
enum class TlsVersion : uint8_t { k12, k13 };

struct TlsOptions {
  // "a.pem, b.pem": certificates with their chains; a client gets the first that is for the name it
  // asks for, or the first of all. Their keys in the same order; empty: they stand beside them.
  std::string certificates;
  std::string keys;
  std::string client_ca;            // empty: clients are not asked for a certificate
  ClientCertificates client_certificates = ClientCertificates::kRequired;
  TlsVersion min_version = TlsVersion::k12;
  uint32_t ticket_period_s = 43200;  // of the keys of session tickets; 0: no tickets
  uint32_t handshakes = 8;          // steps of handshakes per shard and turn
};

struct ShardOptions {
  uint32_t shards = 0;                 // 0: one per CPU of `cpus`
  std::string cpus;                    // "0-3,8": pinned to in turn; empty: all allowed ones
  uint32_t buckets = 64;               // per shard
  uint32_t connections_max = 0;        // per node; 0: as many as descriptors allow; more are closed
                                       // as `server_full`
  uint32_t flush_sends = 128;          // fan-out sends per lane slice and turn
  uint32_t read_bytes = 65536;         // per connection and turn
  uint32_t read_frames = 64;           // per connection and turn
  uint32_t accept_sets = 1024;         // distinct sets of watched ops that get a broadcast lane
};

struct IoOptions {
  IoEngine engine = IoEngine::kAuto;
};

struct ClientOptions {
  uint32_t handshake_timeout_ms = 5000;
  uint32_t idle_timeout_ms = 480'000;   // without a heartbeat; a backend may name its own
  uint32_t lifetime_s = 0;              // of a connection, or up to a tenth less; 0: for ever
  uint32_t sse_heartbeat_ms = 15'000;   // between two signs of life on an event stream
  uint32_t frame_body_bytes = 4096;
  uint32_t message_bytes = 8192;
  uint32_t fragments = 64;
  uint32_t http_header_bytes = 8192;
  uint32_t http_headers = 64;
  uint32_t key_bytes = 256;
  uint32_t room_id_bytes = 256;
  uint32_t ops = 256;                   // watched ops per client
  uint32_t personal_queue_bytes = 65536;  // replies and personal pushes waiting for a slow client
  PersonalOverflow personal_overflow = PersonalOverflow::kRefuse;
  uint32_t stall_timeout_ms = 120'000;    // a full socket that takes nothing for so long; 0: never
  DuplicateKey duplicate_key = DuplicateKey::kReplace;
  uint32_t duplicate_key_max = 8;       // with duplicate_key = "allow"
};

enum class BackendKind : uint8_t {
  kEmbedded,  // believes what a client says of itself: for development
  kJwt,       // believes what a signed token says
  kHttp,      // asks, and tells, by HTTP
  kGoim,      // the same of goim's logic, as its comet does
};

struct BackendOptions {
  BackendKind kind = BackendKind::kEmbedded;
};

struct JwtOptions {
  std::string secret;             // of HS256
  std::string secret_file;        // the same in a file, which is read again at SIGHUP
  std::string keys;               // "a.pem, b.pem": public keys
  std::string jwks_file;          // a JSON Web Key Set
  std::string jwks_url;           // where there is one that changes; empty: nowhere
  uint32_t jwks_refresh_s = 300;  // from one fetch to the next
  std::string jwks_ca;            // who must have signed that server's certificate; empty: the system knows
  std::string issuer;             // what `iss` must be; empty: anything
  std::string audience;           // what `aud` must name; empty: there must not be any
  std::string key_claim = "sub";
  std::string mid_claim = "mid";
  std::string room_claim = "room_id";
  std::string accepts_claim = "accepts";
  uint32_t leeway_s = 5;          // by which clocks may differ
  bool require_exp = true;
  uint32_t token_bytes = 4096;
  std::string cookie;             // which holds the token where the login has none; empty: none
};

enum class HttpFlavour : uint8_t {
  kHalley,
  kGopusher,  // the callbacks of Gopusher 0.x
};

struct HttpBackendOptions {
  std::string urls;                // "https://a.example.com/halley, https://b.example.com/halley"
  HttpFlavour flavour = HttpFlavour::kHalley;
  std::string secret;              // requests are signed with; empty: they are not
  std::string secret_file;         // where `secret` was read from, when it was
  std::string ca;                  // who must have signed the servers' certificates; empty: the system knows
  std::string node;                // what this node calls itself; empty: its host's name and the time
  uint32_t timeout_ms = 3000;      // for an answer
  uint32_t retry_for_ms = 30'000;  // how long what a backend has to know is told again
  uint32_t concurrency = 64;       // requests at a time
  uint32_t queue = 4096;           // logins that wait for their turn, and as many events
  uint32_t disconnects = 100;      // in one request
  bool messages = true;            // what clients send is passed on
  uint32_t answer_bytes = 65536;
};

struct GoimOptions {
  std::string addresses;           // "a:3119, b:3119": of goim's logic, until discovery knows better
  std::string server;              // what this node calls itself; empty: as discovery.host
  uint32_t timeout_ms = 3000;      // for an answer
  uint32_t retry_for_ms = 30'000;  // how long what logic has to know is told again
  uint32_t concurrency = 64;       // calls at a time
  uint32_t queue = 4096;           // logins that wait for their turn, and as many events
};

// Against clients that abuse the node. 0: without a limit; a burst of 0: as much as in one second.
struct LimitsOptions {
  uint32_t ip_connections = 0;      // of each address, or /64 of IPv6
  uint32_t ip_connects_per_s = 0;   // likewise
  uint32_t ip_connects_burst = 0;
  uint32_t ip_table = 1'000'000;    // addresses that are remembered
  std::string trusted;              // "10.0.0.0/8": networks that the limits above do not hold for
  uint32_t connects_per_s = 0;      // of the node
  uint32_t connects_burst = 0;
  uint32_t handshakes = 0;          // of the node: connections that have not logged in
  uint32_t messages_per_s = 0;      // from each connection
  uint32_t messages_burst = 0;
  uint32_t bytes_per_s = 0;         // from each connection
  uint32_t bytes_burst = 0;
  uint32_t rooms = 0;               // of the node
};

struct WebSocketOptions {
  // "https://example.com, https://*.example.org": pages that may connect besides those of the
  // gateway's own host; "*": any. Empty: any, but with cookies those of its own only.
  std::string origins;
  std::string subprotocols = "goim";   // "a,b": of those a client offers, the first is agreed to
  uint32_t deflate_bytes = 0;          // messages of so many bytes on are compressed; 0: none
  bool page = true;                    // GET / and GET /halley.js are answered
};

struct GopushOptions {
  uint32_t subscribers = 64;  // connections of one key; more are refused
};

struct GopusherOptions {
  std::string app_key;
  std::string app_secret;       // empty: nobody can sign, so logins of 1.0 are refused
  std::string app_secret_file;  // where `app_secret` was read from, when it was
  std::string node;
  uint32_t time_window_s = 5;  // between a login's time and ours, either way
  std::string client_id_alias = "client_id";  // names of parameters of the query
  std::string time_alias = "time";
  std::string token_alias = "token";
  bool unsigned_logins = false;  // with a secret: whether logins of 0.x are taken, too
  DuplicateKey duplicate = DuplicateKey::kRefuse;  // never kAllow
  uint32_t ping_ms = 9000;            // from a login or a pong to the next ping
  uint32_t pong_timeout_ms = 10'000;  // and until the client is given up

  bool TakesUnsigned() const { return app_secret.empty() || unsigned_logins; }
};

struct GoimV1Options {
  GoimV1Json json = GoimV1Json::kArray;
  uint32_t idle_timeout_ms = 300'000;  // without a heartbeat; or without a message, of a long poll
};

struct RoomOptions {
  uint32_t log_bytes = 4'194'304;       // per room and encoding
  uint32_t log_messages = 65536;        // per room and encoding
  uint32_t log_age_ms = 60'000;
  RoomOverflow overflow = RoomOverflow::kSkip;
  uint32_t linger_ms = 0;               // how long a message may wait for others to go out with it
  uint32_t linger_bytes = 16384;        // what waits goes out when it is that much
  RoomClass room_class = RoomClass::kNormal;
};

// For rooms whose id begins with "name://", and in the file [room.name]. What it does not set is as
// [room] has it.
struct RoomType {
  std::string name;
  RoomOptions options;
};
inline constexpr size_t kRoomTypesMax = 64;

struct PushOptions {
  // Empty, and no tls_client_ca either: only loopback addresses may be listened on.
  std::string secret;
  std::string secret_file;              // where `secret` was read from, when it was
  std::string tls_certificate;          // with its chain; empty: pushers speak plain TCP
  std::string tls_key;                  // empty: it stands beside the certificate
  std::string tls_client_ca;            // who must have signed a pusher's certificate
  uint32_t message_bytes = 1'048'576;   // one request
  uint32_t body_bytes = 262'144;        // one pushed message
  uint32_t pipelined = 256;             // unanswered requests per connection
  uint32_t connections = 1024;          // per shard
  uint32_t auth_timeout_ms = 5000;      // until the secret has been shown
};

struct AdminOptions {
  std::string token;            // empty: only loopback addresses may be listened on
  std::string token_file;       // where `token` was read from, when it was
  std::string tls_certificate;  // with its chain; empty: the port speaks plain HTTP
  std::string tls_key;          // empty: it stands beside the certificate
  std::string nodes;            // "a.example.com, b.example.com": what goim's clients are told of
  uint32_t threads = 8;         // requests that are served at a time
  uint32_t timeout_ms = 5000;   // of a client, to send its request or take the answer
  bool page = true;             // GET / is answered with the operator's page
};

struct CometGrpcOptions {
  std::string tls_certificate;     // with its chain; empty: callers speak plain HTTP/2
  std::string tls_key;             // empty: it stands beside the certificate
  std::string tls_client_ca;       // who must have signed a caller's certificate
  bool insecure = false;           // others than loopback's may call without a certificate
  uint32_t calls = 4096;           // that are being answered at a time
  uint32_t streams = 256;          // the same of each connection
  uint32_t timeout_ms = 5000;      // of the node, to answer one
};

enum class LogFormat : uint8_t { kText, kJson };

struct GatewayOptions {
  uint32_t shutdown_timeout_ms = 5000;  // SIGTERM: farewells and flushes, then closing for good
  uint32_t drain_grace_ms = 0;          // before that, the node is not ready and still lets in
  uint32_t drain_window_ms = 0;         // and then clients are told to go, evenly over so long
  uint32_t drain_retry_ms = 2000;       // the longest that one is asked to wait before it comes back
  uint32_t memory_mib = 0;              // for what waits, of the node; 0: a quarter of the memory
  std::string user;                     // whom it becomes where it was started as root; empty: nobody else
  std::string log_level = "info";       // trace, debug, info, warn, error
  LogFormat log_format = LogFormat::kText;
  bool check_config = false;            // --check-config
};

// A line for each client's connection that has ended.
struct AccessLogOptions {
  std::string file;     // empty: there is none
  uint32_t one_in = 1;  // of so many connections one, chosen when it is accepted
};

enum class DiscoveryKind : uint8_t {
  kNone,
  kStatic,    // logic is where static_addresses say
  kBilibili,  // the registry that goim uses
};

struct DiscoveryOptions {
  DiscoveryKind kind = DiscoveryKind::kNone;
  std::string nodes;         // "a:7171, b:7171": of the registry
  std::string region;        // empty, and the three below: as the environment says, as goim has it
  std::string zone;
  std::string env;
  std::string host;          // empty: the host's own name
  std::string appid = "goim.comet";
  std::string addrs;         // "grpc://10.0.0.1:3109"; empty: as is listened on
  std::string public_addrs;  // what clients are told by goim's logic
  uint32_t weight = 10;
  std::string logic_appid = "goim.logic";  // who is looked for; empty: nobody
  std::string static_addresses;
};

struct Options {
  ListenOptions listen;
  TlsOptions tls;
  ShardOptions shard;
  IoOptions io;
  ClientOptions client;
  BackendOptions backend;
  JwtOptions jwt;
  HttpBackendOptions http_backend;
  GoimOptions goim;
  LimitsOptions limits;
  WebSocketOptions websocket;
  GopushOptions gopush;
  GopusherOptions gopusher;
  GoimV1Options goim_v1;
  RoomOptions room;  // of rooms without a type of their own, and of everyone
  std::vector<RoomType> room_types;
  PushOptions push;
  AdminOptions admin;
  CometGrpcOptions comet_grpc;
  GatewayOptions gateway;
  AccessLogOptions access_log;
  DiscoveryOptions discovery;
};

}  // namespace halley::config
