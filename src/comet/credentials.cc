#include "comet/credentials.h"

#include <fcntl.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/assert.h"
#include "config/small_file.h"

namespace halley::comet {
namespace {

constexpr size_t kPemBytesMax = 1 << 20;

absl::Status Read(absl::string_view option, const std::string& path, std::string* text) {
  const absl::StatusOr<std::string> read = config::ReadSmallFile(path, kPemBytesMax);
  if (!read.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("comet_grpc.", option, ": ", read.status().message(), ", name a readable PEM file"));
  }
  absl::StrAppend(text, *read, "\n");
  return absl::OkStatus();
}

// Closed unless released.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A file without a name, with this text; -1: there is no room for it.
int NewFile(absl::string_view text) {
  Descriptor file(::memfd_create("comet-pem", MFD_CLOEXEC));
  if (file.get() < 0) return -1;
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written <= 0) return -1;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return file.Release();
}

absl::Status NoRoom() {
  return absl::ResourceExhaustedError(
      absl::StrCat("the certificates of listen.comet_grpc cannot be handed to gRPC (", std::strerror(errno),
                   "): raise RLIMIT_NOFILE, or give the process more memory"));
}

}  // namespace

class Credentials::File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(fd_); }

  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_); }
  // Whoever opens it finds the one or the other.
  void Become(int other) { HALLEY_ASSERT(::dup3(other, fd_, O_CLOEXEC) == fd_); }

 private:
  const int fd_;
};

absl::StatusOr<PemTexts> ReadPemTexts(const config::CometGrpcOptions& options) {
  PemTexts texts;
  if (options.tls_certificate.empty()) return texts;
  absl::Status read = Read("tls_certificate", options.tls_certificate, &texts.identity);
  if (read.ok() && !options.tls_key.empty()) read = Read("tls_key", options.tls_key, &texts.identity);
  if (read.ok() && !options.tls_client_ca.empty()) {
    read = Read("tls_client_ca", options.tls_client_ca, &texts.client_ca);
  }
  if (!read.ok()) return read;
  return texts;
}

absl::StatusOr<std::unique_ptr<Credentials>> Credentials::Create(const PemTexts& texts) {
  namespace tls = grpc::experimental;
  HALLEY_ASSERT(!texts.identity.empty());
  std::unique_ptr<Credentials> credentials(new Credentials());
  const int identity = NewFile(texts.identity);
  if (identity < 0) return NoRoom();
  credentials->identity_ = std::make_unique<File>(identity);
  if (!texts.client_ca.empty()) {
    const int client_ca = NewFile(texts.client_ca);
    if (client_ca < 0) return NoRoom();
    credentials->client_ca_ = std::make_unique<File>(client_ca);
  }
  // Key and chain are found in one file, which is how they cannot be of two.
  const std::string path = credentials->identity_->path();
  const bool mutual = credentials->client_ca_ != nullptr;
  tls::TlsServerCredentialsOptions options(std::make_shared<tls::FileWatcherCertificateProvider>(
      path, path, mutual ? credentials->client_ca_->path() : "", kLookAgainS));
  options.watch_identity_key_cert_pairs();
  if (mutual) options.watch_root_certs();
  options.set_cert_request_type(mutual ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                       : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  credentials->server_ = tls::TlsServerCredentials(options);
  return credentials;
}

Credentials::~Credentials() = default;

absl::Status Credentials::Use(const PemTexts& texts) {
  HALLEY_ASSERT(!texts.identity.empty() && texts.client_ca.empty() == (client_ca_ == nullptr));
  const Descriptor identity(NewFile(texts.identity));
  if (identity.get() < 0) return NoRoom();
  if (client_ca_ != nullptr) {
    const Descriptor client_ca(NewFile(texts.client_ca));
    if (client_ca.get() < 0) return NoRoom();
    client_ca_->Become(client_ca.get());
  }
  identity_->Become(identity.get());
  return absl::OkStatus();
}

}  // namespace halley::comet
