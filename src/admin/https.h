// Https: the admin port's certificate. It is read, and tried, while files may be read that only root
// may; what serves with it comes later.
//
// TLS 1.2 and 1.3 only, no compression, no renegotiation (RFC 9325 3).
//
// Threads    Any; no state.
// Errors     One sentence: which file, why, and what to do.
#pragma once

#include <openssl/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "config/options.h"

namespace halley::admin {

// PEM texts; empty where the port speaks HTTP.
struct HttpsFiles {
  std::string certificate;  // with its chain
  std::string key;
};

absl::StatusOr<HttpsFiles> ReadHttps(const config::AdminOptions& options);

// False: they are no good, which ReadHttps() would have said.
bool PrepareHttps(const HttpsFiles& files, SSL_CTX* context);

}  // namespace halley::admin
