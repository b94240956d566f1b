// Gateway: a thread for each shard, with a table of descriptors of its own.
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/gateway.h"
#include "io/sockets.h"
#include "push/push_service.h"

namespace halley::gateway {
namespace {

// A table of descriptors of this thread's own, a copy of the process'. Docker's default profile refuses
// unshare() to a process without CAP_SYS_ADMIN, but not close_range(), which can do just that (Linux
// 5.9): here it closes a range in which there is nothing.
absl::Status OwnDescriptors() {
  if (unshare(CLONE_FILES) == 0) return absl::OkStatus();
  const int refused = errno;
  if (syscall(SYS_close_range, UINT_MAX, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "a shard cannot have descriptors of its own (unshare: ", std::strerror(refused),
      "; close_range: ", std::strerror(errno),
      "): run it on Linux 5.9 or newer, under a seccomp profile that allows one of the two"));
}

}  // namespace

absl::Status Gateway::Start() {
  running_.store(options_.shard.shards, std::memory_order_release);
  if (ShardsPerCpu() > 1) turns_.emplace(static_cast<uint32_t>(cpus_.size()));
  // All of them before the first runs: each looks itself up in the list.
  for (uint32_t i = 0; i < options_.shard.shards; ++i) {
    threads_.push_back(std::make_unique<ShardThread>());
  }
  for (uint32_t i = 0; i < options_.shard.shards; ++i) {
    threads_[i]->thread = std::thread([this, i] { RunShard(i); });
  }
  absl::Status first = absl::OkStatus();
  for (const auto& thread : threads_) {
    const absl::Status status = thread->started.get_future().get();
    if (!status.ok() && first.ok()) first = status;
  }
  // Every shard has its own copies now.
  for (Listening& each : listeners_) {
    for (const int fd : each.listener.fds) io::CloseDescriptor(fd);
    each.listener.fds.clear();
  }
  inside_.ShardsStarted();
  if (first.ok()) first = StartJournal();
  if (first.ok() && comet_ends_.has_value()) first = StartComet();
  OpenDiscovery();
  if (first.ok() && online_end_.has_value()) first = StartOnlineReports();
  if (first.ok() && admin_ends_.has_value()) first = StartAdmin();
  // Only now: what it opens must not be in the tables that the shards have copied.
  if (first.ok()) backends_->Start();
  // Last: who finds the node may come at once.
  if (first.ok()) StartDiscovery();
  return first;
}

// Names and pins the thread, and gives it a descriptor table of its own, without what only others use.
absl::Status Gateway::PrepareThread(uint32_t index) {
  pthread_setname_np(pthread_self(), absl::StrCat("shard-", index).c_str());
  cpu_set_t set;
  CPU_ZERO(&set);
  if (ShardsPerCpu() == 1) {
    CPU_SET(cpus_[index % cpus_.size()], &set);
  } else {
    // They share the CPUs, and the kernel spreads them.
    for (const uint32_t cpu : cpus_) CPU_SET(cpu, &set);
  }
  sched_setaffinity(0, sizeof set, &set);
  if (absl::Status own = OwnDescriptors(); !own.ok()) return own;
  for (uint32_t other = 0; other < options_.shard.shards; ++other) {
    if (other == index) continue;
    for (const int fd : rings_.private_fds[other]) io::CloseDescriptor(fd);
    for (const Listening& each : listeners_) io::CloseDescriptor(each.listener.fds[other]);
  }
  for (const int fd : passed_.fds()) io::CloseDescriptor(fd);
  inside_.KeepOnly(index);
  backends_->KeepOnly(index);
  return absl::OkStatus();
}

uint32_t Gateway::ShardsPerCpu() const {
  return static_cast<uint32_t>((options_.shard.shards + cpus_.size() - 1) / cpus_.size());
}

void Gateway::RunShard(uint32_t index) {
  if (absl::Status prepared = PrepareThread(index); !prepared.ok()) {
    threads_[index]->started.set_value(std::move(prepared));
    running_.fetch_sub(1, std::memory_order_acq_rel);
    return;
  }
  const std::unique_ptr<backend::Backend> backend = backends_->New(index);
  push::PushService push(options_.push);
  shard::ShardSetup setup;
  setup.index = index;
  setup.ring = rings_.by_shard[index].get();
  setup.fabric = fabric_.get();
  setup.options = &options_;
  setup.wall_offset_ms = wall_offset_ms_;
  setup.gate = gate_.get();
  setup.backend = backend.get();
  setup.push = &push;
  setup.feed = &journal_->feed(index);
  setup.shards_per_cpu = ShardsPerCpu();
  for (const Listening& each : listeners_) {
    setup.listeners.push_back({each.kind, each.listener.fds[index], each.listener.passed});
  }
  setup.inside = inside_.Of(index);
  {
    shard::Shard shard(setup);
    const absl::Status started = shard.Start();
    threads_[index]->started.set_value(started);
    if (started.ok()) RunTurns(&shard);
  }
  running_.fetch_sub(1, std::memory_order_acq_rel);
}

void Gateway::RunTurns(shard::Shard* shard) {
  if (!turns_.has_value()) {
    while (shard->RunOnce()) {
    }
    return;
  }
  do {
    turns_->Enter();
    shard->Fetch();
    shard->Turn();
    turns_->Leave();
  } while (shard->Wait());
}

bool Gateway::EveryShardTurned() {
  std::vector<uint64_t> turns;
  for (uint32_t i = 0; i < options_.shard.shards; ++i) {
    turns.push_back(fabric_->notice(i).turns.load(std::memory_order_relaxed));
    if (!turns_seen_.empty() && turns[i] == turns_seen_[i]) return false;
  }
  turns_seen_ = std::move(turns);
  return true;
}

void Gateway::Join() {
  for (const auto& thread : threads_) {
    if (thread->thread.joinable()) thread->thread.join();
  }
  if (journal_ != nullptr) journal_->Stop();
  if (online_ != nullptr) online_->Stop();
  if (backends_ != nullptr) backends_->Finish();
  // Last, so that it can be asked until the end.
  admin_.reset();
  comet_.reset();
}

}  // namespace halley::gateway
