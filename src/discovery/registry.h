// Registry: Discovery with bilibili discovery, over HTTP: Registration and Watch, on a thread of its own.
//
// Threads    As Discovery. `load`, `on_addresses` and `tell` are called on its thread.
// Ownership  What the functions of its setup need outlives it.
// Limits     Stop() takes kStopMsMax, and the load is looked at every kLookEveryMs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "discovery/discovery.h"
#include "discovery/registration.h"
#include "discovery/watch.h"

namespace halley::discovery {

struct RegistrySetup {
  Instance self;
  std::vector<std::string> nodes;
  std::string watched;  // the name of who is to be found; empty: nobody
  std::function<Load()> load;
  OnAddresses on_addresses;
  // What is news: that the node is registered, and why it is not, or no longer.
  std::function<void(const absl::Status&)> tell;
};

class Registry final : public Discovery {
 public:
  static constexpr int kLookEveryMs = 100;
  static constexpr uint64_t kStopMsMax = Registration::kStopMs + 500;

  explicit Registry(RegistrySetup setup);
  ~Registry() override;

  void Start() override;
  void Stop() override;
  Figures figures() const override;

 private:
  class Calls;  // libcurl's side

  void Run();
  void Turn(uint64_t now_ms);
  void OnRegistration(uint64_t now_ms, const Outcome& outcome);
  void OnWatch(uint64_t now_ms, const Outcome& outcome);
  void Tell(uint64_t now_ms, std::optional<Failure> failure);

  const RegistrySetup setup_;
  FailureCounts failures_;
  Registration registration_;
  std::unique_ptr<Watch> watch_;  // null: nobody is looked for
  std::unique_ptr<Calls> calls_;  // from Start() on
  bool told_registered_ = false;
  bool told_failure_ = false;
  std::atomic<bool> registered_{false};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;                   // under mutex_
  std::vector<std::string> addresses_;  // under mutex_
  std::thread thread_;
};

}  // namespace halley::discovery
