// The option table: clients, and who decides who they are.
#include <iterator>

#include "absl/strings/string_view.h"
#include "config/spec_makers.h"
#include "config/table_parts.h"

namespace halley::config {
namespace {

constexpr absl::string_view kDuplicateKeys[] = {"replace", "refuse", "allow"};
static_assert(std::size(kDuplicateKeys) == static_cast<size_t>(DuplicateKey::kAllow) + 1);
constexpr absl::string_view kPersonalOverflows[] = {"refuse", "skip", "latest", "close"};
static_assert(std::size(kPersonalOverflows) == static_cast<size_t>(PersonalOverflow::kClose) + 1);
constexpr absl::string_view kBackendKinds[] = {"embedded", "jwt", "http", "goim"};
static_assert(std::size(kBackendKinds) == static_cast<size_t>(BackendKind::kGoim) + 1);
constexpr absl::string_view kHttpFlavours[] = {"halley", "gopusher"};
static_assert(std::size(kHttpFlavours) == static_cast<size_t>(HttpFlavour::kGopusher) + 1);

constexpr auto kClient = &Options::client;
constexpr auto kBackend = &Options::backend;
constexpr auto kJwt = &Options::jwt;
constexpr auto kHttp = &Options::http_backend;
constexpr auto kGoim = &Options::goim;

constexpr OptionSpec kRows[] = {
    Number<kClient, &ClientOptions::handshake_timeout_ms>(
        {"client", "handshake_timeout_ms"}, Kind::kMilliseconds, {10, 10 * kMinuteMs},
        "from accept to a completed login"),
    Number<kClient, &ClientOptions::idle_timeout_ms>(
        {"client", "idle_timeout_ms"}, Kind::kMilliseconds, {10, kDayMs},
        "without a heartbeat, unless the backend names its own"),
    Number<kClient, &ClientOptions::lifetime_s>(
        {"client", "lifetime_s"}, Kind::kSeconds, {0, 30 * 24 * 60 * 60},
        "after which a client is told to come back, some up to a tenth sooner, so that load spreads "
        "over nodes that are new; it is sent first what it is owed; 0: never"),
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
        "believes signed tokens (JSON Web Tokens); http asks [http_backend]; goim asks goim's logic, of [goim]"),

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

    Text<kHttp, &HttpBackendOptions::urls>(
        {"http_backend", "urls"}, Kind::kText, kTextBytesMax,
        "where a backend is asked and told, with backend.kind = http: https:// or http://, several "
        "separated by commas, any of which will do"),
    Choice<kHttp, &HttpBackendOptions::flavour>(
        {"http_backend", "flavour"}, kHttpFlavours,
        "what requests and answers look like: halley, or the callbacks of Gopusher 0.x"),
    Text<kHttp, &HttpBackendOptions::secret>(
        {"http_backend", "secret"}, Kind::kSecret, kSecretBytesMax,
        "what requests are signed with (HMAC-SHA256, in the header Halley-Signature); prefer "
        "http_backend.secret_file, others can read a command line"),
    Text<kHttp, &HttpBackendOptions::secret_file>(
        {"http_backend", "secret_file"}, Kind::kFile, kTextBytesMax,
        "file that holds it; one newline at its end is not part of it"),
    Text<kHttp, &HttpBackendOptions::ca>(
        {"http_backend", "ca"}, Kind::kFile, kTextBytesMax,
        "PEM file of who must have signed the servers' certificates; empty: one of those that the "
        "system trusts"),
    Text<kHttp, &HttpBackendOptions::node>(
        {"http_backend", "node"}, Kind::kText, kNameBytesMax,
        "what this node calls itself; a later run must have another name; empty: the host's name and "
        "the time of its start"),
    Number<kHttp, &HttpBackendOptions::timeout_ms>(
        {"http_backend", "timeout_ms"}, Kind::kMilliseconds, {10, kMinuteMs},
        "for an answer; a login that has none by then is unavailable"),
    Number<kHttp, &HttpBackendOptions::retry_for_ms>(
        {"http_backend", "retry_for_ms"}, Kind::kMilliseconds, {0, 10 * kMinuteMs},
        "how long a disconnect that failed is told again"),
    Number<kHttp, &HttpBackendOptions::concurrency>(
        {"http_backend", "concurrency"}, Kind::kCount, {1, 4096},
        "requests at a time, over all urls"),
    Number<kHttp, &HttpBackendOptions::queue>(
        {"http_backend", "queue"}, Kind::kCount, {16, 1'048'576},
        "logins that wait for their turn, and as many events"),
    Number<kHttp, &HttpBackendOptions::disconnects>(
        {"http_backend", "disconnects"}, Kind::kCount, {1, 1000},
        "disconnects in one request, when so many have piled up; flavour halley only"),
    Choice<kHttp, &HttpBackendOptions::messages>(
        {"http_backend", "messages"}, kSwitch,
        "whether what clients send is passed on; flavour halley only"),
    Number<kHttp, &HttpBackendOptions::answer_bytes>(
        {"http_backend", "answer_bytes"}, Kind::kBytes, {256, kMiB},
        "body of one answer"),

    Text<kGoim, &GoimOptions::addresses>(
        {"goim", "addresses"}, Kind::kText, kTextBytesMax,
        "host:port of goim's logic (3119 there), with backend.kind = goim, separated by commas; what "
        "[discovery] finds takes their place"),
    Text<kGoim, &GoimOptions::server>(
        {"goim", "server"}, Kind::kText, kNameBytesMax,
        "what this node calls itself, by which goim's job finds it; empty: as discovery.host"),
    Number<kGoim, &GoimOptions::timeout_ms>(
        {"goim", "timeout_ms"}, Kind::kMilliseconds, {10, kMinuteMs},
        "for an answer; a login that has none by then is unavailable"),
    Number<kGoim, &GoimOptions::retry_for_ms>(
        {"goim", "retry_for_ms"}, Kind::kMilliseconds, {0, 10 * kMinuteMs},
        "how long a disconnect that failed is told again"),
    Number<kGoim, &GoimOptions::concurrency>(
        {"goim", "concurrency"}, Kind::kCount, {1, 4096},
        "calls at a time, over all addresses"),
    Number<kGoim, &GoimOptions::queue>(
        {"goim", "queue"}, Kind::kCount, {16, 1'048'576},
        "logins that wait for their turn, and as many events"),
};

}  // namespace

absl::Span<const OptionSpec> ClientOptionRows() { return kRows; }

}  // namespace halley::config
