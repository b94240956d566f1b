#include "io/probe.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/setup_error.h"

namespace halley::io {

namespace {

constexpr uint64_t kStepNs = 2'000'000;
constexpr int kStepsMax = 10;
constexpr int kSmallBufferBytes = 8192;
constexpr size_t kLargeSendBytes = size_t{1} << 20;

absl::Status Misbehaves(absl::string_view what) {
  return absl::UnimplementedError(
      absl::StrCat("io_uring of the kernel (", KernelRelease(), ") does not ", what,
                   " as Halley needs it; use a released kernel, Linux 6.1 or newer"));
}

// Two connected stream sockets with little room.
class SocketPair {
 public:
  SocketPair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_.data()) != 0) return;
    for (const int fd : fds_) {
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSmallBufferBytes, sizeof kSmallBufferBytes);
    }
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() {
    for (const int fd : fds_) {
      if (fd >= 0) ::close(fd);
    }
  }

  bool good() const { return fds_[1] >= 0; }
  int ours() const { return fds_[0]; }
  int theirs() const { return fds_[1]; }

  // Reads what has arrived at their end.
  size_t Drain() const {
    std::array<char, 4096> buffer;
    size_t total = 0;
    ssize_t bytes;
    while ((bytes = ::recv(theirs(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
      total += static_cast<size_t>(bytes);
    }
    return total;
  }

 private:
  std::array<int, 2> fds_{-1, -1};
};

// Bytes that `ring` says were taken of `bytes` sent in one go.
int64_t Send(UringRing* ring, int fd, const std::vector<char>& payload, size_t bytes) {
  const iovec part{const_cast<char*>(payload.data()), bytes};
  const base::FanoutTarget target{.fd = fd};
  std::vector<base::SendException> exceptions;
  ring->SendSame({&part, 1}, {&target, 1}, &exceptions);
  return exceptions.empty() ? static_cast<int64_t>(bytes) : exceptions[0].result;
}

// Waits for the next completion; kNone when none came.
Completion Next(UringRing* ring) {
  Completion completion;
  for (int step = 0; step < kStepsMax; ++step) {
    if (ring->Reap({&completion, 1}) == 1) return completion;
    ring->Enter(kStepNs);
  }
  return {};
}

bool SendsAreDecided(UringRing* ring) {
  const SocketPair full;
  const SocketPair broken;
  if (!full.good() || !broken.good()) return false;
  const std::vector<char> payload(kLargeSendBytes, 'x');
  if (Send(ring, full.ours(), payload, 100) != 100 || full.Drain() != 100) return false;

  const int64_t part = Send(ring, full.ours(), payload, payload.size());
  if (part <= 0 || part >= static_cast<int64_t>(payload.size())) return false;
  if (Send(ring, full.ours(), payload, payload.size()) != 0) return false;
  if (full.Drain() != static_cast<size_t>(part)) return false;

  // One broken target does not stop the batch.
  ::shutdown(broken.theirs(), SHUT_RDWR);
  const std::array<base::FanoutTarget, 3> targets{
      {{.fd = full.ours()}, {.fd = broken.ours()}, {.fd = full.ours()}}};
  const iovec small{const_cast<char*>(payload.data()), 10};
  std::vector<base::SendException> exceptions;
  ring->SendSame({&small, 1}, targets, &exceptions);
  return exceptions.size() == 1 && exceptions[0].index == 1 && exceptions[0].result < 0 &&
         full.Drain() == 20;
}

bool WatchesReportBothDirections(UringRing* ring) {
  const SocketPair pair;
  if (!pair.good()) return false;
  const Tag tag{.slot = 1, .generation = 2, .op = Op::kWatch};
  const std::vector<char> payload(kLargeSendBytes, 'x');
  ring->Watch(tag, pair.ours());
  Completion seen = Next(ring);
  if (seen.value != kWritable || !seen.more) return false;

  if (::send(pair.theirs(), "x", 1, MSG_NOSIGNAL) != 1) return false;
  seen = Next(ring);
  if ((seen.value & kReadable) == 0 || !seen.more) return false;

  if (Send(ring, pair.ours(), payload, payload.size()) <= 0) return false;
  pair.Drain();
  seen = Next(ring);
  if ((seen.value & kWritable) == 0 || !seen.more) return false;

  ring->Cancel(tag);
  do {
    seen = Next(ring);
  } while (seen.more);
  return seen.tag.slot == tag.slot && seen.outcome == Outcome::kEnd;
}

bool WakesAnother(UringRing* from, UringRing* to) {
  from->Wake(1);
  from->Enter(0);
  const Completion seen = Next(to);
  return seen.tag.op == Op::kWake && seen.tag.slot == 0;
}

absl::Status OpenPair(const UringFeatures& features, std::unique_ptr<UringRing>* first,
                      std::unique_ptr<UringRing>* second) {
  for (std::unique_ptr<UringRing>* ring : {first, second}) {
    absl::StatusOr<std::unique_ptr<UringRing>> created =
        UringRing::Create({.sq_entries = 64, .cq_entries = 256, .features = features});
    if (!created.ok()) return created.status();
    *ring = std::move(*created);
    absl::Status started = (*ring)->Start();
    if (!started.ok()) return started;
  }
  const std::array<UringRing*, 2> rings{first->get(), second->get()};
  return UringRing::Connect(rings);
}

// In every table: rings (two each on epoll), logs, libraries' own.
uint64_t SharedDescriptors(const DescriptorNeeds& needs) {
  return uint64_t{needs.shards} * 2 + 64;
}

}  // namespace

absl::StatusOr<UringFeatures> ProbeUring() {
  UringFeatures features;
  for (const bool skip_success : {true, false}) {
    features.skip_success = skip_success;
    std::unique_ptr<UringRing> first;
    std::unique_ptr<UringRing> second;
    absl::Status opened = OpenPair(features, &first, &second);
    if (!opened.ok()) return opened;
    features.restricted = first->restricted();
    if (!SendsAreDecided(first.get())) continue;
    if (!WatchesReportBothDirections(first.get())) return Misbehaves("report readiness");
    if (!WakesAnother(first.get(), second.get())) return Misbehaves("pass messages between rings");
    return features;
  }
  return Misbehaves("decide sends at once");
}

uint64_t DescriptorsToStart(const DescriptorNeeds& needs) {
  return uint64_t{needs.shards} * needs.listeners + SharedDescriptors(needs) +
         uint64_t{needs.shards} * (needs.shards - 1) + uint64_t{2} * needs.inside;
}

uint64_t DescriptorsPerShard(const DescriptorNeeds& needs) {
  const uint64_t even = (needs.connections + needs.shards - 1) / needs.shards;
  // A sixteenth more than the even share; its own listeners, its own ends of roads, and the ends of
  // connections with itself that it may have.
  const uint64_t own = even + even / 16 + needs.listeners + needs.shards - 1 + needs.inside;
  return own + SharedDescriptors(needs);
}

uint64_t RaiseDescriptorLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

absl::Status CheckDescriptorLimit(const DescriptorNeeds& needs, uint64_t limit) {
  if (DescriptorsToStart(needs) > limit) {
    return absl::FailedPreconditionError(
        absl::StrCat(needs.shards, " shards need ", DescriptorsToStart(needs),
                     " file descriptors to start, but RLIMIT_NOFILE allows ", limit,
                     "; raise it (LimitNOFILE= of systemd, --ulimit nofile= of docker) or run ",
                     "fewer shards"));
  }
  const uint64_t wanted = DescriptorsPerShard(needs);
  if (wanted <= limit) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(needs.connections, " connections on ", needs.shards, " shards need ", wanted,
                   " file descriptors in each shard, but RLIMIT_NOFILE allows ", limit,
                   "; raise it (LimitNOFILE= of systemd, --ulimit nofile= of docker), lower ",
                   "connections_max or use more shards"));
}

}  // namespace halley::io
