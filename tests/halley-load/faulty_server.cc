#include "halley-load/faulty_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "halley-load/bare_wire.h"
#include "halley-load/dialect.h"
#include "halley-load/stamp.h"
#include "io/listener.h"

namespace halley::load {
namespace {

std::string Frame(int32_t op, const std::string& body) {
  wire::GoimFrame frame;
  frame.ver = 1;
  frame.op = op;
  frame.seq = 1;
  frame.body = body;
  std::string bytes;
  AppendUplink(Transport::kTcp, frame, 0, &bytes);
  return bytes;
}

void Send(int fd, const std::string& bytes) {
  (void)!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace

FaultyServer::FaultyServer(Fault fault, uint32_t victim, uint32_t push)
    : fault_(fault), victim_(victim), at_push_(push) {
  std::string* const addresses[] = {&clients_address_, &control_address_};
  for (int i = 0; i < 2; ++i) {
    const auto listeners = io::OpenListeners("127.0.0.1:0", 1, io::SocketOptions{});
    HALLEY_ASSERT(listeners.ok());
    listeners_[i] = listeners->front().fds[0];
    *addresses[i] = listeners->front().address;
  }
  HALLEY_ASSERT(pipe2(stop_, O_CLOEXEC) == 0);
  thread_ = std::thread([this] { Serve(); });
}

FaultyServer::~FaultyServer() {
  close(stop_[1]);
  thread_.join();
  for (const Peer& peer : peers_) close(peer.fd);
  close(stop_[0]);
  for (const int listener : listeners_) close(listener);
}

void FaultyServer::Serve() {
  while (true) {
    std::vector<pollfd> polled = {{stop_[0], POLLIN, 0},
                                  {listeners_[0], POLLIN, 0},
                                  {listeners_[1], POLLIN, 0}};
    for (const Peer& peer : peers_) polled.push_back({peer.fd, POLLIN, 0});
    poll(polled.data(), polled.size(), -1);
    if (polled[0].revents != 0) return;
    std::vector<Peer> open;
    std::vector<size_t> readable;
    for (size_t i = 0; i < peers_.size(); ++i) {
      if (polled[3 + i].revents != 0) readable.push_back(i);
    }
    for (const size_t i : readable) {
      if (Read(&peers_[i])) continue;
      close(peers_[i].fd);
      peers_[i].fd = -1;
    }
    std::erase_if(peers_, [](const Peer& peer) { return peer.fd < 0; });
    if (polled[1].revents != 0) Accept(listeners_[0], false);
    if (polled[2].revents != 0) Accept(listeners_[1], true);
  }
}

void FaultyServer::Accept(int listener, bool control) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  if (fault_ == Fault::kRefuseLogins && !control) {
    close(fd);
  } else {
    peers_.push_back({fd, control});
  }
}

bool FaultyServer::Read(Peer* peer) {
  char bytes[65536];
  const ssize_t got = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got <= 0) return false;
  peer->unread.append(bytes, static_cast<size_t>(got));
  if (peer->control) {
    OnControlBytes(peer);
  } else {
    OnClientBytes(peer);
  }
  return true;
}

void FaultyServer::OnClientBytes(Peer* peer) {
  wire::GoimFrame frame;
  size_t used = 0;
  while (wire::DecodeGoimFrame(peer->unread, 4096, &frame, &used) == wire::DecodeStatus::kDone) {
    if (frame.op == wire::op::kHeartbeat) Send(peer->fd, Frame(wire::op::kHeartbeatReply, "1234"));
    if (frame.op == wire::op::kChangeRoom) {
      const bool ignored = fault_ == Fault::kIgnoreRoomChange && ++room_changes_ == at_push_;
      if (!ignored) Send(peer->fd, Frame(wire::op::kChangeRoomReply, std::string(frame.body)));
    }
    if (frame.op == wire::op::kAuth && fault_ != Fault::kIgnoreLogins) {
      Send(peer->fd, Frame(wire::op::kAuthReply, ""));
      peer->member = ++logins_;
    }
    peer->unread.erase(0, used);
  }
}

void FaultyServer::OnControlBytes(Peer* peer) {
  while (peer->unread.size() >= kBareHeaderBytes) {
    const size_t size = base::LoadBe32(peer->unread.data());
    if (peer->unread.size() < kBareHeaderBytes + size) return;
    const std::string body = peer->unread.substr(kBareHeaderBytes, size);
    peer->unread.erase(0, kBareHeaderBytes + size);
    std::string answer(size == 0 ? sizeof(BareFigures) : kBareAnswerBytes, 0);
    if (size > 0) base::StoreBe64(answer.data(), Push(body));
    Send(peer->fd, answer);
  }
}

uint32_t FaultyServer::Push(const std::string& body) {
  ++pushes_;
  uint32_t taken = 0;
  for (Peer& peer : peers_) {
    if (peer.member == 0) continue;
    ++taken;
    SendFaulty(&peer, body);
  }
  return taken + (fault_ == Fault::kOverstate && pushes_ == at_push_ ? 1 : 0);
}

void FaultyServer::SendFaulty(Peer* peer, const std::string& body) {
  const std::string held = std::exchange(peer->held, "");
  const std::string frame = Frame(1000, body);
  const bool now = peer->member == victim_ && pushes_ == at_push_;
  std::string sent = frame + held;
  if (peer->member == victim_ && fault_ == Fault::kDropLast && pushes_ >= at_push_) sent.clear();
  if (now) {
    switch (fault_) {
      case Fault::kDrop: sent.clear(); break;
      case Fault::kDuplicate: sent += frame; break;
      case Fault::kDelay: peer->held = std::exchange(sent, ""); break;
      case Fault::kForeign: sent += Frame(1000, std::string(64, 'f')); break;
      case Fault::kWrongTarget: {
        Stamp stamp;
        HALLEY_ASSERT(ReadStamp(body, &stamp));
        ++stamp.target;
        std::string other = body;
        WriteStamp(stamp, &other);
        sent += Frame(1000, other);
        break;
      }
      case Fault::kCorrupt: sent.back() = static_cast<char>(sent.back() ^ 1); break;
      case Fault::kBreakFraming: sent = std::string(16, '\xff'); break;
      case Fault::kDisconnect: shutdown(peer->fd, SHUT_RDWR); break;
      default: break;
    }
  }
  Send(peer->fd, sent);
}

}  // namespace halley::load
