#include "io/uring_ring.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "io/setup_error.h"
#include "io/sockets.h"
#include "io/uring_abi.h"

namespace halley::io {

namespace {

constexpr unsigned kWatchEvents = POLLIN | POLLOUT | POLLRDHUP;
constexpr unsigned kPollOnceEvents = POLLIN | POLLRDHUP;

}  // namespace

absl::StatusOr<std::unique_ptr<UringRing>> UringRing::Create(const UringOptions& options) {
  std::unique_ptr<UringRing> ring(new UringRing(options));
  const int error = ring->queue_.Open(options.sq_entries, options.cq_entries);
  if (error != 0) return ExplainSetupError(error, GatherSetupEvidence());
  ring->kernel_ = KernelRelease();
  return ring;
}

absl::Status UringRing::Connect(absl::Span<UringRing* const> rings_by_shard) {
  const auto count = static_cast<uint32_t>(rings_by_shard.size());
  HALLEY_ASSERT(count <= kTagFieldMask);
  auto roads = DescriptorRoad::OpenAll(count);
  if (!roads.ok()) return roads.status();
  for (uint32_t shard = 0; shard < count; ++shard) {
    UringRing& ring = *rings_by_shard[shard];
    HALLEY_ASSERT(ring.ring_fds_.empty());
    ring.shard_ = shard;
    for (const UringRing* other : rings_by_shard) ring.ring_fds_.push_back(other->queue_.fd());
    ring.roads_ = std::move((*roads)[shard]);
  }
  return absl::OkStatus();
}

UringRing::~UringRing() {
  if (!queue_.owned_here()) return;
  // What stays armed would keep sockets half alive and swallow a listener's wake-ups until the
  // kernel has torn the ring down, which it does later, in the background.
  io_uring_sqe* sqe = queue_.NextSqe();
  io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
  sqe->user_data = PackTag({.op = kOpCancel});
  do {
    queue_.Poll();
    for (RawCqe cqe; queue_.Pop(&cqe);) {
      if (UnpackTag(cqe.user_data).op == Op::kAccept && cqe.result >= 0) ::close(cqe.result);
    }
  } while (queue_.HasDeferredWork());
}

absl::Status UringRing::Start() {
  const int error = queue_.Enable();
  if (error == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a shard cannot enable its ring (", std::strerror(error),
                   "); see the errors of io_uring_register(2) for the kernel ", kernel_));
}

uint64_t UringRing::NowNs() { return MonotonicNowNs(); }

uint64_t UringRing::WallS() { return WallNowS(); }

void UringRing::Accept(Tag tag, int listener) {
  io_uring_sqe* sqe = queue_.NextSqe();
  io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
  sqe->user_data = PackTag(tag);
}

void UringRing::PollOnce(Tag tag, int fd) {
  io_uring_sqe* sqe = queue_.NextSqe();
  io_uring_prep_poll_add(sqe, fd, kPollOnceEvents);
  sqe->user_data = PackTag(tag);
}

void UringRing::Watch(Tag tag, int fd) {
  io_uring_sqe* sqe = queue_.NextSqe();
  io_uring_prep_poll_multishot(sqe, fd, kWatchEvents);
  sqe->user_data = PackTag(tag);
}

void UringRing::Cancel(Tag tag) {
  io_uring_sqe* sqe = queue_.NextSqe();
  io_uring_prep_cancel64(sqe, PackTag(tag), 0);
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = PackTag({.op = kOpCancel});
}

Received UringRing::Receive(int fd, char* buffer, size_t bytes) {
  return ReceiveNow(fd, buffer, bytes);
}

void UringRing::ShutdownWrite(int fd) { ::shutdown(fd, SHUT_WR); }

// A plain system call: the ring's own would go through a worker thread (Linux 6.18).
void UringRing::Shutdown(int fd) { ::shutdown(fd, SHUT_RDWR); }

void UringRing::Close(int fd) { CloseDescriptor(fd); }

std::string UringRing::PeerAddress(int fd) { return PeerAddressOf(fd); }

std::optional<Traffic> UringRing::TrafficOf(int fd) { return io::TrafficOf(fd); }

void UringRing::Wake(uint32_t shard) {
  HALLEY_ASSERT(shard < ring_fds_.size() && shard != shard_);
  io_uring_sqe* sqe = queue_.NextSqe();
  io_uring_prep_msg_ring(sqe, ring_fds_[shard], 0, PackTag({.slot = shard_, .op = Op::kWake}), 0);
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = PackTag({.slot = shard, .op = kOpWakeSent});
}

void UringRing::OnWakeFailed(uint32_t shard, int error) {
  // Otherwise the shard has not started or has ended: nobody sleeps there.
  const bool for_now = error == EAGAIN || error == ENOMEM || error == EOVERFLOW;
  if (for_now) wakes_failed_.push_back(shard);
}

bool UringRing::PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) {
  HALLEY_ASSERT(to_shard < roads_.size());
  return roads_[to_shard].Send(out);
}

size_t UringRing::TakeDescriptors(uint32_t from_shard, absl::Span<Passage> in) {
  HALLEY_ASSERT(from_shard < roads_.size());
  return roads_[from_shard].Receive(in);
}

void UringRing::Enter(uint64_t wait_ns) {
  for (const uint32_t shard : wakes_failed_) Wake(shard);
  wakes_failed_.clear();
  if (wait_ns == 0) {
    queue_.Poll();
  } else {
    queue_.Wait(wait_ns);
  }
  SyncCounters();
}

size_t UringRing::Reap(absl::Span<Completion> out) {
  size_t count = 0;
  RawCqe cqe;
  while (count < out.size() && queue_.Pop(&cqe)) {
    if (Translate(cqe, &out[count])) ++count;
  }
  counters_.completions += count;
  return count;
}

bool UringRing::Translate(const RawCqe& cqe, Completion* completion) {
  const Tag tag = UnpackTag(cqe.user_data);
  if (tag.op == kOpCancel) return false;  // ENOENT, EALREADY: it had ended by itself
  if (tag.op == kOpWakeSent) {
    OnWakeFailed(tag.slot, -cqe.result);
    return false;
  }
  *completion = {.tag = tag, .more = (cqe.flags & IORING_CQE_F_MORE) != 0};
  if (cqe.result < 0) {
    completion->outcome = OutcomeOfError(tag.op, -cqe.result);
    return true;
  }
  switch (tag.op) {
    case Op::kAccept:
      completion->value = static_cast<uint32_t>(cqe.result);
      break;
    case Op::kPollOnce:
    case Op::kWatch:
      completion->value = ReadinessOf(static_cast<uint32_t>(cqe.result));
      break;
    case Op::kWake:
    case Op::kNone:
      break;
  }
  return true;
}

void UringRing::SyncCounters() {
  counters_.enters = queue_.enters();
  counters_.submissions = queue_.submissions();
  counters_.cq_overflows = queue_.overflows();
}

std::string UringRing::Describe() const {
  return absl::StrCat("io_uring on Linux ", kernel_, ", ", queue_.sq_entries(), "/",
                      queue_.cq_entries(), " entries, sends decided at enter by ",
                      features_.skip_success ? "skipped" : "counted", " successes, ",
                      queue_.registered() ? "registered ring" : "plain ring");
}

}  // namespace halley::io
