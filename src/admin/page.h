// The operator's page: files that live in the program and are the same for everybody. What it shows it
// asks of this port, with the token that its user types; what it receives as a client, of the node's own
// WebSocket port.
//
// Threads    Any.
// Ownership  The files live as long as the program.
// Source     Content Security Policy Level 3; Trusted Types (W3C).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace halley::admin {

struct PageFile {
  const char* path;  // "/page/page.css"
  const char* type;
  std::string_view bytes;
};

// "/", what lies under "/page/", and the JavaScript client at "/halley.js".
absl::Span<const PageFile> PageFiles();

// The Content-Security-Policy of a response to a request whose Host is `host`: what came with the program
// may run, this port may be asked, and the WebSocket ports of the same host; 0: there is none. A host that
// a policy cannot name, as an IPv6 address, stands for any host there, still at those ports alone.
std::string PagePolicy(absl::string_view host, uint32_t ws_port, uint32_t wss_port);

}  // namespace halley::admin
