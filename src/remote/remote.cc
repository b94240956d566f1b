#include "remote/remote.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/assert.h"

namespace halley::remote {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
// Calls of one road in one turn, so that no shard waits for all of another.
constexpr size_t kCallsPerTurn = 1024;
// A shard has not taken its answers yet, and does not tell when it has.
constexpr uint64_t kAnswersAgainNs = 1'000'000;

uint64_t NowNs() {
  using std::chrono::duration_cast, std::chrono::nanoseconds, std::chrono::steady_clock;
  return static_cast<uint64_t>(
      duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count());
}

uint64_t Seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Remote>> Remote::Create(RemoteSetup setup) {
  std::unique_ptr<Remote> remote(new Remote(std::move(setup)));
  if (absl::Status opened = remote->OpenBells(); !opened.ok()) return opened;
  AnswerSink* const sink = remote.get();
  remote->engine_ =
      std::make_unique<Engine>(remote->setup_.engine, remote->setup_.transport.get(), sink,
                               &remote->figures_, remote->setup_.tell, Seed());
  remote->engine_->SetTime(NowNs());
  remote->engine_->SetAddresses(remote->setup_.addresses);
  return remote;
}

Remote::Remote(RemoteSetup setup) : setup_(std::move(setup)) {
  HALLEY_ASSERT(setup_.heartbeat_min_s <= setup_.heartbeat_max_s);
}

Remote::~Remote() {
  Finish(0);
  for (const auto& road : roads_) ::close(road->shard_bell().descriptor());
  if (bell_ != nullptr) ::close(bell_->descriptor());
}

absl::Status Remote::OpenBells() {
  for (uint32_t i = 0; i <= setup_.shards; ++i) {
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) {
      return absl::ResourceExhaustedError(
          "no descriptors for the roads to the backend: raise RLIMIT_NOFILE");
    }
    if (bell_ == nullptr) {
      bell_ = std::make_unique<Doorbell>(descriptor);
    } else {
      roads_.push_back(std::make_unique<Road>(bell_.get(), descriptor));
    }
  }
  return absl::OkStatus();
}

std::unique_ptr<backend::Backend> Remote::NewBackend(uint32_t shard) {
  RemoteBackendSetup setup;
  setup.shard = shard;
  setup.road = roads_[shard].get();
  setup.figures = &figures_;
  setup.traits = setup_.transport->traits();
  setup.heartbeat_min_s = setup_.heartbeat_min_s;
  setup.heartbeat_max_s = setup_.heartbeat_max_s;
  setup.now_s = [] { return NowNs() / 1'000'000'000; };
  setup.seed = Seed();
  return std::make_unique<RemoteBackend>(std::move(setup));
}

void Remote::KeepOnly(uint32_t shard) const {
  for (uint32_t other = 0; other < setup_.shards; ++other) {
    if (other != shard) ::close(roads_[other]->shard_bell().descriptor());
  }
}

void Remote::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Remote::SetAddresses(std::vector<std::string> addresses) {
  {
    const std::lock_guard lock(mutex_);
    new_addresses_ = std::move(addresses);
  }
  bell_->Ring();
}

void Remote::Finish(uint64_t wait_ms) {
  if (!thread_.joinable()) return;
  finish_by_ns_.store(NowNs() + wait_ms * kNsPerMs, std::memory_order_release);
  bell_->Ring();
  thread_.join();
}

void Remote::OnAnswer(uint32_t shard, Answer answer) { roads_[shard]->Reply(std::move(answer)); }

void Remote::Run() {
  pthread_setname_np(pthread_self(), "backend");
  uint64_t next_ns = 0;
  while (true) {
    const uint64_t before_ns = NowNs();
    const uint64_t finish_by_ns = finish_by_ns_.load(std::memory_order_acquire);
    if (finish_by_ns != 0) next_ns = std::min(next_ns, finish_by_ns);
    // Rounded up: one that wakes too early does so again and again.
    const uint64_t wait_ns = next_ns > before_ns ? next_ns - before_ns : 0;
    setup_.transport->Wait(bell_->descriptor(), (wait_ns + kNsPerMs - 1) / kNsPerMs);
    bell_->Answer(/*clear=*/true);
    engine_->SetTime(NowNs());
    setup_.transport->Report(engine_.get());
    TakeAddresses();
    const bool more = TakeCalls();
    const uint64_t now_ns = NowNs();
    next_ns = PublishAnswers(engine_->Advance(now_ns));
    if (finish_by_ns == 0) continue;
    if ((engine_->Idle() && !more) || now_ns >= finish_by_ns) return;
  }
}

void Remote::TakeAddresses() {
  std::optional<std::vector<std::string>> addresses;
  {
    const std::lock_guard lock(mutex_);
    addresses.swap(new_addresses_);
  }
  if (addresses.has_value()) engine_->SetAddresses(*addresses);
}

bool Remote::TakeCalls() {
  bool more = false;
  std::unique_ptr<Call> call;
  for (const auto& road : roads_) {
    size_t left = kCallsPerTurn;
    for (; left > 0 && road->TakeCall(&call); --left) engine_->Submit(std::move(call));
    more |= left == 0;
  }
  // Their bell has been answered.
  if (more) bell_->Ring();
  return more;
}

uint64_t Remote::PublishAnswers(uint64_t next_ns) {
  bool left = false;
  for (const auto& road : roads_) left |= road->Publish();
  return left ? std::min(next_ns, NowNs() + kAnswersAgainNs) : next_ns;
}

}  // namespace halley::remote
