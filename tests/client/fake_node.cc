#include "client/fake_node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/rpc_frame.h"

namespace halley::client::testing {
namespace {

// False when the test is over.
bool WaitReadable(int fd, int stop_fd) {
  pollfd polled[] = {{fd, POLLIN, 0}, {stop_fd, POLLIN, 0}};
  HALLEY_ASSERT(poll(polled, 2, -1) > 0);
  return polled[1].revents == 0;
}

}  // namespace

std::optional<push::v1::Request> FakeConnection::Receive() {
  for (;;) {
    wire::Inbox inbox{unread_.data(), unread_.data() + unread_.size()};
    std::string_view payload;
    if (wire::NextRpcFrame(&inbox, size_t{1} << 30, &payload) == wire::DecodeStatus::kDone) {
      push::v1::Request request;
      HALLEY_ASSERT(request.ParseFromArray(payload.data(), static_cast<int>(payload.size())));
      unread_.erase(0, unread_.size() - inbox.size());
      return request;
    }
    char buffer[65536];
    if (!WaitReadable(fd_, stop_fd_)) return std::nullopt;
    const ssize_t received = recv(fd_, buffer, sizeof buffer, 0);
    if (received <= 0) return std::nullopt;
    unread_.append(buffer, static_cast<size_t>(received));
  }
}

void FakeConnection::SendBytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the client has closed
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void FakeConnection::Send(const push::v1::Reply& reply) { SendBytes(FrameOf(reply)); }

std::optional<std::string> FakeConnection::Hello(uint32_t message_bytes) {
  const std::optional<push::v1::Request> request = Receive();
  if (!request || !request->has_hello()) return std::nullopt;
  push::v1::Reply reply;
  reply.set_id(request->id());
  reply.mutable_hello()->set_message_bytes(message_bytes);
  Send(reply);
  return request->hello().secret();
}

void FakeConnection::AnswerAll(uint64_t taken) {
  while (const std::optional<push::v1::Request> request = Receive()) {
    Send(TakenReply(request->id(), taken));
  }
}

std::string FrameOf(const push::v1::Reply& reply) {
  std::string frame(wire::kRpcHeaderBytes, '\0');
  reply.AppendToString(&frame);
  base::StoreBe32(frame.data(), static_cast<uint32_t>(frame.size() - wire::kRpcHeaderBytes));
  return frame;
}

push::v1::Reply TakenReply(uint64_t id, uint64_t taken) {
  push::v1::Reply reply;
  reply.set_id(id);
  reply.mutable_push()->set_taken(taken);
  return reply;
}

FakeNode::FakeNode(Script script) : script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof name;
  HALLEY_ASSERT(bind(listener_, reinterpret_cast<sockaddr*>(&name), bytes) == 0);
  HALLEY_ASSERT(listen(listener_, 16) == 0);
  HALLEY_ASSERT(getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &bytes) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  stop_fd_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Run(); });
}

FakeNode::~FakeNode() {
  const uint64_t one = 1;
  HALLEY_ASSERT(write(stop_fd_, &one, sizeof one) == sizeof one);
  thread_.join();
  close(listener_);
  close(stop_fd_);
}

void FakeNode::Run() {
  for (int number = 0; WaitReadable(listener_, stop_fd_); ++number) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    HALLEY_ASSERT(fd >= 0);
    const int on = 1;
    HALLEY_ASSERT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    FakeConnection connection(fd, stop_fd_);
    script_(connection, number);
    close(fd);
  }
}

}  // namespace halley::client::testing
