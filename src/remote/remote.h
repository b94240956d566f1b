// Remote: a backend elsewhere, for a whole node: the engine with its transport on a thread of its own, and
// the roads to the shards.
//
// Life: Create() before the shards' tables of descriptors part; NewBackend() and KeepOnly() on each
// shard's thread; Start() when all of them have started; Finish() when all of them have ended.
//
// Threads    The rest on the main thread; SetAddresses(), usable() and figures() on any.
// Ownership  Owns the transport, and the descriptors in the main thread's table.
// Errors     What happens to addresses is told on the engine's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "remote/engine.h"
#include "remote/figures.h"
#include "remote/remote_backend.h"
#include "remote/road.h"
#include "remote/transport.h"

namespace halley::remote {

struct RemoteSetup {
  EngineOptions engine;
  std::unique_ptr<Transport> transport;
  std::vector<std::string> addresses;
  uint32_t shards = 1;
  uint32_t heartbeat_min_s = 600;  // see RemoteBackendSetup
  uint32_t heartbeat_max_s = 1800;
  Engine::Tell tell;               // on the engine's thread
};

class Remote final : private AnswerSink {
 public:
  static absl::StatusOr<std::unique_ptr<Remote>> Create(RemoteSetup setup);
  ~Remote() override;

  std::unique_ptr<backend::Backend> NewBackend(uint32_t shard);
  // In a shard's own table: closes what only others use.
  void KeepOnly(uint32_t shard) const;
  // How many descriptors there are of it, until a shard has closed what only others use.
  static constexpr uint32_t DescriptorsOf(uint32_t shards) { return shards + 1; }

  void Start();
  void SetAddresses(std::vector<std::string> addresses);
  // Whether a login would be asked of anybody. Until the first probe, yes.
  bool usable() const { return figures_.open_addresses.load(std::memory_order_relaxed) > 0; }
  const Figures& figures() const { return figures_; }

  // Waits until all has been told, at most so long, and ends the thread.
  void Finish(uint64_t wait_ms);

 private:
  explicit Remote(RemoteSetup setup);
  absl::Status OpenBells();
  void OnAnswer(uint32_t shard, Answer answer) override;
  void Run();
  // True: there may be more.
  bool TakeCalls();
  void TakeAddresses();
  uint64_t PublishAnswers(uint64_t next_ns);

  RemoteSetup setup_;
  Figures figures_;
  std::unique_ptr<Doorbell> bell_;            // the engine's
  std::vector<std::unique_ptr<Road>> roads_;  // by shard
  std::unique_ptr<Engine> engine_;
  std::atomic<uint64_t> finish_by_ns_{0};     // 0: not yet
  std::mutex mutex_;
  std::optional<std::vector<std::string>> new_addresses_;  // under mutex_
  std::thread thread_;
};

}  // namespace halley::remote
