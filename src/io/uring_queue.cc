#include "io/uring_queue.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "io/thread_number.h"
#include "io/uring_abi.h"

namespace halley::io {

namespace {

// What a turn takes from the kernel at once. Since Linux 6.13 one enter runs 20 items of task work.
constexpr uint32_t kReadyMax = 256;
constexpr int kFetchRoundsMax = 64;
// How often a submission is tried while the kernel has no memory for it.
constexpr int kSubmitAttemptsMax = 10'000;

constexpr uint32_t kSetupFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                                 IORING_SETUP_CLAMP | IORING_SETUP_TASKRUN_FLAG |
                                 IORING_SETUP_R_DISABLED;

// What is registered once the ring is enabled: its own number, with the thread that owns it.
constexpr uint8_t kRegistrationsUsed[] = {IORING_REGISTER_RING_FDS, IORING_UNREGISTER_RING_FDS};

}  // namespace

int UringQueue::Open(uint32_t sq_entries, uint32_t cq_entries) {
  HALLEY_ASSERT(!opened_);
  io_uring_params params{};
  params.flags = kSetupFlags;
  params.cq_entries = cq_entries;
  const int result = io_uring_queue_init_params(sq_entries, &ring_, &params);
  if (result < 0) return -result;
  opened_ = true;
  io_uring_ring_dontfork(&ring_);
  // liburing's own submit rewrites this table each time; one entry for each slot never changes. A
  // newer liburing may have set the ring up without the table.
  if (ring_.sq.array != nullptr) {
    for (uint32_t i = 0; i < ring_.sq.ring_entries; ++i) ring_.sq.array[i] = i;
  }
  enter_fd_ = ring_.ring_fd;
  wait_flags_ = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  if (params.features & kFeatureNoIowait) wait_flags_ |= kEnterNoIowait;
  ready_max_ = std::min(kReadyMax, ring_.cq.ring_entries);
  return 0;
}

int UringQueue::Restrict(absl::Span<const uint8_t> operations, uint8_t entry_flags) {
  HALLEY_ASSERT(opened_ && owner_ == 0 && !restricted_);
  std::vector<io_uring_restriction> allowed;
  const auto allow = [&allowed](uint16_t kind, uint8_t value) {
    io_uring_restriction& each = allowed.emplace_back();
    each.opcode = kind;
    each.sqe_op = value;  // in a union with the registration and the flags
  };
  for (const uint8_t operation : operations) allow(IORING_RESTRICTION_SQE_OP, operation);
  for (const uint8_t each : kRegistrationsUsed) allow(IORING_RESTRICTION_REGISTER_OP, each);
  allow(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, entry_flags);
  const int result =
      io_uring_register(static_cast<uint32_t>(ring_.ring_fd), IORING_REGISTER_RESTRICTIONS,
                        allowed.data(), static_cast<uint32_t>(allowed.size()));
  restricted_ = result == 0;
  return -result;
}

int UringQueue::Enable() {
  HALLEY_ASSERT(opened_ && owner_ == 0);
  // liburing 2.3 declares a helper for this and does not export it.
  const auto fd = static_cast<uint32_t>(ring_.ring_fd);
  const int result = io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (result < 0) return -result;
  owner_ = ThreadNumber();
  // Not liburing's helper: its destructor would unregister this number on whatever thread runs it.
  io_uring_rsrc_update update{};
  update.offset = ~0u;
  update.data = static_cast<uint64_t>(ring_.ring_fd);
  if (io_uring_register(fd, IORING_REGISTER_RING_FDS, &update, 1) == 1) {
    enter_fd_ = static_cast<int>(update.offset);
    enter_flags_ = IORING_ENTER_REGISTERED_RING;
  }  // else: sixteen are registered on this thread already; the plain number serves as well
  return 0;
}

UringQueue::~UringQueue() {
  if (!opened_) return;
  // A registered ring lives on after its descriptor is closed. The numbers belong to the thread and
  // go with it.
  if (owned_here() && registered()) {
    io_uring_rsrc_update update{};
    update.offset = static_cast<uint32_t>(enter_fd_);
    io_uring_register(static_cast<uint32_t>(ring_.ring_fd), IORING_UNREGISTER_RING_FDS, &update, 1);
  }
  io_uring_queue_exit(&ring_);
}

bool UringQueue::owned_here() const { return owner_ == ThreadNumber(); }

bool UringQueue::HasDeferredWork() const {
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_TASKRUN) != 0;
}

