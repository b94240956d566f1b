#include "io/epoll_ring.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "io/setup_error.h"
#include "io/sockets.h"
#include "io/tag_bits.h"
#include "io/thread_number.h"

namespace halley::io {

namespace {

constexpr uint32_t kWatchEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr uint32_t kPollOnceEvents = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
// Level-triggered: what one turn leaves in the backlog is told again.
constexpr uint32_t kAcceptEvents = EPOLLIN;
constexpr int kAcceptsMax = 64;  // per listener and Enter()
constexpr uint32_t kWakersPerWord = 64;

absl::Status CannotOpen(int error) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot open an epoll set and an eventfd for each shard (", std::strerror(error),
                   "); raise RLIMIT_NOFILE (ulimit -n) or run fewer shards"));
}

// Container runtimes answer EPERM, too, for what they do not know.
bool CanWaitPrecisely(int epoll_fd) {
  epoll_event event;
  const timespec now{};
  return ::epoll_pwait2(epoll_fd, &event, 1, &now, nullptr) >= 0;
}

Outcome OutcomeOfArming(Op op, int error) {
  // The user's share of fs.epoll.max_user_watches is used up. A listener may try again later; a
  // connection of which no edge would ever tell is of no use.
  if (error == ENOSPC) return op == Op::kAccept ? Outcome::kExhausted : Outcome::kFailed;
  return OutcomeOfError(op, error);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EpollRing>> EpollRing::Create(const EpollOptions& options) {
  std::unique_ptr<EpollRing> ring(new EpollRing);
  ring->epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (ring->epoll_fd_ < 0) return CannotOpen(errno);
  ring->event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (ring->event_fd_ < 0) return CannotOpen(errno);
  ring->precise_wait_ = options.precise_wait && CanWaitPrecisely(ring->epoll_fd_);
  ring->kernel_ = KernelRelease();
  return ring;
}

absl::Status EpollRing::Connect(absl::Span<EpollRing* const> rings_by_shard) {
  const auto count = static_cast<uint32_t>(rings_by_shard.size());
  HALLEY_ASSERT(count <= kTagFieldMask);
  auto roads = DescriptorRoad::OpenAll(count);
  if (!roads.ok()) return roads.status();
  for (uint32_t shard = 0; shard < count; ++shard) {
    EpollRing& ring = *rings_by_shard[shard];
    HALLEY_ASSERT(ring.rings_.empty());
    ring.shard_ = shard;
    ring.rings_.assign(rings_by_shard.begin(), rings_by_shard.end());
    ring.wakers_ = std::vector<std::atomic<uint64_t>>(count / kWakersPerWord + 1);
    ring.roads_ = std::move((*roads)[shard]);
  }
  return absl::OkStatus();
}

EpollRing::~EpollRing() {
  // In another thread's table the numbers may mean something else.
  while (owner_ == ThreadNumber() && !ready_.empty()) {
    const Completion completion = ready_.PopFront();
    const bool accepted = completion.tag.op == Op::kAccept && completion.outcome == Outcome::kOk;
    if (accepted) ::close(static_cast<int>(completion.value));
  }
  if (event_fd_ >= 0) ::close(event_fd_);
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

absl::Status EpollRing::Start() {
  HALLEY_ASSERT(owner_ == 0);
  owner_ = ThreadNumber();
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = PackTag({.op = Op::kWake})}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, event_fd_, &event) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("a shard cannot register its eventfd (", std::strerror(errno),
                     "); raise the sysctl fs.epoll.max_user_watches"));
  }
  // Whoever has woken us so far has woken nobody.
  for (std::atomic<uint64_t>& word : wakers_) word.store(0, std::memory_order_relaxed);
  return absl::OkStatus();
}

uint64_t EpollRing::NowNs() { return MonotonicNowNs(); }

uint64_t EpollRing::WallS() { return WallNowS(); }

// --- arming

void EpollRing::Accept(Tag tag, int listener) {
  // accept4(2) has no flag that keeps it from waiting.
  const int flags = ::fcntl(listener, F_GETFL);
  if (flags >= 0) ::fcntl(listener, F_SETFL, flags | O_NONBLOCK);
  Arm(tag, listener, kAcceptEvents);
}

void EpollRing::PollOnce(Tag tag, int fd) { Arm(tag, fd, kPollOnceEvents); }

void EpollRing::Watch(Tag tag, int fd) { Arm(tag, fd, kWatchEvents); }

