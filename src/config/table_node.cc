// The option table: rooms, those who push and who looks after the node.
#include <iterator>

#include "absl/strings/string_view.h"
#include "config/spec_makers.h"
#include "config/table_parts.h"

namespace halley::config {
namespace {

constexpr absl::string_view kRoomOverflows[] = {"skip", "latest", "close"};
static_assert(std::size(kRoomOverflows) == static_cast<size_t>(RoomOverflow::kClose) + 1);
constexpr absl::string_view kRoomClasses[] = {"normal", "low"};
static_assert(std::size(kRoomClasses) == static_cast<size_t>(RoomClass::kLow) + 1);
constexpr absl::string_view kLogFormats[] = {"text", "json"};
static_assert(std::size(kLogFormats) == static_cast<size_t>(LogFormat::kJson) + 1);
constexpr absl::string_view kLogLevels[] = {"trace", "debug", "info", "warn", "error"};

constexpr auto kRoom = &Options::room;
constexpr auto kPush = &Options::push;
constexpr auto kAdmin = &Options::admin;
constexpr auto kCometGrpc = &Options::comet_grpc;
constexpr auto kGateway = &Options::gateway;
constexpr auto kAccessLog = &Options::access_log;

constexpr OptionSpec kRows[] = {
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
    Text<kAdmin, &AdminOptions::tls_certificate>(
        {"admin", "tls_certificate"}, Kind::kFile, kTextBytesMax,
        "PEM file of the admin port's certificate with its chain: it speaks HTTPS; empty: HTTP"),
    Text<kAdmin, &AdminOptions::tls_key>(
        {"admin", "tls_key"}, Kind::kFile, kTextBytesMax,
        "its private key; empty: it is in the same file"),
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
    Choice<kAdmin, &AdminOptions::page>(
        {"admin", "page"}, kSwitch,
        "whether the operator's page is served at / of listen.admin"),

    Text<kCometGrpc, &CometGrpcOptions::tls_certificate>(
        {"comet_grpc", "tls_certificate"}, Kind::kFile, kTextBytesMax,
        "PEM file of the certificate of listen.comet_grpc with its chain: callers must speak TLS; "
        "empty: they do not"),
    Text<kCometGrpc, &CometGrpcOptions::tls_key>(
        {"comet_grpc", "tls_key"}, Kind::kFile, kTextBytesMax,
        "its private key; empty: it is in the same file"),
    Text<kCometGrpc, &CometGrpcOptions::tls_client_ca>(
        {"comet_grpc", "tls_client_ca"}, Kind::kFile, kTextBytesMax,
        "who must have signed the certificate that a caller shows; empty: none is asked for"),
    Choice<kCometGrpc, &CometGrpcOptions::insecure>(
        {"comet_grpc", "insecure"}, kSwitch,
        "on: listen.comet_grpc may be reached from other hosts by whoever can connect, as goim's job, "
        "which can show nothing, wants it"),
    Number<kCometGrpc, &CometGrpcOptions::calls>(
        {"comet_grpc", "calls"}, Kind::kCount, {1, 1'000'000},
        "calls that are being answered at a time; one more is refused (RESOURCE_EXHAUSTED)"),
    Number<kCometGrpc, &CometGrpcOptions::streams>(
        {"comet_grpc", "streams"}, Kind::kCount, {1, 65536},
        "the same of one connection; more wait at the caller"),
    Number<kCometGrpc, &CometGrpcOptions::timeout_ms>(
        {"comet_grpc", "timeout_ms"}, Kind::kMilliseconds, {100, kMinuteMs},
        "how long the node may take to answer a call (DEADLINE_EXCEEDED)"),

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
    Text<kGateway, &GatewayOptions::user>(
        {"gateway", "user", "--user"}, Kind::kText, kNameBytesMax,
        "started as root, the gateway becomes this user, with its groups, once it listens and has read "
        "keys and secrets; what SIGHUP reads again that user must be able to read; empty: it stays"),
    TextChoice<kGateway, &GatewayOptions::log_level>(
        {"gateway", "log_level", "--log-level"}, kLogLevels,
        "the least severe lines that are logged"),
    Choice<kGateway, &GatewayOptions::log_format>(
        {"gateway", "log_format"}, kLogFormats,
        "how the log's lines are written: as text, or one JSON object each (time, level, message)"),

    Text<kAccessLog, &AccessLogOptions::file>(
        {"access_log", "file"}, Kind::kFile, kTextBytesMax,
        "file that gets a line of JSON for each client's connection when it has ended; it is made where there "
        "is none, by gateway.user, and opened again at every reload; empty: there is no access log"),
    Number<kAccessLog, &AccessLogOptions::one_in>(
        {"access_log", "one_in"}, Kind::kCount, {1, 1'000'000},
        "of so many connections of the node one gets a line, chosen when it is accepted; 1: all do"),
};

}  // namespace

absl::Span<const OptionSpec> NodeOptionRows() { return kRows; }

}  // namespace halley::config
