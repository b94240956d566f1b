// What servers and clients set up alike: protocol versions, ciphers and certificates.
//
// Source  Mozilla's "intermediate" recommendations, version 5.7.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct ssl_ctx_st;

namespace halley::tls {

struct ContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
using ContextPtr = std::unique_ptr<ssl_ctx_st, ContextDeleter>;

// A certificate with those between it and its root, and its private key, in PEM. Without a file of
// its own the key stands in the certificate's.
struct Certificate {
  std::string chain_file;
  std::string key_file;
};

enum class Role : bool { kServer, kClient };

// TLS 1.2 and 1.3, forward secrecy and authenticated encryption only; no renegotiation, no
// compression; buffers only while they are used.
ContextPtr NewContext(Role role, bool tls13_only);

// Errors name the file and say what is wrong with it.
absl::Status UseCertificate(ssl_ctx_st* context, const Certificate& certificate);
absl::Status TrustFile(ssl_ctx_st* context, const std::string& ca_file);

}  // namespace halley::tls
