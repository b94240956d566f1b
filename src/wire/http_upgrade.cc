#include "wire/http_upgrade.h"

#include <algorithm>
#include <optional>

#include "base/char_set.h"
#include "wire/http_text.h"
#include "wire/query.h"

namespace halley::wire {
namespace {

using Refusal = std::optional<UpgradeRefusal>;

bool IsVisible(char c) { return c > ' ' && c < 0x7F; }

// Characters of a host and port (RFC 3986 3.2.2). '@', '/' and ',' are what attacks are made of.
constexpr base::CharSet kHostChars("-._~:[]%!$&'()*+;=");
constexpr base::CharSet kBase64Chars("+/");

bool IsHost(std::string_view text) { return !text.empty() && kHostChars.HasAllOf(text); }

// 16 bytes are 22 characters and two of padding.
bool IsKey(std::string_view text) {
  return text.size() == 24 && text.ends_with("==") &&
         kBase64Chars.HasAllOf(text.substr(0, 22));
}

bool ListContains(std::string_view list, std::string_view lower) {
  while (!list.empty()) {
    if (Is(TakeItem(&list, ','), lower)) return true;
  }
  return false;
}

// Looks for the empty line in [*scanned, until). What HTTP may never contain is refused where it
// stands, so that garbage (a TLS hello, say) is not waited for.
enum class Scan : uint8_t { kMore, kEnd, kBadByte };
Scan ScanForEnd(std::string_view bytes, size_t until, size_t* scanned) {
  const auto after_cr = [&](size_t at) { return at > 0 && bytes[at - 1] == '\r'; };
  size_t at = *scanned;
  if (at < until && after_cr(at) && bytes[at] != '\n') return Scan::kBadByte;
  for (; at < until; ++at) {
    const auto byte = static_cast<uint8_t>(bytes[at]);
    if (byte >= ' ' && byte != 0x7F) [[likely]] continue;
    if (byte == '\r') {
      if (at + 1 < until && bytes[at + 1] != '\n') return Scan::kBadByte;
    } else if (byte == '\n') {
      if (!after_cr(at)) return Scan::kBadByte;
      if (at >= 3 && bytes[at - 2] == '\n') {
        *scanned = at + 1;
        return Scan::kEnd;
      }
    } else if (byte != '\t') {
      return Scan::kBadByte;
    }
  }
  *scanned = until;
  return Scan::kMore;
}

// Takes one line off the front; the scan has shown that it ends with CRLF.
std::string_view TakeLine(std::string_view* rest) {
  const size_t end = rest->find('\r');
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end + 2);
  return line;
}

// What a request asks for.
struct Target {
  Dialect dialect = Dialect::kGoim;
  std::string_view query;
  const HttpFile* file = nullptr;  // null: what the dialect says
  bool head = false;               // of the file
};

// What is at each path: the one place that says so.
Refusal ChooseRoute(std::string_view method, std::string_view path, const UpgradeLimits& limits,
                    Target* target) {
  if (limits.gopusher) {
    target->dialect = Dialect::kGopusher;
    return method == "GET" ? Refusal() : UpgradeRefusal::kNotGet;
  }
  struct Route {
    std::string_view path;
    Dialect dialect;
  };
  static constexpr Route kRoutes[] = {
      {"/sub", Dialect::kGoim}, {"/json", Dialect::kJson}, {"/sse", Dialect::kEventStream}};
  static constexpr Route kGoimV1Routes[] = {{"/sub", Dialect::kGoimV1}};
  const absl::Span<const Route> routes =
      limits.goim_v1 ? absl::MakeConstSpan(kGoimV1Routes) : absl::MakeConstSpan(kRoutes);
  for (const Route& route : routes) {
    if (path != route.path) continue;
    if (method != "GET") return UpgradeRefusal::kNotGet;
    target->dialect = route.dialect;
    return std::nullopt;
  }
  for (const HttpFile& file : limits.files) {
    if (path != file.path) continue;
    target->head = method == "HEAD";
    if (method != "GET" && !target->head) return UpgradeRefusal::kNotGetOrHead;
    target->file = &file;
    return std::nullopt;
  }
  return UpgradeRefusal::kNotFound;
}

Refusal CheckRequestLine(std::string_view line, const UpgradeLimits& limits, Target* target) {
  const size_t method_end = line.find(' ');
  const size_t target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end == method_end) {
    return UpgradeRefusal::kBadRequestLine;
  }
  const std::string_view method = line.substr(0, method_end);
  const std::string_view uri = line.substr(method_end + 1, target_end - method_end - 1);
  const std::string_view version = line.substr(target_end + 1);
  if (!base::IsToken(method) || uri.empty() || !std::ranges::all_of(uri, IsVisible) ||
      !version.starts_with("HTTP/")) {
    return UpgradeRefusal::kBadRequestLine;
  }
  if (version != "HTTP/1.1") return UpgradeRefusal::kNotHttp11;
  const size_t path_end = uri.find('?');
  if (path_end != std::string_view::npos) target->query = uri.substr(path_end + 1);
  const Refusal refusal = ChooseRoute(method, uri.substr(0, path_end), limits, target);
  // goim's clients connect there, too, and send no query that names a key.
  if (!refusal && target->dialect == Dialect::kGoim && FindParameter(target->query, "key")) {
    target->dialect = Dialect::kGopush;
  }
  return refusal;
}

