// JwksFetcher: keeps a KeyStore's keys as those at jwt.jwks_url are.
//
// It asks by HTTP, on a thread of its own: every jwt.jwks_refresh_s, and as FetchSchedule says. What
// cannot be had, or is not good as a whole, changes nothing: the keys in use stay for as long as it
// takes.
//
// Threads    Create() and Start() on one; AskSoon() and RequestStop() on any.
// Ownership  Borrows the store, which outlives it. The destructor waits for the thread, which a look-up
//            of a name can hold up.
// Errors     One sentence of cause and cure. None names the URL, which may be somebody's secret.
// Limits     kBodyBytesMax, kDeadlineMs; no redirects; https, or http to this host. A certificate that
//            cannot be verified is a failure.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backend/key_set.h"
#include "config/options.h"

namespace halley::backend {

class JwksFetcher {
 public:
  static constexpr size_t kBodyBytesMax = size_t{1} << 20;
  static constexpr long kDeadlineMs = 10'000;
  // From one report of the same failure to the next.
  static constexpr uint64_t kTellApartMs = 600'000;

  // Whether jwt.jwks_url is one that would be asked.
  static absl::Status Check(const config::JwtOptions& options);

  // Fetches once. Fails when the store has no keys then.
  static absl::StatusOr<std::unique_ptr<JwksFetcher>> Create(const config::JwtOptions& options,
                                                             KeyStore* store);
  ~JwksFetcher();

  // Begins to fetch again. `tell` is called on its thread with what is news: a failure, that it lasts,
  // that it is over, and what became of what was asked for.
  void Start(std::function<void(const absl::Status&)> tell);
  void AskSoon();
  void RequestStop();

 private:
  JwksFetcher(const config::JwtOptions& options, KeyStore* store)
      : options_(options), store_(*store) {}
  absl::Status FetchInto();
  absl::StatusOr<std::string> Fetch() const;
  void Run();
  void TellOf(const absl::Status& status, bool asked);

  const config::JwtOptions options_;
  KeyStore& store_;
  std::function<void(const absl::Status&)> tell_;
  absl::Status first_;           // what became of Create()'s
  bool failing_ = false;         // as was told last
  uint64_t told_ms_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;           // under mutex_
  std::thread thread_;
};

}  // namespace halley::backend