uint32_t UringQueue::ArrivedCount() const {
  return io_uring_smp_load_acquire(ring_.cq.ktail) - *ring_.cq.khead;
}

bool UringQueue::Overflowing() const {
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
}

io_uring_sqe* UringQueue::NextSqe() {
  io_uring_sqe* sqe = NextSlot();
  std::memset(sqe, 0, sizeof *sqe);
  return sqe;
}

void UringQueue::SubmitAll() {
  int attempt = 0;
  for (uint32_t pending = PendingCount(); pending > 0; pending = PendingCount()) {
    if (attempt > 0) ::sched_yield();
    HALLEY_ASSERT(attempt < kSubmitAttemptsMax && "the kernel has no memory for operations");
    EnterKernel(pending, 0, 0, nullptr, 0);
    ++attempt;
  }
}

void UringQueue::Poll() {
  if (PendingCount() > 0) Fetch();
  FetchMore();
}

void UringQueue::Wait(uint64_t wait_ns) {
  if (wait_ns > 0 && kept_.empty() && ArrivedCount() == 0) {
    __kernel_timespec timeout{};
    timeout.tv_sec = static_cast<long long>(wait_ns / 1'000'000'000);
    timeout.tv_nsec = static_cast<long long>(wait_ns % 1'000'000'000);
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = _NSIG / 8;
    argument.ts = reinterpret_cast<uint64_t>(&timeout);
    // One completion ends the wait: with more, a wake from another ring would not (Linux 6.18).
    EnterKernel(PendingCount(), 1, wait_flags_, &argument, sizeof argument);
  }
  Poll();
}

void UringQueue::Fetch() { EnterKernel(PendingCount(), 0, IORING_ENTER_GETEVENTS, nullptr, 0); }

void UringQueue::FetchMore() {
  for (int round = 0; round < kFetchRoundsMax && ArrivedCount() < ready_max_; ++round) {
    if (!Overflowing() && !HasDeferredWork()) return;
    Fetch();
  }
}

bool UringQueue::Pop(RawCqe* cqe) {
  if (!kept_.empty()) {
    *cqe = kept_.PopFront();
    return true;
  }
  const uint32_t head = *ring_.cq.khead;
  // Acquire and release as in DivertArrived().
  if (head == io_uring_smp_load_acquire(ring_.cq.ktail)) return false;
  *cqe = ArrivedAt(head);
  io_uring_smp_store_release(ring_.cq.khead, head + 1);
  return true;
}

void UringQueue::EnterKernel(uint32_t submit, uint32_t min_complete, uint32_t flags, void* argument,
                             size_t argument_bytes) {
  const uint32_t head_before = *ring_.sq.khead;
  // Release: the entries are written before the index that admits them.
  io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
  ++enters_;
  const int result = io_uring_enter2(static_cast<uint32_t>(enter_fd_), submit, min_complete,
                                     flags | enter_flags_, static_cast<sigset_t*>(argument),
                                     argument == nullptr ? _NSIG / 8 : argument_bytes);
  submissions_ += io_uring_smp_load_acquire(ring_.sq.khead) - head_before;
  if (Overflowing()) ++overflows_;
  if (result >= 0) return;
  const int error = -result;
  HALLEY_ASSERT(error != EBADR && "the kernel lost completions; the ring cannot be repaired");
  // ETIME: the wait is over. EINTR: a signal. EBUSY: completions must be taken out first. EAGAIN,
  // ENOMEM: no memory for an operation now. All of them: go on, what was not submitted stays.
  HALLEY_ASSERT(error == ETIME || error == EINTR || error == EBUSY || error == EAGAIN ||
                error == ENOMEM);
}

}  // namespace halley::io
