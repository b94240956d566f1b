// Https: the admin port's certificate. At start it is read, and tried, while files may be read that only
// root may; what serves with it comes later. At a reload it is read again, by whom the gateway is then.
//
// TLS 1.2 and 1.3 only, no compression, no renegotiation (RFC 9325 3).
//
// Threads    Any.
// Ownership  An HttpsIdentity outlives the contexts that it has prepared.
// Errors     One sentence: which file, why, and what to do.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <mutex>
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

// What the port shows to who connects.
class HttpsIdentity {
 public:
  // From now on; who has begun to shake hands goes on with what was shown to it. False: the files are no
  // good, which ReadHttps() would have said, or there is no memory, and nothing has changed.
  bool Use(const HttpsFiles& files);
  // Has who connects to what `context` serves be shown what is in use then.
  bool Prepare(SSL_CTX* context);

 private:
  std::shared_ptr<SSL_CTX> Current();

  std::mutex mutex_;
  std::shared_ptr<SSL_CTX> current_;  // under mutex_; null until Use(). Never changed once it is there
};

}  // namespace halley::admin
