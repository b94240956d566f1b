#include "limit/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "io/listener.h"

namespace halley::limit {
namespace {

constexpr int kEventsMax = 512;
constexpr int kWaitMs = 5000;

void SendSmall(int fd, std::string_view bytes) {
  // Answers of some bytes: they fit, or the peer is gone, which its own event will tell.
  (void)!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Server::Server(const LimitOptions& options) : options_(options), softirq_(options.cpu) {}

Server::~Server() {
  for (const auto& [fd, peer] : peers_) close(fd);
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

absl::Status Server::Listen() {
  load::RaiseDescriptorLimit();
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  HALLEY_ASSERT(epoll_fd_ >= 0);
  for (const Kind kind : {Kind::kClientListener, Kind::kControlListener}) {
    const bool clients = kind == Kind::kClientListener;
    // The gateway's sockets, option by option.
    const absl::StatusOr<std::vector<io::Listener>> listeners =
        io::OpenListeners(clients ? options_.clients : options_.control, 1, io::SocketOptions{});
    if (!listeners.ok()) return listeners.status();
    if (listeners->size() != 1) {
      return absl::InvalidArgumentError("halley-limit listens on one address each: give one.");
    }
    (clients ? clients_address_ : control_address_) = listeners->front().address;
    const int listener = listeners->front().fds[0];
    fcntl(listener, F_SETFL, O_NONBLOCK);
    Watch(listener, kind, EPOLLIN);
  }
  return absl::OkStatus();
}

absl::Status Server::Serve() {
  if (!load::PinThread(options_.cpu, 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("CPU ", options_.cpu[0], " may not be used here: give another --cpu."));
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  Watch(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), Kind::kSignal, EPOLLIN);
  while (!stopped_) {
    epoll_event events[kEventsMax];
    const int count = epoll_wait(epoll_fd_, events, kEventsMax, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      const auto found = peers_.find(fd);
      if (found == peers_.end()) continue;
      Peer* peer = &found->second;
      switch (peer->kind) {
        case Kind::kSignal: stopped_ = true; break;
        case Kind::kClient: OnClient(fd, peer); break;
        case Kind::kControl: OnControl(fd, peer); break;
        default: OnAccept(fd, peer->kind); break;
      }
    }
  }
  return absl::OkStatus();
}

void Server::Watch(int fd, Kind kind, uint32_t events) {
  const session::Transport transport = options_.encoding == wire::Encoding::kGoimTcp
                                           ? session::Transport::kTcp
                                           : session::Transport::kWebSocket;
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  HALLEY_ASSERT(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0);
  peers_.insert_or_assign(fd, Peer{kind, session::ClientSession(transport), {}});
}

void Server::OnAccept(int listener, Kind kind) {
  // A bounded bite: clients under way must go on too.
  for (int i = 0; i < 64; ++i) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    Watch(fd, kind == Kind::kClientListener ? Kind::kClient : Kind::kControl,
          EPOLLIN | EPOLLRDHUP);
  }
}

bool Server::ReadAll(int fd, std::string* unread) {
  char bytes[65536];
  while (true) {
    const ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    unread->append(bytes, static_cast<size_t>(got));
    if (static_cast<size_t>(got) < sizeof bytes) return true;
  }
}

void Server::OnClient(int fd, Peer* peer) {
  if (!ReadAll(fd, &peer->unread)) return Drop(fd);
  wire::Inbox inbox{peer->unread.data(), peer->unread.data() + peer->unread.size()};
  std::string out;
  bool over = false;
  for (bool more = true; more;) {
    const session::Event event = peer->session.Next(&inbox, limits_, &out);
    switch (event.kind) {
      case session::EventKind::kNeedMore: more = false; break;
      case session::EventKind::kClose: more = false; over = true; break;
      case session::EventKind::kAuthenticate: LogIn(fd, peer, event.frame); break;
      case session::EventKind::kHeartbeat: {
        char online[4];
        base::StoreBe32(online, static_cast<uint32_t>(members_.size()));
        wire::GoimFrame reply = event.frame;
        reply.op = wire::op::kHeartbeatReply;
        reply.body = {online, sizeof online};
        wire::AppendReply(options_.encoding, reply, &out);
        break;
      }
      default: break;  // no rooms, no ops, no backend
    }
  }
  if (!out.empty()) SendSmall(fd, out);
  if (over) return Drop(fd);
  peer->unread.erase(0, static_cast<size_t>(inbox.begin - peer->unread.data()));
}

void Server::LogIn(int fd, Peer* peer, const wire::GoimFrame& token) {
  wire::GoimFrame reply = token;
  reply.op = wire::op::kAuthReply;
  reply.body = {};
  std::string out;
  wire::AppendReply(options_.encoding, reply, &out);
  SendSmall(fd, out);
  peer->session.OnAuthenticated();
  peer->member = members_.size();
  members_.push_back(fd);
  ++figures_.logins;
}

void Server::Drop(int fd) {
  const Peer& peer = peers_.at(fd);
  if (peer.member != SIZE_MAX) {
    peers_.at(members_.back()).member = peer.member;
    members_[peer.member] = members_.back();
    members_.pop_back();
  }
  close(fd);
  peers_.erase(fd);
}

void Server::OnControl(int fd, Peer* peer) {
  const bool open = ReadAll(fd, &peer->unread);
  std::string_view unread = peer->unread;
  while (unread.size() >= load::kBareHeaderBytes) {
    const uint32_t size = base::LoadBe32(unread.data());
    if (size > load::kBareBodyBytesMax) return Drop(fd);
    if (unread.size() - load::kBareHeaderBytes < size) break;
    if (size == 0) {
      SendToEverybody(fd);
      AnswerFigures(fd);
    } else {
      AppendPush(unread.substr(load::kBareHeaderBytes, size));
      if (batch_messages_ == options_.coalesce) SendToEverybody(fd);
    }
    unread.remove_prefix(load::kBareHeaderBytes + size);
  }
  SendToEverybody(fd);
  if (!open) return Drop(fd);
  peer->unread.erase(0, peer->unread.size() - unread.size());
}

void Server::AppendPush(std::string_view body) {
  char prefix[wire::kPushPrefixBytesMax];
  const size_t bytes =
      wire::WritePushPrefix(options_.encoding, options_.op, body.size(), false, prefix);
  batch_.append(prefix, bytes);
  batch_.append(body);
  ++batch_messages_;
}

void Server::SendToEverybody(int control) {
  if (batch_messages_ == 0) return;
  Round round;
  round.deliveries = uint64_t{batch_messages_} * members_.size();
  const uint64_t softirq_ns = softirq_.ReadNs();
  const char* const bytes = batch_.data();
  const size_t size = batch_.size();
  const uint64_t begin_ns = load::ThreadCpuNs();
  for (const int fd : members_) {
    const ssize_t sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(size)) [[unlikely]] {
      FinishSend(fd, sent < 0 ? 0 : static_cast<size_t>(sent));
    }
  }
  round.loop_cpu_ns = load::ThreadCpuNs() - begin_ns;
  round.softirq_ns = softirq_.ReadNs() - softirq_ns;
  figures_.loop_cpu_ns += round.loop_cpu_ns;
  figures_.sends += members_.size();
  figures_.deliveries += round.deliveries;
  if (!members_.empty()) rounds_.push_back(round);

  char answer[load::kBareAnswerBytes];
  base::StoreBe64(answer, members_.size());
  std::string answers;
  for (uint32_t i = 0; i < batch_messages_; ++i) answers.append(answer, sizeof answer);
  SendSmall(control, answers);
  batch_.clear();
  batch_messages_ = 0;
}

void Server::FinishSend(int fd, size_t sent) {
  ++waits_;
  while (sent < batch_.size()) {
    pollfd wanted{fd, POLLOUT, 0};
    if (poll(&wanted, 1, kWaitMs) <= 0) return;
    const ssize_t more =
        send(fd, batch_.data() + sent, batch_.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (more <= 0) return;  // gone: its own event tells, and the receiver counts the loss
    sent += static_cast<size_t>(more);
  }
}

void Server::AnswerFigures(int control) {
  figures_.cpu_ns = load::ThreadCpuNs();
  const uint64_t* fields = &figures_.cpu_ns;
  char answer[sizeof figures_];
  for (size_t i = 0; i < load::kBareFiguresCount; ++i) base::StoreBe64(answer + 8 * i, fields[i]);
  SendSmall(control, {answer, sizeof answer});
}

}  // namespace halley::limit
