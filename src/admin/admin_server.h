// AdminServer: HTTP for operators and small sites. Metrics, health, goim's HTTP API, and the node's
// own under /v1 (src/admin/openapi.json), and a page at / that shows what these tell (src/admin/page).
//
// Threads    Its own, some per address: `admin.threads` requests are served at a time, and who comes
//            later waits. Create() and the destructor on one thread; no shard ever waits for it.
// Ownership  Owns its clients of the node.
// Limits     One request: the longest body that a pusher may send, 8 KiB of target and headers each;
//            admin.timeout_ms for it to come. cpp-httplib counts that from byte to byte.
// Errors     Create() fails with one sentence, and nothing is left listening.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "admin/figures.h"
#include "admin/goim_api.h"
#include "admin/https.h"
#include "admin/metrics.h"
#include "config/options.h"
#include "halley/push_client.h"
#include "wire/json_writer.h"

namespace halley::admin {

// A socket that listens, and what it is bound to. Borrowed for Create().
struct PassedSocket {
  std::string address;  // "1.2.3.4:5" or "[::1]:5"
  int fd;
};

struct AdminSetup {
  std::unique_ptr<PushClient> pusher;
  std::unique_ptr<PushClient> observer;
  HttpsFiles https;
  std::vector<PassedSocket> passed;  // in place of sockets of its own
  NodesReply nodes;
  std::string version;
  // Empty: clients are to be sent here; else one sentence why not. Any thread.
  std::function<std::string()> why_not_ready;
  // Whether somebody can be asked who a client is. Any thread.
  std::function<bool()> backend_usable;
  // A JSON array of nodes as goim's registry lists them. Any thread, like the next.
  std::function<wire::JsonWriter()> instances;
  std::function<std::optional<DiscoveryFigures>()> discovery;
  // What else there is to tell of the node.
  std::function<std::vector<NodeMetric>()> more_metrics = [] { return std::vector<NodeMetric>(); };
};

class AdminServer {
 public:
  // Listens on options.listen.admin.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Create(const config::Options& options,
                                                             AdminSetup setup);
  virtual ~AdminServer() = default;  // answers what was begun

  // For requests that come from now on. Any thread.
  virtual void SetToken(absl::string_view token) = 0;
  // For connections that come from now on, and as ReadHttps() has read them. Any thread; nothing, where the
  // port speaks HTTP.
  virtual void SetCertificate(const HttpsFiles& files) = 0;
  // As bound.
  virtual const std::vector<std::string>& addresses() const = 0;
};

}  // namespace halley::admin