// What the request said. nullopt: the header did not come.
struct Headers {
  Target target;
  std::optional<std::string_view> host;
  std::optional<std::string_view> key;
  std::optional<std::string_view> version;
  std::optional<std::string_view> cookie;
  std::optional<std::string_view> origin;
  std::optional<std::string_view> content_length;
  std::string_view subprotocol;
  std::string_view forwarded_for;
  std::string_view fetch_site;
  DeflateAgreement deflate;
  bool transfer_encoding = false;
  bool upgrade = false;
  bool connection_upgrade = false;

  // The place of a header that may come once; null for all others.
  std::optional<std::string_view>* Single(std::string_view name) {
    if (Is(name, "host")) return &host;
    if (Is(name, "sec-websocket-key")) return &key;
    if (Is(name, "sec-websocket-version")) return &version;
    if (Is(name, "cookie")) return &cookie;
    if (Is(name, "origin")) return &origin;
    if (Is(name, "content-length")) return &content_length;
    return nullptr;
  }
};

// Of the client's, in its order, the first that is among ours.
std::string_view ChooseSubprotocol(std::string_view offered, std::string_view ours) {
  while (!offered.empty()) {
    const std::string_view each = TakeItem(&offered, ',');
    for (std::string_view rest = ours; !rest.empty();) {
      if (TakeItem(&rest, ',') == each && base::IsToken(each)) return each;
    }
  }
  return {};
}

// One list of two (RFC 9110 5.3), in memory of the thread: each proxy may have added a header.
std::string_view Joined(std::string_view list, std::string_view more) {
  thread_local std::string joined;
  if (list.data() != joined.data()) joined = list;
  joined.append(", ").append(more);
  return joined;
}

Refusal TakeHeader(std::string_view line, const UpgradeLimits& limits, Headers* headers) {
  if (IsBlank(line[0])) return UpgradeRefusal::kFoldedLine;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return UpgradeRefusal::kBadHeaderLine;
  const std::string_view name = line.substr(0, colon);
  if (!base::IsToken(name)) return UpgradeRefusal::kBadHeaderLine;
  const std::string_view value = Trimmed(line.substr(colon + 1));
  if (auto* const single = headers->Single(name)) {
    if (single->has_value()) return UpgradeRefusal::kRepeatedHeader;
    *single = value;
  } else if (Is(name, "transfer-encoding")) {
    headers->transfer_encoding = true;
  } else if (Is(name, "upgrade")) {
    headers->upgrade = headers->upgrade || ListContains(value, "websocket");
  } else if (Is(name, "connection")) {
    headers->connection_upgrade = headers->connection_upgrade || ListContains(value, "upgrade");
  } else if (Is(name, "sec-websocket-protocol")) {
    if (headers->subprotocol.empty()) {
      headers->subprotocol = ChooseSubprotocol(value, limits.subprotocols);
    }
  } else if (Is(name, "sec-fetch-site")) {
    headers->fetch_site = value;
  } else if (limits.forwarded_for && Is(name, "x-forwarded-for")) {
    const std::string_view before = headers->forwarded_for;
    headers->forwarded_for = before.empty() ? value : Joined(before, value);
  } else if (Is(name, "sec-websocket-extensions")) {
    const Dialect dialect = headers->target.dialect;
    const bool wanted =
        limits.deflate && (dialect == Dialect::kGoim || dialect == Dialect::kJson);
    if (wanted && !headers->deflate.agreed) headers->deflate = AgreeOnDeflate(value);
  }
  return std::nullopt;
}

