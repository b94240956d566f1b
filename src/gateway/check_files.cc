#include "gateway/check_files.h"

#include <unistd.h>

#include "backend/jwks_fetcher.h"
#include "backend/key_set.h"
#include "gateway/own_instance.h"
#include "gateway/own_user.h"
#include "gateway/tls_servers.h"

namespace halley::gateway {

absl::Status CheckFiles(const config::Options& options) {
  if (!options.gateway.user.empty()) {
    const auto account = FindAccount(options.gateway.user, geteuid());
    if (!account.ok()) return account.status();
  }
  const auto tls = TlsServers::Load(options);
  if (!tls.ok()) return tls.status();
  const auto self = OwnInstance(options.discovery);
  if (!self.ok()) return self.status();
  if (options.backend.kind != config::BackendKind::kJwt) return absl::OkStatus();
  const auto keys = backend::KeySet::Load(options.jwt);
  if (!keys.ok()) return keys.status();
  if (options.jwt.jwks_url.empty()) return absl::OkStatus();
  return backend::JwksFetcher::Check(options.jwt);
}

}  // namespace halley::gateway
