// Credentials: what the comet service shows to its callers over TLS, and whom it believes them to be. They
// may be others while it serves.
//
// gRPC 1.51 takes new certificates from nothing but files that it looks at again. So the texts that were
// found good stand in files without a name, which only this process sees, and a new one takes the place of
// the old one as a whole.
//
// Threads    One; gRPC reads on threads of its own. Of a process: /proc/self/fd must mean the descriptors
//            of whoever created it.
// Ownership  Owns the files. Outlives the server.
// Errors     One sentence.
// Limits     What Use() has put there counts for who connects kLookAgainS later at the latest.
// Source     memfd_create(2); grpcpp/security/tls_certificate_provider.h.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/options.h"

namespace grpc {
class ServerCredentials;
}  // namespace grpc

namespace halley::comet {

// PEM texts; empty where the port speaks plain HTTP/2.
struct PemTexts {
  std::string identity;   // the private key, and the certificate with its chain
  std::string client_ca;  // empty: callers show no certificate
};

// Whether they are good is for others to say.
absl::StatusOr<PemTexts> ReadPemTexts(const config::CometGrpcOptions& options);

class Credentials {
 public:
  static constexpr unsigned kLookAgainS = 1;

  // `texts` has an identity.
  static absl::StatusOr<std::unique_ptr<Credentials>> Create(const PemTexts& texts);
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials();

  const std::shared_ptr<grpc::ServerCredentials>& server() const { return server_; }
  // Has a client_ca exactly if those that it was created with have. On failure nothing has changed.
  absl::Status Use(const PemTexts& texts);

 private:
  // The number stays, whatever it is that it stands for.
  class File;

  Credentials() = default;

  std::unique_ptr<File> identity_;
  std::unique_ptr<File> client_ca_;  // null: there is none
  std::shared_ptr<grpc::ServerCredentials> server_;
};

}  // namespace halley::comet
