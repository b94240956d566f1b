// Https: the admin port's certificate, for httplib's server.
//
// TLS 1.2 and 1.3 only, no compression, no renegotiation (RFC 9325 3).
//
// Threads    Any; no state.
#pragma once

#include <httplib.h>

#include "absl/status/status.h"
#include "config/options.h"

namespace halley::admin {

// For httplib::SSLServer's constructor. On failure `*status` says which file is no good, and the server
// is not valid.
bool PrepareHttps(const config::AdminOptions& options, SSL_CTX& context, absl::Status* status);

}  // namespace halley::admin
