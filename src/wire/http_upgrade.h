// The HTTP/1.1 request that opens a WebSocket (RFC 6455 4.2, RFC 9112), asks for a file, or
// for server-sent events, or for one message, parsed strictly. What it is answered with stands in http_answer.h and http_file.h.
//
// Whatever two parsers could read differently is refused: bare CR or LF, folded lines, space before
// a colon, a second Host, any body. What is at which path stands in ChooseRoute(); a query is
// allowed.
//
// Ownership  Borrow for the call; the request's views point into the parsed bytes. `forwarded_for`
//            may lie in memory of the thread and dies with its next ParseUpgrade().
// Limits     UpgradeLimits. Nothing is allocated by parsing, but where X-Forwarded-For stands more
//            than once; each byte is scanned once and, when all are there, parsed once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "wire/http_file.h"
#include "wire/origin.h"
#include "wire/permessage_deflate.h"

namespace halley::wire {

// What the path asks for.
enum class Dialect : uint8_t {
  kGoim,
  kJson,
  kEventStream,  // no WebSocket: server-sent events
  kGopush,       // what the query asks for
  kGopusher,     // at every path of a listener of its own
  kGoimV1,       // where that is served, and a WebSocket is asked for
  kGoimV1LongPoll,  // and none is
};

struct UpgradeLimits {
  size_t header_bytes_max = 8192;  // request line and headers with their final empty line
  size_t headers_max = 64;
  bool gopusher = false;     // whether every path is Gopusher's, and no other's
  bool goim_v1 = false;      // whether goim v1 is served, on /sub, and nothing else
  bool deflate = false;      // whether permessage-deflate is agreed to, on goim's /sub and on /json
  std::string subprotocols;  // "a,b": of those that a client offers, the first that stands here
  OriginPolicy origins;
  bool forwarded_for = false;  // whether anybody wants to know X-Forwarded-For
  absl::Span<const HttpFile> files;  // on paths of their own; they outlive every request
};

// Why a request is not upgraded; each has its HTTP status and a sentence for the client.
enum class UpgradeRefusal : uint8_t {
  kBadByte,             // 400: a control byte, a bare CR or a bare LF
  kBadRequestLine,      // 400
  kBadHeaderLine,       // 400: no name, no colon, space around the name
  kFoldedLine,          // 400
  kRepeatedHeader,      // 400: a header that may stand only once
  kBadHost,             // 400: missing or not a host
  kNoUpgrade,           // 400: Upgrade does not name websocket
  kNoConnectionUpgrade,  // 400: Connection does not name upgrade
  kBadKey,              // 400: Sec-WebSocket-Key is not 16 bytes in base64
  kBadQuery,            // 400: never by the parser; for who reads the query
  kBadPoll,             // 400: never by the parser; for who reads that of a long poll
  kNoVersion,           // 400: Sec-WebSocket-Version is missing
  kGopusherDuplicate,   // 400: never by the parser; as kDuplicate, in Gopusher's words
  kGopusherUnauthorized,  // 401: never by the parser; as kUnauthorized, in Gopusher's words
  kUnauthorized,        // 403: never by the parser; for who checks the token
  kForeignOrigin,       // 403: a page that may not connect
  kNotFound,            // 404
  kNotGet,              // 405
  kNotGetOrHead,        // 405: at a file's path
  kDuplicate,           // 409: never by the parser; for a key that is taken
  kBody,                // 413: Content-Length other than 0, or Transfer-Encoding
  kOtherVersion,        // 426: Sec-WebSocket-Version is not 13
  kTooMany,             // 429: never by the parser; for an address that has or does too much
  kHeaderTooLarge,      // 431
  kTooManyHeaders,      // 431
  kUnavailable,         // 503: never by the parser; for who must turn a client away
  kNotHttp11,           // 505
  kCount_,
};

struct UpgradeRequest {
  std::string_view key;     // value of Sec-WebSocket-Key
  std::string_view cookie;  // value of Cookie; empty when there was none
  std::string_view origin;  // value of Origin, which may connect; empty when there was none
  std::string_view query;   // what stands behind the '?'
  std::string_view subprotocol;  // the one agreed on; empty: none
  std::string_view forwarded_for;  // X-Forwarded-For, all such headers as one list; may be anything
  DeflateAgreement deflate;
  Dialect dialect = Dialect::kGoim;
  std::string_view response;  // kFile: the whole of it, or its head; lives as long as the files
  size_t bytes = 0;         // of the request; what follows is WebSocket
};

enum class UpgradeStatus : uint8_t {
  kMore,
  kDone,  // what the dialect says is opened
  kFile,  // not that: a file was asked for
  kRefused,
};

// Parses the request at the front of `bytes`. kMore is answered only while fewer than
// `header_bytes_max` bytes are there. `*scanned` is 0 for a new request and is kept by the caller
// between calls that say kMore, so that no byte is searched for the end twice.
UpgradeStatus ParseUpgrade(std::string_view bytes, const UpgradeLimits& limits, size_t* scanned,
                           UpgradeRequest* request, UpgradeRefusal* refusal);

}  // namespace halley::wire