void EpollRing::Arm(Tag tag, int fd, uint32_t events) {
  HALLEY_ASSERT(fd >= 0);
  const uint64_t packed = PackTag(tag);
  epoll_event event{.events = events, .data = {.u64 = packed}};
  // A one-shot poll that has completed is still in the set.
  const int operation = Registered(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  ++counters_.enters;
  ++counters_.submissions;
  if (::epoll_ctl(epoll_fd_, operation, fd, &event) != 0) {
    ready_.PushBack({.tag = UnpackTag(packed), .outcome = OutcomeOfArming(tag.op, errno)});
    return;
  }
  const bool free = armed_.try_emplace(packed, fd).second;
  HALLEY_ASSERT(free);
  const auto number = static_cast<size_t>(fd);
  const size_t known = registered_.size();
  if (number >= known) registered_.resize(std::max(number + 1, 2 * known));
  registered_[number] = true;
}

void EpollRing::Cancel(Tag tag) {
  const auto found = armed_.find(PackTag(tag));
  // Otherwise it has ended by itself.
  if (found != armed_.end()) End(found, Outcome::kEnd);
}

void EpollRing::End(ArmedMap::iterator armed, Outcome outcome) {
  Unregister(armed->second);
  ready_.PushBack({.tag = UnpackTag(armed->first), .outcome = outcome});
  armed_.erase(armed);
}

bool EpollRing::Registered(int fd) const {
  const auto number = static_cast<size_t>(fd);
  return number < registered_.size() && registered_[number];
}

void EpollRing::Unregister(int fd) {
  if (!Registered(fd)) return;
  ++counters_.enters;
  ++counters_.submissions;
  const bool removed = ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr) == 0;
  HALLEY_ASSERT(removed && "a descriptor was closed behind its ring's back");
  registered_[static_cast<size_t>(fd)] = false;
}

// --- one descriptor

Received EpollRing::Receive(int fd, char* buffer, size_t bytes) {
  return ReceiveNow(fd, buffer, bytes);
}

void EpollRing::ShutdownWrite(int fd) { ::shutdown(fd, SHUT_WR); }

void EpollRing::Shutdown(int fd) { ::shutdown(fd, SHUT_RDWR); }

void EpollRing::Close(int fd) {
  Unregister(fd);
  CloseDescriptor(fd);
}

std::string EpollRing::PeerAddress(int fd) { return PeerAddressOf(fd); }

std::optional<Traffic> EpollRing::TrafficOf(int fd) { return io::TrafficOf(fd); }

// --- sending

void EpollRing::SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                         std::vector<base::SendException>* exceptions) {
  HALLEY_ASSERT(!span.empty() && span.size() <= kSpanPartsMax && targets.size() <= kBatchMax);
  const msghdr message = MessageOf(span.data(), span.size());
  const uint64_t bytes = BytesOf(span.data(), span.size());
  HALLEY_ASSERT(bytes <= INT32_MAX);
  CountSends(targets.size());
  counters_.sent_bytes += bytes * targets.size();
  for (uint32_t index = 0; index < targets.size(); ++index) {
    const int32_t taken = SendNow(targets[index].fd, message);
    if (taken != static_cast<int64_t>(bytes)) NoteException(index, taken, bytes, exceptions);
  }
}

void EpollRing::SendEach(absl::Span<const SendRequest> requests,
                         std::vector<base::SendException>* exceptions) {
  HALLEY_ASSERT(requests.size() <= kBatchMax);
  CountSends(requests.size());
  for (uint32_t index = 0; index < requests.size(); ++index) {
    const SendRequest& request = requests[index];
    HALLEY_ASSERT(request.parts_count >= 1 && request.parts_count <= kSpanPartsMax);
    const uint64_t bytes = BytesOf(request.parts, request.parts_count);
    HALLEY_ASSERT(bytes <= INT32_MAX);
    counters_.sent_bytes += bytes;
    const int32_t taken = SendNow(request.fd, MessageOf(request.parts, request.parts_count));
    if (taken != static_cast<int64_t>(bytes)) NoteException(index, taken, bytes, exceptions);
  }
}

void EpollRing::CountSends(size_t count) {
  counters_.enters += count;
  counters_.submissions += count;
  counters_.sends += count;
}

// Its bytes were counted as if all of them were taken.
void EpollRing::NoteException(uint32_t index, int32_t taken, uint64_t bytes,
                              std::vector<base::SendException>* exceptions) {
  counters_.sent_bytes -= bytes - static_cast<uint64_t>(std::max(taken, 0));
  ++counters_.send_exceptions;
  exceptions->push_back({index, SendResultOf(taken)});
}

