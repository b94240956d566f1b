#include "client/pump.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "client/backoff.h"
#include "client/codec.h"
#include "wire/rpc_frame.h"

namespace halley::client {
namespace {

uint64_t RandomSeed() {
  uint64_t seed = 0;
  HALLEY_ASSERT(getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

Clock::time_point After(absl::Duration duration) {
  // Bounded, so that "for ever" does not overflow the clock.
  return Clock::now() + absl::ToChronoNanoseconds(std::min(duration, absl::Hours(24 * 365)));
}

}  // namespace

Pump::Pump(PushClientOptions options, HostPort to, std::unique_ptr<tls::Client> tls,
           CallTable* calls)
    : options_(std::move(options)), to_(std::move(to)), tls_(std::move(tls)), calls_(*calls) {}

Pump::Pump(PushClientOptions options, Socket socket, CallTable* calls)
    : options_(std::move(options)), calls_(*calls), socket_(std::move(socket)) {
  HALLEY_ASSERT(!options_.reconnect);
}

Pump::~Pump() {
  HALLEY_ASSERT(!running_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

absl::Status Pump::Start() {
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) {
    return absl::ResourceExhaustedError("no descriptor for the push client: raise RLIMIT_NOFILE");
  }
  // The program's signals are for the program's threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  running_ = true;
  const int failed = pthread_create(&thread_, nullptr, &Pump::Main, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed != 0) {
    running_ = false;
    return absl::ResourceExhaustedError("no thread for the push client: raise RLIMIT_NPROC");
  }
  std::unique_lock<std::mutex> lock(first_mutex_);
  first_changed_.wait(lock, [this] { return first_.has_value(); });
  return *first_;
}

void Pump::Wake() {
  const uint64_t one = 1;
  // Cannot fail short of a counter of 2^64: the pump empties it each time.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

void Pump::Stop() {
  if (!running_) return;
  HALLEY_ASSERT(!OnThread());
  stopping_.store(true, std::memory_order_release);
  Wake();
  pthread_join(thread_, nullptr);
  running_ = false;
}

void* Pump::Main(void* pump) {
  static_cast<Pump*>(pump)->Run();
  return nullptr;
}

void Pump::ReportFirst(const absl::Status& status) {
  const std::lock_guard<std::mutex> lock(first_mutex_);
  if (first_.has_value()) return;
  first_ = Detached(status);
  first_changed_.notify_all();
}

void Pump::Run() {
  Backoff backoff(options_.backoff_min, options_.backoff_max, RandomSeed());
  bool ever_opened = false;
  absl::Status ended;
  for (;;) {
    ended = Open();
    const bool opened = ended.ok();
    ever_opened = ever_opened || opened;
    ReportFirst(ended);
    if (opened) {
      const Clock::time_point since = Clock::now();
      ended = Serve();
      // A node that accepts and at once drops connections is not one that has recovered.
      if (answered_ > 0 || Clock::now() - since > absl::ToChronoNanoseconds(options_.backoff_max)) {
        backoff.Reset();
      }
      ended = absl::UnavailableError(absl::StrCat("the connection to ", options_.address,
                                                  " was lost (", ended.message(), ")"));
      calls_.FailSent(absl::UnavailableError(absl::StrCat(
          ended.message(), " and the call may have been carried out: check before repeating it")));
    } else if (absl::IsUnauthenticated(ended)) {
      calls_.FailUnsent(ended);
    }
    socket_ = Socket();
    if (stopping() || !ever_opened || !options_.reconnect) break;
    not_sent_ = absl::StrCat("the call was never sent: ", ended.message());
    const Clock::time_point until = After(backoff.Next());
    while (!stopping() && Clock::now() < until) Poll(-1, 0, until, false);
    if (stopping()) break;
  }
  calls_.Close(stopping() ? absl::CancelledError("the push client was destroyed") : ended);
}

absl::Status Pump::Open() {
  const Clock::time_point until = After(options_.connect_timeout);
  absl::Status status = absl::OkStatus();
  if (socket_.fd() < 0) {
    absl::StatusOr<Socket> dialed = Socket::Dial(
        to_, [this, until](int fd, short events) { return WaitFor(fd, events, until); });
    status = dialed.status();
    if (status.ok()) socket_ = *std::move(dialed);
  }
  if (status.ok()) status = Secure(until);
  if (status.ok()) {
    out_.clear();
    out_sent_ = in_begin_ = in_end_ = 0;
    answered_ = 0;
    status = Hello(until);
  }
  if (absl::IsDeadlineExceeded(status)) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer from ", options_.address, " within ",
                     absl::FormatDuration(options_.connect_timeout),
                     ": check that it is a push port and can be reached"));
  }
  return status;
}

absl::Status Pump::Secure(Clock::time_point until) {
  if (tls_ == nullptr) return absl::OkStatus();
  const std::string& name = options_.tls.server_name;
  const absl::Status status =
      socket_.Secure(tls_->Connect(name.empty() ? to_.host : name),
                     [this, until](int fd, short events) { return WaitFor(fd, events, until); });
  if (status.ok() || absl::IsDeadlineExceeded(status)) return status;
  return CannotTalk(status);
}

// A node that wants a certificate says so when the handshake is over for us: with the first answer.
absl::Status Pump::CannotTalk(const absl::Status& status) const {
  if (absl::IsPermissionDenied(status)) {
    return absl::UnavailableError(absl::StrCat(
        "cannot talk to ", options_.address, ": ", status.message(),
        "; check certificates, and that both sides or neither speak TLS"));
  }
  return absl::UnavailableError(absl::StrCat("cannot talk to ", options_.address, ": ",
                                             status.message(),
                                             "; check that it is Halley's push address"));
}

absl::Status Pump::Hello(Clock::time_point until) {
  push::v1::Request request;
  request.set_id(kHelloId);
  request.mutable_hello()->set_secret(options_.secret);
  out_.resize(wire::kRpcHeaderBytes);
  request.AppendToString(&out_);
  base::StoreBe32(out_.data(), static_cast<uint32_t>(out_.size() - wire::kRpcHeaderBytes));

  absl::Status status;
  bool answered = false;
  while (status.ok() && !answered) {
    if (out_sent_ < out_.size()) {
      const absl::StatusOr<size_t> sent = socket_.Send(std::string_view(out_).substr(out_sent_));
      if (!sent.ok()) return CannotTalk(sent.status());
      out_sent_ += *sent;
    }
    const bool full = out_sent_ < out_.size() || socket_.unsent();
    if (!socket_.unread()) status = WaitFor(socket_.fd(), full ? POLLIN | POLLOUT : POLLIN, until);
    if (status.ok()) status = socket_.Flush();
    if (!status.ok() || out_sent_ < out_.size()) continue;
    status = Read([this, &answered](const push::v1::Reply& reply) {
      answered = true;
      if (reply.id() != kHelloId) return absl::UnavailableError("the answer is to no request");
      message_bytes_max_.store(reply.hello().message_bytes(), std::memory_order_relaxed);
      return StatusOf(reply);
    });
  }
  const bool lost = absl::IsUnavailable(status) || absl::IsPermissionDenied(status);
  return lost ? CannotTalk(status) : status;
}

absl::Status Pump::Serve() {
  not_sent_ = absl::StrCat("the call was never sent: ", options_.address,
                           " takes no more bytes; look at the node's load");
  const auto finish = [this](const push::v1::Reply& reply) {
    if (reply.id() == 0) return absl::UnavailableError(reply.error());
    if (calls_.Finish(reply.id(), StatusOf(reply), reply)) ++answered_;
    return absl::OkStatus();
  };
  while (!stopping()) {
    if (absl::Status status = Flush(); !status.ok()) return status;
    const bool full = out_sent_ < out_.size() || socket_.unsent();
    const short ready = Poll(socket_.fd(), static_cast<short>(full ? POLLIN | POLLOUT : POLLIN),
                             Clock::time_point::max(), !full);
    if ((ready & ~POLLOUT) == 0) continue;
    do {
      if (absl::Status status = Read(finish); !status.ok()) return status;
    } while (socket_.unread());
  }
  return absl::CancelledError("the push client was destroyed");
}

absl::Status Pump::Flush() {
  if (absl::Status status = socket_.Flush(); !status.ok()) return status;
  for (;;) {
    if (out_sent_ == out_.size()) {
      out_.clear();
      out_sent_ = 0;
      calls_.TakeFrames(kBatchBytes, &out_);
      if (out_.empty()) return absl::OkStatus();
    }
    const absl::StatusOr<size_t> sent = socket_.Send(std::string_view(out_).substr(out_sent_));
    if (!sent.ok()) return sent.status();
    if (*sent == 0 || socket_.unsent()) {
      out_sent_ += *sent;
      return absl::OkStatus();
    }
    out_sent_ += *sent;
  }
}

absl::Status Pump::Read(OnReply on_reply) {
  MakeReadRoom();
  const absl::StatusOr<size_t> received =
      socket_.Receive(in_.data() + in_end_, in_.size() - in_end_);
  if (!received.ok()) return received.status();
  in_end_ += *received;
  wire::Inbox inbox{in_.data() + in_begin_, in_.data() + in_end_};
  for (;;) {
    std::string_view payload;
    switch (wire::NextRpcFrame(&inbox, options_.reply_bytes_max, &payload)) {
      case wire::DecodeStatus::kDone:
        in_begin_ = static_cast<size_t>(inbox.begin - in_.data());
        if (absl::Status status = OnFrame(payload, on_reply); !status.ok()) return status;
        break;
      case wire::DecodeStatus::kMore:
        return absl::OkStatus();
      case wire::DecodeStatus::kBad:
        return absl::UnavailableError("it sent what is not a reply");
      case wire::DecodeStatus::kTooBig:
        return absl::UnavailableError(
            absl::StrCat("it sent a reply of ", base::LoadBe32(inbox.begin),
                         " bytes, above reply_bytes_max"));
    }
  }
}

void Pump::MakeReadRoom() {
  const size_t unread = in_end_ - in_begin_;
  in_.erase(0, in_begin_);
  in_begin_ = 0;
  in_end_ = unread;
  size_t wanted = kReadBytes;
  if (unread >= wire::kRpcHeaderBytes) {
    wanted = std::max(wanted, wire::kRpcHeaderBytes + base::LoadBe32(in_.data()));
  }
  in_.resize(wanted);
  // One large reply is no reason to keep its memory.
  if (in_.capacity() > 2 * wanted) in_.shrink_to_fit();
}

absl::Status Pump::OnFrame(std::string_view payload, OnReply on_reply) {
  if (!reply_.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return absl::UnavailableError("it sent what is not a reply");
  }
  const absl::Status status = on_reply(reply_);
  if (payload.size() > kReadBytes) reply_ = push::v1::Reply();
  return status;
}

short Pump::Poll(int fd, short events, Clock::time_point until, bool may_take) {
  const CallTable::Outlook outlook = calls_.BeginSleep();
  const Clock::time_point end = std::min(until, outlook.next_deadline);
  timespec timeout{};
  if (!(outlook.unsent && may_take)) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::min(end - Clock::now(), Clock::duration(std::chrono::hours(1))))
                          .count();
    timeout.tv_sec = std::max<int64_t>(left, 0) / 1'000'000'000;
    timeout.tv_nsec = std::max<int64_t>(left, 0) % 1'000'000'000;
  }
  pollfd polled[] = {{wake_fd_, POLLIN, 0}, {fd, events, 0}};
  const int ready = ppoll(polled, 2, &timeout, nullptr);
  calls_.EndSleep();
  if (ready > 0 && polled[0].revents != 0) {
    uint64_t count;
    [[maybe_unused]] const ssize_t emptied = read(wake_fd_, &count, sizeof count);
  }
  calls_.Expire(Clock::now(), not_sent_);
  return ready > 0 ? polled[1].revents : static_cast<short>(0);
}

absl::Status Pump::WaitFor(int fd, short events, Clock::time_point until) {
  while (!stopping()) {
    if (Poll(fd, events, until, false) != 0) return absl::OkStatus();
    if (Clock::now() >= until) return absl::DeadlineExceededError("no answer in time");
  }
  return absl::CancelledError("the push client was destroyed");
}

}  // namespace halley::client
