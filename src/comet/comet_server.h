// CometServer: where goim's job calls this node as it calls a comet, over gRPC.
//
// Threads    gRPC's own. Create() and the destructor on one thread; no shard ever waits for it.
// Ownership  Owns its clients of the node.
// Errors     Create() fails with one sentence, and nothing is left listening. What goes wrong with a
//            caller is told to that caller.
// Limits     One call: push.message_bytes, and comet_grpc.timeout_ms for the node to answer it.
//            comet_grpc.calls at a time, comet_grpc.streams of one connection, and memory for what is
//            being read (kQuotaMessages); 8 KiB of headers. A connection lives two hours, as in goim.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "comet/credentials.h"
#include "config/options.h"
#include "halley/push_client.h"

namespace grpc {
class Server;
}  // namespace grpc

namespace halley::comet {

class CometService;

class CometServer {
 public:
  // Listens on options.listen.comet_grpc. `pusher` pushes, and must never wait for room; `observer` asks.
  // `texts`: as ReadPemTexts() has read them for these options.
  static absl::StatusOr<std::unique_ptr<CometServer>> Create(const config::Options& options,
                                                             std::unique_ptr<PushClient> pusher,
                                                             std::unique_ptr<PushClient> observer,
                                                             const PemTexts& texts = {});
  // Answers what was begun, within a second.
  ~CometServer();

  // For those who connect from now on, give or take a second; they have been found good. Nothing, where
  // plain HTTP/2 is spoken.
  absl::Status SetCertificate(const PemTexts& texts);

  // As bound.
  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  CometServer(const config::Options& options, std::unique_ptr<PushClient> pusher,
              std::unique_ptr<PushClient> observer);
  absl::Status Listen(const config::Options& options, const PemTexts& texts);

  const std::unique_ptr<PushClient> pusher_;
  const std::unique_ptr<PushClient> observer_;
  const std::unique_ptr<CometService> service_;
  std::unique_ptr<Credentials> credentials_;  // null: plain HTTP/2
  std::vector<std::string> addresses_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace halley::comet
