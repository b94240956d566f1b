#include "config/check.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/char_set.h"
#include "config/address.h"
#include "config/file_list.h"
#include "config/listeners.h"
#include "config/node_list.h"
#include "config/origin_list.h"

namespace halley::config {
namespace {

// Around a message: a WebSocket header of the longest kind.
constexpr uint32_t kFramingBytes = 14;

// The rule is told where the first of its options was set that was set at all.
absl::Status Broken(const Origins& origins, absl::Span<const absl::string_view> keys,
                    absl::string_view sentence) {
  for (const absl::string_view key : keys) {
    const auto origin = origins.find(key);
    if (origin != origins.end()) {
      return absl::InvalidArgumentError(absl::StrCat(origin->second, ": ", sentence));
    }
  }
  return absl::InvalidArgumentError(sentence);
}

// "a, b and c".
std::string Enumerated(absl::Span<const absl::string_view> words) {
  if (words.size() < 2) return absl::StrJoin(words, "");
  return absl::StrCat(absl::StrJoin(words.first(words.size() - 1), ", "), " and ", words.back());
}

absl::Status CheckListening(const Options& options, const Origins& origins) {
  std::vector<std::pair<std::string, absl::string_view>> seen;
  bool clients_can_connect = false;
  for (const ListenerSpec& listener : kListeners) {
    const absl::string_view key = listener.option;
    const absl::StatusOr<std::vector<Address>> addresses =
        ParseAddresses(options.listen.*listener.list);
    if (!addresses.ok()) return addresses.status();
    if (listener.ForClients() && !addresses->empty()) clients_can_connect = true;
    for (const Address& address : *addresses) {
      if (address.port == 0) continue;
      // SO_REUSEPORT would let both listen and give each client to either.
      const std::string text = address.ToString();
      for (const auto& [other, other_key] : seen) {
        if (other != text) continue;
        return Broken(origins, {key, other_key},
                      absl::StrCat(key, " and ", other_key, " both name ", text,
                                   ": name each address once"));
      }
      seen.emplace_back(text, key);
    }
  }
  if (clients_can_connect) return absl::OkStatus();
  return Broken(origins, {"listen.tcp", "listen.ws"},
                "listen.tcp and listen.ws are both empty, so no client could connect: set one");
}

absl::Status CheckTls(const Options& options, const Origins& origins) {
  const TlsOptions& tls = options.tls;
  const absl::StatusOr<std::vector<std::string>> certificates = ParseFileList(tls.certificates);
  const absl::StatusOr<std::vector<std::string>> keys = ParseFileList(tls.keys);
  if (!certificates.ok()) return certificates.status();
  if (!keys.ok()) return keys.status();
  std::vector<absl::string_view> secure;
  for (const ListenerSpec& listener : kListeners) {
    if (listener.tls && !(options.listen.*listener.list).empty()) secure.push_back(listener.option);
  }
  if (!secure.empty() && certificates->empty()) {
    return Broken(origins, secure,
                  absl::StrCat(Enumerated(secure), secure.size() == 1 ? " needs" : " need",
                               " a certificate to show: set tls.certificates"));
  }
  if (!keys->empty() && keys->size() != certificates->size()) {
    return Broken(origins, {"tls.keys", "tls.certificates"},
                  absl::StrCat("tls.keys names ", keys->size(), " files and tls.certificates ",
                               certificates->size(), ": name a key for each certificate, or none "
                               "where they are in the same files"));
  }
  if (options.listen.proxy_protocol && options.listen.proxies.empty()) {
    return Broken(origins, {"listen.proxy_protocol"},
                  "listen.proxy_protocol is on and nobody may send its header: name your proxies in "
                  "listen.proxies");
  }
  const PushOptions& push = options.push;
  if (options.admin.tls_certificate.empty() && !options.admin.tls_key.empty()) {
    return Broken(origins, {"admin.tls_key"},
                  "admin.tls_key means nothing without a certificate: set admin.tls_certificate");
  }
  if (push.tls_certificate.empty() && !(push.tls_key.empty() && push.tls_client_ca.empty())) {
    return Broken(origins, {"push.tls_client_ca", "push.tls_key"},
                  "push.tls_key and push.tls_client_ca mean nothing without a certificate: set "
                  "push.tls_certificate");
  }
  const CometGrpcOptions& comet = options.comet_grpc;
  if (comet.tls_certificate.empty() && !(comet.tls_key.empty() && comet.tls_client_ca.empty())) {
    return Broken(origins, {"comet_grpc.tls_client_ca", "comet_grpc.tls_key"},
                  "comet_grpc.tls_key and comet_grpc.tls_client_ca mean nothing without a "
                  "certificate: set comet_grpc.tls_certificate");
  }
  return absl::OkStatus();
}

// Where nobody has to show anything, only who is on this host may come.
absl::Status CheckLoopback(absl::string_view key, const std::string& list, absl::string_view cure,
                           const Origins& origins) {
  const absl::StatusOr<std::vector<Address>> addresses = ParseAddresses(list);
  if (!addresses.ok()) return addresses.status();
  for (const Address& address : *addresses) {
    if (address.loopback) continue;
    return Broken(origins, {key},
                  absl::StrCat(key, " names ", address.ToString(),
                               ", which others can reach, but ", cure, ", or listen on 127.0.0.1"));
  }
  return absl::OkStatus();
}

absl::Status CheckSecrets(const Options& options, const Origins& origins) {
  absl::Status status;
  if (options.push.secret.empty() && options.push.tls_client_ca.empty()) {
    status = CheckLoopback("listen.push", options.listen.push,
                           "there is no secret: set push.secret_file or push.tls_client_ca", origins);
  }
  if (options.admin.token.empty()) {
    status.Update(CheckLoopback("listen.admin", options.listen.admin,
                                "there is no token: set admin.token_file", origins));
  }
  if (options.comet_grpc.tls_client_ca.empty() && !options.comet_grpc.insecure) {
    status.Update(CheckLoopback(
        "listen.comet_grpc", options.listen.comet_grpc,
        "callers show nothing: set comet_grpc.tls_client_ca, or comet_grpc.insecure = \"on\" where "
        "only goim's job can connect", origins));
  }
  return status;
}

// Cookies come along with whatever page asks, so it must be known which may.
absl::Status CheckCookie(const Options& options, const Origins& origins) {
  const JwtOptions& jwt = options.jwt;
  if (jwt.cookie.empty()) return absl::OkStatus();
  if (!base::IsToken(jwt.cookie)) {
    return Broken(origins, {"jwt.cookie"},
                  "jwt.cookie is no name of a cookie: use letters, digits, - and _");
  }
  const absl::StatusOr<std::vector<std::string>> pages = ParseOriginList(options.websocket.origins);
  if (!pages.ok()) return pages.status();
  if (std::ranges::find(*pages, "*") != pages->end()) {
    return Broken(origins, {"websocket.origins", "jwt.cookie"},
                  "with jwt.cookie and websocket.origins = \"*\" any page could log in as whoever "
                  "visits it: name the pages that may");
  }
  if (options.client.http_header_bytes <= jwt.token_bytes) {
    return Broken(origins, {"client.http_header_bytes", "jwt.token_bytes"},
                  absl::StrCat("client.http_header_bytes (", options.client.http_header_bytes,
                               ") cannot hold a cookie of jwt.token_bytes (", jwt.token_bytes,
                               "): raise it to ", jwt.token_bytes + 1024, " or more"));
  }
  return absl::OkStatus();
}

// Whether goim's logic can be found, and is asked where somebody says where it is.
absl::Status CheckGoim(const Options& options, const Origins& origins) {
  const absl::StatusOr<std::vector<std::string>> addresses = ParseNodeList(options.goim.addresses);
  if (!addresses.ok()) return Broken(origins, {"goim.addresses"}, addresses.status().message());
  if (options.backend.kind != BackendKind::kGoim) {
    if (addresses->empty()) return absl::OkStatus();
    return Broken(origins, {"goim.addresses"},
                  "goim.addresses is set, but nobody is asked there: set backend.kind = \"goim\"");
  }
  const DiscoveryOptions& discovery = options.discovery;
  const bool found = discovery.kind == DiscoveryKind::kStatic ||
                     (discovery.kind == DiscoveryKind::kBilibili && !discovery.logic_appid.empty());
  if (found || !addresses->empty()) return absl::OkStatus();
  return Broken(origins, {"backend.kind"},
                "backend.kind is goim, and nothing says where goim's logic is: set goim.addresses or "
                "discovery.kind");
}

// Whether tokens can be verified, and are where somebody thinks that they are.
absl::Status CheckBackend(const Options& options, const Origins& origins) {
  const HttpBackendOptions& http = options.http_backend;
  if ((options.backend.kind == BackendKind::kHttp) == http.urls.empty()) {
    return Broken(origins, {"http_backend.urls", "backend.kind"},
                  http.urls.empty()
                      ? "backend.kind is http, and nothing says where to ask: set http_backend.urls"
                      : "http_backend.urls is set, but nobody is asked there: set backend.kind = "
                        "\"http\"");
  }
  if (absl::Status status = CheckGoim(options, origins); !status.ok()) return status;
  const JwtOptions& jwt = options.jwt;
  const bool keys = !(jwt.secret.empty() && jwt.secret_file.empty() && jwt.keys.empty() &&
                      jwt.jwks_file.empty() && jwt.jwks_url.empty());
  if (options.backend.kind != BackendKind::kJwt) {
    if (!keys) return absl::OkStatus();
    return Broken(origins, {"jwt.secret_file", "jwt.keys", "jwt.jwks_file", "jwt.jwks_url", "jwt.secret"},
                  options.backend.kind == BackendKind::kEmbedded
                      ? "jwt has keys, but the embedded backend believes tokens unverified: set "
                        "backend.kind = \"jwt\""
                      : "jwt has keys, but the backend that is asked verifies tokens itself: set "
                        "backend.kind = \"jwt\", or take them away");
  }
  if (!keys) {
    return Broken(origins, {"backend.kind"},
                  "backend.kind is jwt, and nothing says who may sign: set jwt.secret_file, "
                  "jwt.keys, jwt.jwks_file or jwt.jwks_url");
  }
  if (!jwt.secret.empty() && !jwt.secret_file.empty()) {
    return Broken(origins, {"jwt.secret_file"},
                  "jwt.secret and jwt.secret_file are both set: keep one");
  }
  for (const auto& [key, claim] : {std::pair("jwt.key_claim", &jwt.key_claim),
                                   std::pair("jwt.mid_claim", &jwt.mid_claim),
                                   std::pair("jwt.room_claim", &jwt.room_claim),
                                   std::pair("jwt.accepts_claim", &jwt.accepts_claim)}) {
    if (claim->empty()) {
      return Broken(origins, {key}, absl::StrCat(key, " is empty: name a claim"));
    }
  }
  return CheckCookie(options, origins);
}

absl::Status CheckSizes(const Options& options, const Origins& origins) {
  const ClientOptions& client = options.client;
  const PushOptions& push = options.push;
  if (client.frame_body_bytes + kGoimFrameHeaderBytes > client.message_bytes) {
    return Broken(origins, {"client.frame_body_bytes", "client.message_bytes"},
                  absl::StrCat("client.frame_body_bytes and a header of ", kGoimFrameHeaderBytes,
                               " bytes do not fit into client.message_bytes (",
                               client.message_bytes, "): raise it to ",
                               client.frame_body_bytes + kGoimFrameHeaderBytes, " or more"));
  }
  // A client's own frame may be answered with the same body (unknown ops are).
  const uint32_t reply_bytes = client.frame_body_bytes + 64;
  if (client.personal_queue_bytes < reply_bytes) {
    return Broken(origins, {"client.personal_queue_bytes", "client.frame_body_bytes"},
                  absl::StrCat("client.personal_queue_bytes (", client.personal_queue_bytes,
                               ") cannot hold one reply of client.frame_body_bytes: raise it to ",
                               reply_bytes, " or more"));
  }
  const uint32_t request_bytes = push.body_bytes + kPushRequestOverheadBytes +
                                 std::max(client.key_bytes, client.room_id_bytes);
  if (push.message_bytes < request_bytes) {
    return Broken(origins, {"push.message_bytes", "push.body_bytes"},
                  absl::StrCat("push.message_bytes (", push.message_bytes,
                               ") cannot hold push.body_bytes and a target: raise it to ",
                               request_bytes, " or more"));
  }
  return absl::OkStatus();
}

// A burst without its rate would be no limit, and one that no message fits into would be no service.
absl::Status CheckLimits(const Options& options, const Origins& origins) {
  const LimitsOptions& limits = options.limits;
  const std::tuple<absl::string_view, uint32_t, uint32_t> rates[] = {
      {"limits.ip_connects", limits.ip_connects_per_s, limits.ip_connects_burst},
      {"limits.connects", limits.connects_per_s, limits.connects_burst},
      {"limits.messages", limits.messages_per_s, limits.messages_burst},
      {"limits.bytes", limits.bytes_per_s, limits.bytes_burst}};
  for (const auto& [name, per_s, burst] : rates) {
    if (per_s > 0 || burst == 0) continue;
    const std::string key = absl::StrCat(name, "_burst");
    return Broken(origins, {key},
                  absl::StrCat(key, " limits nothing without a rate: set ", name, "_per_s"));
  }
  if (limits.bytes_per_s == 0) return absl::OkStatus();
  const uint32_t at_once = limits.bytes_burst > 0 ? limits.bytes_burst : limits.bytes_per_s;
  const uint32_t largest =
      std::max(options.client.message_bytes, options.client.http_header_bytes) + kFramingBytes;
  if (at_once >= largest) return absl::OkStatus();
  return Broken(origins, {"limits.bytes_burst", "limits.bytes_per_s", "client.message_bytes"},
                absl::StrCat("a client could not send the largest message or request (",
                             largest, " bytes with its framing) that client.message_bytes and "
                             "client.http_header_bytes allow: raise limits.bytes_burst to ",
                             largest, " or more"));
}

absl::Status CheckGopusher(const GopusherOptions& gopusher, const Origins& origins) {
  if (gopusher.pong_timeout_ms <= gopusher.ping_ms) {
    return Broken(origins, {"gopusher.pong_timeout_ms", "gopusher.ping_ms"},
                  absl::StrCat("gopusher.pong_timeout_ms (", gopusher.pong_timeout_ms,
                               ") leaves no time to answer a ping after gopusher.ping_ms (",
                               gopusher.ping_ms, "): raise it to ", gopusher.ping_ms + 1,
                               " or more"));
  }
  // What nobody percent-encodes, so that names are found as they stand.
  static constexpr base::CharSet kNameChars("-._~");
  const std::pair<absl::string_view, std::string_view> names[] = {
      {"gopusher.client_id_alias", gopusher.client_id_alias},
      {"gopusher.time_alias", gopusher.time_alias},
      {"gopusher.token_alias", gopusher.token_alias}};
  for (const auto& [key, name] : names) {
    const bool alone = std::count_if(std::begin(names), std::end(names), [&](const auto& other) {
                         return other.second == name;
                       }) == 1;
    if (alone && !name.empty() && kNameChars.HasAllOf(name)) continue;
    return Broken(origins, {key},
                  absl::StrCat(key, " is no name of a parameter, or one that has two meanings: use "
                                    "letters, digits and -._~, and another name for each"));
  }
  return absl::OkStatus();
}

// `section`: [room], or that of a type.
absl::Status CheckRoom(const std::string& section, const RoomOptions& room,
                       const PushOptions& push, const Origins& origins) {
  if (room.log_bytes >= 2 * push.body_bytes) return absl::OkStatus();
  const std::string key = absl::StrCat(section, ".log_bytes");
  return Broken(origins, {key, "push.body_bytes"},
                absl::StrCat(key, " (", room.log_bytes,
                             ") is less than twice push.body_bytes: raise it to ",
                             2 * push.body_bytes, " or more"));
}

absl::Status CheckDiscovery(const DiscoveryOptions& discovery, const Origins& origins) {
  const absl::StatusOr<std::vector<std::string>> nodes = ParseNodeList(discovery.nodes);
  if (!nodes.ok()) return Broken(origins, {"discovery.nodes"}, nodes.status().message());
  const absl::StatusOr<std::vector<std::string>> logic = ParseNodeList(discovery.static_addresses);
  if (!logic.ok()) return Broken(origins, {"discovery.static_addresses"}, logic.status().message());
  if (discovery.kind == DiscoveryKind::kBilibili && nodes->empty()) {
    return Broken(origins, {"discovery.kind"},
                  "discovery.kind is bilibili, and nobody is named to register with: set "
                  "discovery.nodes");
  }
  if (discovery.kind == DiscoveryKind::kBilibili && discovery.appid.empty()) {
    return Broken(origins, {"discovery.appid"},
                  "discovery.appid is empty, so nobody could look for the node: name it goim.comet");
  }
  if (discovery.kind == DiscoveryKind::kStatic && logic->empty()) {
    return Broken(origins, {"discovery.kind"},
                  "discovery.kind is static, and there are no addresses: set "
                  "discovery.static_addresses");
  }
  return absl::OkStatus();
}

absl::Status CheckRooms(const Options& options, const Origins& origins) {
  absl::Status status = CheckRoom("room", options.room, options.push, origins);
  for (size_t i = 0; status.ok() && i < options.room_types.size(); ++i) {
    const RoomType& type = options.room_types[i];
    status = CheckRoom(absl::StrCat("room.", type.name), type.options, options.push, origins);
  }
  return status;
}

}  // namespace

absl::Status CheckTogether(const Options& options, const Origins& origins) {
  if (absl::Status status = CheckListening(options, origins); !status.ok()) return status;
  if (absl::Status status = CheckTls(options, origins); !status.ok()) return status;
  if (absl::Status status = CheckSecrets(options, origins); !status.ok()) return status;
  if (absl::Status status = CheckBackend(options, origins); !status.ok()) return status;
  if (absl::Status status = CheckSizes(options, origins); !status.ok()) return status;
  if (absl::Status status = CheckLimits(options, origins); !status.ok()) return status;
  if (absl::Status status = CheckGopusher(options.gopusher, origins); !status.ok()) return status;
  if (absl::Status status = CheckDiscovery(options.discovery, origins); !status.ok()) return status;
  return CheckRooms(options, origins);
}

}  // namespace halley::config
