#include "gateway/check_files.h"

#include <unistd.h>

#include "admin/https.h"
#include "gateway/backends.h"
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
  const auto https = admin::ReadHttps(options.admin);
  if (!https.ok()) return https.status();
  const auto self = OwnInstance(options.discovery);
  if (!self.ok()) return self.status();
  return Backends::Check(options);
}

}  // namespace halley::gateway
