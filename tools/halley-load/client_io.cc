// ClientThread's dealings with one client: connect, log in, read, end.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "halley-load/client_thread.h"
#include "halley-load/system.h"

namespace halley::load {
namespace {

constexpr uint8_t kFailuresMax = 3;
constexpr uint64_t kRetryNs = 200'000'000;
constexpr size_t kReadBytesMin = 64 * 1024;
constexpr size_t kToldBytes = 60;

}  // namespace

void ClientThread::Connect(uint32_t local) {
  Client& client = clients_[local];
  const Address& server = crew_.server;
  ++client.attempt;
  client.state = State::kConnecting;
  client.asked_ns = NowNs();
  ++logging_in_;
  client.fd = socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (client.fd < 0) return LoginFailed(local, strerror(errno));
  deadlines_.push_back(
      {now_ns_ + options_.connect_timeout_ms * uint64_t{1'000'000}, local, client.attempt});

  const int one = 1;
  setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (options_.receive_buffer > 0) {
    const int bytes = static_cast<int>(options_.receive_buffer);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  if (!crew_.sources.empty()) {
    const Address& source = crew_.sources[NumberOf(local) % crew_.sources.size()];
    // The port is chosen by connect(), which knows the whole quadruple and so has more of them.
    setsockopt(client.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(client.fd, source.get(), source.bytes) != 0) {
      return LoginFailed(local, absl::StrCat("bind to ", source.text, ": ", strerror(errno)));
    }
  }
  // Edge-triggered for both directions at once: a client costs one epoll_ctl in its life.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = uint64_t{client.attempt} << 32 | local;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, client.fd, &event) != 0 ||
      (connect(client.fd, server.get(), server.bytes) != 0 && errno != EINPROGRESS)) {
    LoginFailed(local, strerror(errno));
  }
}

void ClientThread::OnEvents(uint32_t local, uint32_t events) {
  Client& client = clients_[local];
  if (client.fd < 0) return;
  if (client.state == State::kConnecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    OnConnected(local);
    // Whatever there is to read comes with an edge of its own.
    return;
  }
  if (client.state == State::kSecuring) return Secure(local);
  if (client.stalled && phase_ == Phase::kPushing) return;
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) return;
  Read(local, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

void ClientThread::OnConnected(uint32_t local) {
  Client& client = clients_[local];
  int error = 0;
  socklen_t bytes = sizeof error;
  getsockopt(client.fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
  if (error != 0) return LoginFailed(local, strerror(error));
  if (crew_.tls == nullptr) return Greet(local);
  client.state = State::kSecuring;
  client.tls = std::make_unique<tls::Channel>(crew_.tls->Connect("localhost"), client.fd);
  Secure(local);
}

void ClientThread::Secure(uint32_t local) {
  Client& client = clients_[local];
  if (absl::Status shaken = client.tls->Shake(); !shaken.ok()) {
    return LoginFailed(local, {shaken.message().data(), shaken.message().size()});
  }
  if (!client.tls->open()) return;
  Greet(local);
  // The answer may have come with the end of the handshake, and then has no edge of its own.
  if (client.fd >= 0 && client.tls->unread()) Read(local, false);
}

void ClientThread::Greet(uint32_t local) {
  Client& client = clients_[local];
  client.state = State::kLoggingIn;
  client.stage = 0;
  out_.clear();
  protocol_->Greet(NumberOf(local), &out_);
  SendNow(local, out_);
}

void ClientThread::Read(uint32_t local, bool to_the_end) {
  Client& client = clients_[local];
  while (client.fd >= 0) {
    const size_t kept = client.rest.size();
    if (buffer_.size() < kept + kReadBytesMin) buffer_.resize(kept + kReadBytesMin);
    const ssize_t got = Receive(client, buffer_.data() + kept, buffer_.size() - kept);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return OnEnded(local, strerror(errno));
    if (got == 0) return OnEnded(local, "closed by the server");

    now_ns_ = NowNs();
    if (phase_ != Phase::kConnecting) {
      ++report_.reads;
      report_.read_bytes += static_cast<uint64_t>(got);
    }
    std::memcpy(buffer_.data(), client.rest.data(), kept);
    const size_t present = kept + static_cast<size_t>(got);
    const bool filled = present == buffer_.size();
    const size_t used = Consume(local, {buffer_.data(), present});
    if (client.fd < 0) return;
    if (used < present) {
      client.rest.assign(buffer_.data() + used, present - used);
    } else if (kept > 0) {
      client.rest = std::string();
    }
    // A secure client has read one chunk of its socket, not all of it.
    if (!filled && !to_the_end && client.tls == nullptr) return;
  }
}

ssize_t ClientThread::Receive(Client& client, char* to, size_t bytes) {
  if (client.tls == nullptr) return recv(client.fd, to, bytes, 0);
  const absl::StatusOr<size_t> got = client.tls->Receive(to, bytes);
  if (got.ok() && *got > 0) return static_cast<ssize_t>(*got);
  if (absl::IsUnavailable(got.status())) return 0;
  errno = got.ok() ? EAGAIN : EPROTO;
  return -1;
}

class ClientThread::ClientEars final : public Ears {
 public:
  ClientEars(ClientThread* thread, uint32_t local) : thread_(*thread), local_(local) {}

  void OnLoggedIn() override { thread_.OnLoggedIn(local_); }
  void OnPush(std::string_view body) override { thread_.OnPush(local_, body); }
  void OnHeartbeatReply() override { thread_.OnHeartbeatReply(local_); }
  void OnRoomChanged() override { thread_.OnRoomChanged(); }
  void OnForeign() override { ++thread_.report_.foreign; }
  void OnClosing(uint16_t code) override {
    ++thread_.report_.close_codes[code];
    thread_.OnEnded(local_, absl::StrCat("closed by the server with code ", code));
  }
  void Say(std::string_view bytes) override { thread_.SendNow(local_, bytes); }

 private:
  ClientThread& thread_;
  const uint32_t local_;
};

size_t ClientThread::Consume(uint32_t local, std::string_view bytes) {
  Client& client = clients_[local];
  ClientEars ears(this, local);
  size_t used = 0;
  while (client.fd >= 0 && used < bytes.size()) {
    size_t step = 0;
    const wire::DecodeStatus status =
        protocol_->Hear(NumberOf(local), &client.stage, bytes.substr(used), &ears, &step);
    if (status == wire::DecodeStatus::kMore) break;
    if (status != wire::DecodeStatus::kDone) {
      ++report_.bad_bytes;
      // With what, because a server's own complaint is often the reason.
      OnEnded(local, absl::StrCat("the server broke the protocol with \"",
                                  absl::CHexEscape({bytes.data() + used,
                                                    std::min(bytes.size() - used, kToldBytes)}),
                                  "\""));
      break;
    }
    used += step;
  }
  return used;
}

void ClientThread::OnPush(uint32_t local, std::string_view body) {
  const Client& client = clients_[local];
  Stamp stamp;
  if (!ReadStamp(body, &stamp) || stamp.run != crew_.plan.run() ||
      stamp.pusher >= options_.pushers || stamp.target != client.target || stamp.number == 0) {
    ++report_.foreign;
    return;
  }
  if (ledger_.Record(local, stamp.pusher, stamp.number) != Arrival::kFirst) return;
  if (stamp.sent_ns >= crew_.measure_from_ns.load(std::memory_order_relaxed)) {
    ++report_.measured;
    report_.last_arrival_ns = now_ns_;
    if (!client.stalled) {
      report_.latency_ns.Record(now_ns_ > stamp.sent_ns ? now_ns_ - stamp.sent_ns : 0);
    }
  }
  if (!arrivals_.empty() && !client.stalled) {
    const uint32_t slot = crew_.windows[stamp.pusher]->SlotOf(stamp.serial);
    if (arrivals_[stamp.pusher][slot]++ == 0) arrived_.emplace_back(stamp.pusher, slot);
  }
}

void ClientThread::OnLoggedIn(uint32_t local) {
  Client& client = clients_[local];
  client.state = State::kLive;
  client.failures = 0;
  --logging_in_;
  report_.login_ns.Record(now_ns_ - client.asked_ns);
  client.asked_ns = 0;
  gauges_.live.fetch_add(1, std::memory_order_relaxed);
  gauges_.logins.fetch_add(1, std::memory_order_relaxed);
  if (client.known) {
    crew_.plan.ReadSent(client.target, &sent_);
    ledger_.BeginLife(local, sent_);
    gauges_.away.fetch_sub(1, std::memory_order_relaxed);
    ++report_.reconnects;
  }
  client.known = true;
}

void ClientThread::OnHeartbeatReply(uint32_t local) {
  ++report_.heartbeat_replies;
  uint64_t& asked_ns = clients_[local].asked_ns;
  if (asked_ns != 0) report_.heartbeat_ns.Record(now_ns_ - asked_ns);
  asked_ns = 0;
}

void ClientThread::OnRoomChanged() {
  gauges_.changing_rooms.fetch_sub(1, std::memory_order_relaxed);
  gauges_.room_changes.fetch_add(1, std::memory_order_relaxed);
}

void ClientThread::OnEnded(uint32_t local, std::string_view why) {
  Client& client = clients_[local];
  if (client.state != State::kLive) return LoginFailed(local, why);
  ++(client.stalled ? report_.disconnected_stalled : report_.disconnected);
  gauges_.live.fetch_sub(1, std::memory_order_relaxed);
  client.state = State::kClosed;
  Drop(local);
}

void ClientThread::LoginFailed(uint32_t local, std::string_view why) {
  Client& client = clients_[local];
  if (report_.first_error.empty()) report_.first_error = std::string(why);
  --logging_in_;
  client.state = State::kWaiting;
  Drop(local);
  if (++client.failures < kFailuresMax) {
    retries_.push_back({now_ns_ + kRetryNs, local});
    return;
  }
  client.state = State::kFailed;
  gauges_.failed.fetch_add(1, std::memory_order_relaxed);
  if (client.known) gauges_.away.fetch_sub(1, std::memory_order_relaxed);
}

void ClientThread::SendNow(uint32_t local, std::string_view bytes) {
  Client& client = clients_[local];
  if (client.tls != nullptr) {
    const absl::StatusOr<size_t> taken = client.tls->Send(bytes);
    if (!taken.ok() || *taken < bytes.size() || client.tls->unsent()) {
      OnEnded(local, "the server does not read, or TLS has failed");
    }
    return;
  }
  const ssize_t sent = send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(bytes.size())) return;
  // What little a client says always fits, unless the server has stopped reading; half a frame
  // cannot be taken back.
  OnEnded(local, sent < 0 ? strerror(errno) : "the server does not read");
}

void ClientThread::Drop(uint32_t local) {
  Client& client = clients_[local];
  if (client.fd >= 0) close(client.fd);
  client.fd = -1;
  client.tls.reset();
  client.rest = std::string();
}

}  // namespace halley::load
