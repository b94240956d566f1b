// The request that opens a WebSocket, and what may follow it.
#include "fuzz/fuzz_feed.h"
#include "session/session_feed.h"
#include "wire/cookie.h"
#include "wire/http_upgrade.h"

namespace halley {

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = wire::testing::FuzzInput(data, size);
  static const wire::HttpFile files[] = {{"/", "HTTP/1.1 200 OK", 8}, {"/s", "HTTP/1.1 200", 8}};
  static const session::SessionLimits limits{
      .upgrade = {.header_bytes_max = 600,
                  .headers_max = 14,
                  .deflate = true,
                  .subprotocols = "goim, chat",
                  .origins = wire::OriginPolicy({"https://*.example.com"}),
                  .files = files}};
  const std::string transcript = wire::testing::FuzzDecoder(
      session::testing::SessionDecoder(session::Transport::kWebSocket, limits), input);
  // Nothing but the whole answer of goim, a whole refusal, a file, or a login that is a request.
  HALLEY_ASSERT(transcript.empty() || transcript.starts_with("upgraded") ||
                transcript.starts_with("auth 0/7/0") ||
                transcript.starts_with("file \"HTTP/1.1") ||
                transcript.starts_with("close bad_handshake > HTTP/1.1 4") ||
                transcript.starts_with("close bad_handshake > HTTP/1.1 505 "));

  wire::UpgradeRequest request;
  wire::UpgradeRefusal refusal;
  size_t scanned = 0;
  if (wire::ParseUpgrade(input, limits.upgrade, &scanned, &request, &refusal) == wire::UpgradeStatus::kDone) {
    const std::string_view taken = input.substr(0, request.bytes);
    HALLEY_ASSERT(taken.starts_with("GET /s") && taken.ends_with("\r\n\r\n"));
    HALLEY_ASSERT(taken.find("\r\n\r\n") == taken.size() - 4);
    HALLEY_ASSERT(taken.size() <= limits.upgrade.header_bytes_max);
    HALLEY_ASSERT(request.key.size() == 24 || request.dialect == wire::Dialect::kEventStream);
    HALLEY_ASSERT(request.cookie.find_first_of(std::string_view("\r\n\0", 3)) ==
                  std::string_view::npos);
    const std::optional<std::string_view> cookie = wire::FindCookie(request.cookie, "sid");
    HALLEY_ASSERT(!cookie.has_value() || cookie->find_first_of(" \t\",;\\") == std::string_view::npos);
    HALLEY_ASSERT(request.subprotocol.empty() || request.subprotocol == "goim" ||
                  request.subprotocol == "chat");
  }
  return 0;
}

}  // namespace halley