// --- other shards

void EpollRing::Wake(uint32_t shard) {
  HALLEY_ASSERT(shard < rings_.size() && shard != shard_);
  EpollRing& other = *rings_[shard];
  // Release: what was published before is seen by whoever takes the bit.
  other.wakers_[shard_ / kWakersPerWord].fetch_or(uint64_t{1} << shard_ % kWakersPerWord,
                                                  std::memory_order_release);
  ++counters_.enters;
  ++counters_.submissions;
  // Every write is an edge. The sum would be full after 2^64 of them.
  const uint64_t one = 1;
  const ssize_t written = ::write(other.event_fd_, &one, sizeof one);
  HALLEY_ASSERT(written == sizeof one);
}

void EpollRing::TakeWakes() {
  for (uint32_t word = 0; word < wakers_.size(); ++word) {
    // Acquire: as in Wake(). Bits without their write yet are taken with those of others.
    uint64_t bits = wakers_[word].exchange(0, std::memory_order_acquire);
    for (; bits != 0; bits &= bits - 1) {
      const uint32_t shard = word * kWakersPerWord + static_cast<uint32_t>(__builtin_ctzll(bits));
      ready_.PushBack({.tag = {.slot = shard, .op = Op::kWake}});
    }
  }
}

bool EpollRing::PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) {
  HALLEY_ASSERT(to_shard < roads_.size());
  for (const Passage& passage : out) Unregister(passage.fd);
  return roads_[to_shard].Send(out);
}

size_t EpollRing::TakeDescriptors(uint32_t from_shard, absl::Span<Passage> in) {
  HALLEY_ASSERT(from_shard < roads_.size());
  return roads_[from_shard].Receive(in);
}

// --- waiting

void EpollRing::Enter(uint64_t wait_ns) {
  if (ready_.size() >= kReadyMax) return;
  const int count = WaitForEvents(ready_.empty() ? wait_ns : 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<size_t>(i)];
    OnEvent(event.events, event.data.u64);
  }
}

int EpollRing::WaitForEvents(uint64_t wait_ns) {
  ++counters_.enters;
  int count;
  if (wait_ns > 0 && precise_wait_) {
    timespec limit;
    limit.tv_sec = static_cast<time_t>(wait_ns / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(wait_ns % 1'000'000'000);
    count = ::epoll_pwait2(epoll_fd_, events_.data(), kReadyMax, &limit, nullptr);
  } else {
    // Rounded up, so that a wait for a deadline is not many waits of nothing.
    const uint64_t wait_ms = std::min<uint64_t>((wait_ns + 999'999) / 1'000'000, INT_MAX);
    count = ::epoll_wait(epoll_fd_, events_.data(), kReadyMax, static_cast<int>(wait_ms));
  }
  if (count >= 0) return count;
  HALLEY_ASSERT(errno == EINTR);
  return 0;
}

void EpollRing::OnEvent(uint32_t events, uint64_t tag) {
  const Op op = UnpackTag(tag).op;
  switch (op) {
    case Op::kWake: TakeWakes(); return;
    case Op::kAccept: AcceptSome(tag); return;
    case Op::kPollOnce: armed_.erase(tag); break;
    case Op::kWatch:
    case Op::kNone: break;
  }
  ready_.PushBack(
      {.tag = UnpackTag(tag), .more = op == Op::kWatch, .value = ReadinessOf(events)});
}

void EpollRing::AcceptSome(uint64_t tag) {
  const auto armed = armed_.find(tag);
  HALLEY_ASSERT(armed != armed_.end());
  for (int i = 0; i < kAcceptsMax; ++i) {
    const int fd = ::accept4(armed->second, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      ready_.PushBack({.tag = UnpackTag(tag), .more = true, .value = static_cast<uint32_t>(fd)});
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      End(armed, OutcomeOfError(Op::kAccept, errno));
      return;
    }
  }
}

size_t EpollRing::Reap(absl::Span<Completion> out) {
  size_t count = 0;
  while (count < out.size() && !ready_.empty()) out[count++] = ready_.PopFront();
  counters_.completions += count;
  return count;
}

std::string EpollRing::Describe() const {
  return absl::StrCat("epoll on Linux ", kernel_, ", waits to the ",
                      precise_wait_ ? "nanosecond" : "millisecond", ", wakes by eventfd");
}

}  // namespace halley::io
