#include "gateway/check_files.h"

#include <unistd.h>

#include "admin/https.h"
#include "gateway/backends.h"
#include "gateway/own_instance.h"
#include "gateway/own_user.h"
#include "gateway/tls_servers.h"
#include "journal/line_file.h"

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
  if (absl::Status backends = Backends::Check(options); !backends.ok()) return backends;
  if (options.access_log.file.empty()) return absl::OkStatus();
  // Last, for there is no way back: that user is who will open it.
  if (absl::Status became = BecomeUser(options.gateway.user); !became.ok()) return became;
  return journal::LineFile::Check(options.access_log.file);
}

}  // namespace halley::gateway