Refusal CheckUpgrade(const Headers& headers) {
  if (!headers.upgrade) return UpgradeRefusal::kNoUpgrade;
  if (!headers.connection_upgrade) return UpgradeRefusal::kNoConnectionUpgrade;
  if (!headers.version.has_value()) return UpgradeRefusal::kNoVersion;
  if (*headers.version != "13") return UpgradeRefusal::kOtherVersion;
  if (!IsKey(headers.key.value_or(""))) return UpgradeRefusal::kBadKey;
  return std::nullopt;
}

// What no script asks for, an image's address say, is asked for without an Origin, and cookies go along
// all the same. Nobody could read the answer, but the login would push out the user's own connection.
// Browsers say so in Sec-Fetch-Site. With a callback, cookies of a long poll are no login anyway.
bool IsBlindFetch(const Headers& headers) {
  if (headers.origin.has_value() || !headers.cookie.has_value()) return false;
  if (headers.target.dialect == Dialect::kGoimV1LongPoll &&
      FindParameter(headers.target.query, "cb")) {
    return false;
  }
  return Is(headers.fetch_site, "cross-site") || Is(headers.fetch_site, "same-site");
}

Refusal CheckHeaders(const Headers& headers, const OriginPolicy& origins) {
  if (headers.transfer_encoding || headers.content_length.value_or("0") != "0") {
    return UpgradeRefusal::kBody;
  }
  if (!IsHost(headers.host.value_or(""))) return UpgradeRefusal::kBadHost;
  const bool file = headers.target.file != nullptr;
  const Dialect dialect = headers.target.dialect;
  if (file || dialect == Dialect::kEventStream || dialect == Dialect::kGoimV1LongPoll) {
    // Who wants a WebSocket there is told where they are.
    if (headers.upgrade) return UpgradeRefusal::kNotFound;
    if (file) return std::nullopt;
  } else if (const Refusal refusal = CheckUpgrade(headers)) {
    return refusal;
  }
  if (headers.origin.has_value() &&
      !origins.Allows(*headers.origin, *headers.host, headers.cookie.has_value())) {
    return UpgradeRefusal::kForeignOrigin;
  }
  return IsBlindFetch(headers) ? UpgradeRefusal::kForeignOrigin : Refusal();
}

// `rest` is a whole request with its empty line.
Refusal ParseRequest(std::string_view rest, const UpgradeLimits& limits, Headers* headers) {
  if (const Refusal refusal = CheckRequestLine(TakeLine(&rest), limits, &headers->target)) {
    return refusal;
  }
  for (size_t count = 0;; ++count) {
    const std::string_view line = TakeLine(&rest);
    if (line.empty()) break;
    if (count == limits.headers_max) return UpgradeRefusal::kTooManyHeaders;
    if (const Refusal refusal = TakeHeader(line, limits, headers)) return refusal;
  }
  if (headers->target.dialect == Dialect::kGoimV1 && !headers->upgrade) {
    headers->target.dialect = Dialect::kGoimV1LongPoll;
  }
  return CheckHeaders(*headers, limits.origins);
}

}  // namespace

UpgradeStatus ParseUpgrade(std::string_view bytes, const UpgradeLimits& limits, size_t* scanned,
                           UpgradeRequest* request, UpgradeRefusal* refusal) {
  const size_t until = std::min(bytes.size(), limits.header_bytes_max);
  const Scan scan = ScanForEnd(bytes, until, scanned);
  if (scan == Scan::kBadByte) {
    *refusal = UpgradeRefusal::kBadByte;
    return UpgradeStatus::kRefused;
  }
  if (scan == Scan::kMore) {
    if (until < limits.header_bytes_max) return UpgradeStatus::kMore;
    *refusal = UpgradeRefusal::kHeaderTooLarge;
    return UpgradeStatus::kRefused;
  }
  Headers headers;
  const Refusal why = ParseRequest(bytes.substr(0, *scanned), limits, &headers);
  if (why.has_value()) {
    *refusal = *why;
    return UpgradeStatus::kRefused;
  }
  request->bytes = *scanned;
  if (const HttpFile* const file = headers.target.file) {
    request->response = file->response;
    if (headers.target.head) request->response = request->response.substr(0, file->head_bytes);
    return UpgradeStatus::kFile;
  }
  request->key = headers.key.value_or("");
  request->origin = headers.origin.value_or("");
  request->query = headers.target.query;
  request->cookie = headers.cookie.value_or("");
  request->subprotocol = headers.subprotocol;
  request->forwarded_for = headers.forwarded_for;
  request->deflate = headers.deflate;
  request->dialect = headers.target.dialect;
  return UpgradeStatus::kDone;
}

}  // namespace halley::wire
