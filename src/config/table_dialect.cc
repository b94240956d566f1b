// The option table: what clients speak.
#include <iterator>

#include "absl/strings/string_view.h"
#include "config/spec_makers.h"
#include "config/table_parts.h"

namespace halley::config {
namespace {

constexpr absl::string_view kGopusherDuplicates[] = {"replace", "refuse"};
static_assert(std::size(kGopusherDuplicates) == static_cast<size_t>(DuplicateKey::kRefuse) + 1);
constexpr absl::string_view kGoimV1Jsons[] = {"array", "object"};
static_assert(std::size(kGoimV1Jsons) == static_cast<size_t>(GoimV1Json::kObject) + 1);

constexpr auto kWebSocket = &Options::websocket;
constexpr auto kGopush = &Options::gopush;
constexpr auto kGopusher = &Options::gopusher;
constexpr auto kGoimV1 = &Options::goim_v1;

constexpr OptionSpec kRows[] = {
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
};

}  // namespace

absl::Span<const OptionSpec> DialectOptionRows() { return kRows; }

}  // namespace halley::config
