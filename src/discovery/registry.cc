#include "discovery/registry.h"

#include <curl/curl.h>
#include <pthread.h>

#include <chrono>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "discovery/transfer.h"

namespace halley::discovery {
namespace {

uint64_t NowMs() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::steady_clock;
  return static_cast<uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

Draw NewDraw() {
  return [random = std::minstd_rand(std::random_device{}())]() mutable { return random() % 1000; };
}

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

}  // namespace

class Registry::Calls {
 public:
  Calls() : multi_(curl_multi_init()), registration(multi_.get()), watch(multi_.get()) {
    HALLEY_ASSERT(multi_ != nullptr);
  }

  // Any thread.
  void Wake() { curl_multi_wakeup(multi_.get()); }
  void Wait() { curl_multi_poll(multi_.get(), nullptr, 0, kLookEveryMs, nullptr); }

  // Calls back with each that has ended.
  template <typename OnEnded>
  void Perform(OnEnded on_ended) {
    int running = 0;
    HALLEY_ASSERT(curl_multi_perform(multi_.get(), &running) == CURLM_OK);
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer& ended = registration.Is(message->easy_handle) ? registration : watch;
      on_ended(&ended == &registration, ended.End(message->data.result));
    }
  }

 private:
  const std::unique_ptr<CURLM, MultiDeleter> multi_;

 public:
  Transfer registration;
  Transfer watch;
};

Registry::Registry(RegistrySetup setup)
    : setup_(std::move(setup)),
      registration_(setup_.self, setup_.nodes, NewDraw(), &failures_),
      watch_(setup_.watched.empty() ? nullptr
                                    : std::make_unique<Watch>(setup_.self, setup_.watched,
                                                              setup_.nodes, NewDraw(), &failures_)) {
  // libcurl 7.84: beside other threads, too. Never undone.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  HALLEY_ASSERT(ready == CURLE_OK);
}

Registry::~Registry() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void Registry::Start() {
  calls_ = std::make_unique<Calls>();
  thread_ = std::thread([this] { Run(); });
}

void Registry::Stop() {
  stopping_.store(true, std::memory_order_release);
  if (calls_ == nullptr) return;
  calls_->Wake();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(kStopMsMax), [this] { return done_; });
}

Figures Registry::figures() const {
  Figures figures;
  figures.registered = registered_.load(std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    figures.addresses = addresses_;
  }
  for (size_t i = 0; i < kFailuresCount; ++i) {
    figures.failures[i] = failures_.of(static_cast<Failure>(i));
  }
  return figures;
}

void Registry::Run() {
  pthread_setname_np(pthread_self(), "discovery");
  bool stopping = false;
  while (!registration_.ended()) {
    if (!stopping && stopping_.load(std::memory_order_acquire)) {
      stopping = true;
      calls_->registration.Abandon();
      calls_->watch.Abandon();
      registration_.Stop(NowMs());
    }
    if (!stopping) registration_.SetLoad(setup_.load());
    const uint64_t now_ms = NowMs();
    if (std::optional<Call> call = registration_.Next(now_ms)) {
      calls_->registration.Begin(*std::move(call));
    }
    if (watch_ != nullptr && !stopping) {
      if (std::optional<Call> call = watch_->Next(now_ms)) calls_->watch.Begin(*std::move(call));
    }
    Turn(now_ms);
  }
  const std::lock_guard lock(mutex_);
  done_ = true;
  changed_.notify_all();
}

void Registry::Turn(uint64_t now_ms) {
  bool ended = false;
  calls_->Perform([&](bool of_registration, const Outcome& outcome) {
    ended = true;
    if (of_registration) {
      OnRegistration(NowMs(), outcome);
    } else {
      OnWatch(NowMs(), outcome);
    }
  });
  registered_.store(registration_.Registered(now_ms), std::memory_order_relaxed);
  // What has ended may be followed at once.
  if (!ended && !registration_.ended()) calls_->Wait();
}

void Registry::OnRegistration(uint64_t now_ms, const Outcome& outcome) {
  Tell(now_ms, registration_.Answered(now_ms, outcome));
}

void Registry::OnWatch(uint64_t now_ms, const Outcome& outcome) {
  if (!watch_->Answered(now_ms, outcome)) return;
  {
    const std::lock_guard lock(mutex_);
    addresses_ = watch_->addresses();
  }
  setup_.on_addresses(watch_->addresses());
}

// Once when it begins to fail, and once when it is registered again.
void Registry::Tell(uint64_t now_ms, std::optional<Failure> failure) {
  if (stopping_.load(std::memory_order_relaxed)) return;
  if (failure.has_value()) {
    if (std::exchange(told_failure_, true)) return;
    const std::string_view name = FailureName(*failure);
    setup_.tell(absl::UnavailableError(absl::StrCat(
        "discovery.nodes: a call to the registry failed (", absl::string_view(name.data(), name.size()),
        "): it is tried again, see that the registry can be reached")));
    return;
  }
  const bool news = std::exchange(told_failure_, false) || !told_registered_;
  if (!news || !registration_.Registered(now_ms)) return;
  told_registered_ = true;
  setup_.tell(absl::OkStatus());
}

}  // namespace halley::discovery
