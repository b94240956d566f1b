#include "comet/receivers.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "comet/connect.h"
#include "wire/goim_frame.h"

namespace halley::comet {
namespace {

constexpr int kEvents = 256;
constexpr auto kPatience = std::chrono::seconds(5);

std::string LoginFrame(size_t number) {
  const std::string token = absl::StrCat("{\"key\":\"key-", number, "\",\"accepts\":[1000]}");
  std::string frame(wire::kGoimHeaderBytes, '\0');
  wire::WriteGoimHeader(frame.data(), 1, wire::op::kAuth, 1, token.size());
  return frame.append(token);
}

}  // namespace

Receivers::Receivers(std::string message) : message_(std::move(message)) {}

Receivers::~Receivers() {
  stop_.store(true, std::memory_order_relaxed);
  if (reader_.joinable()) reader_.join();
  for (const int fd : sockets_) close(fd);
  if (epoll_ >= 0) close(epoll_);
}

std::string Receivers::LogIn(const std::string& address, size_t clients) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; i < clients; ++i) {
    const int fd = Connect(address);
    if (fd < 0) return absl::StrCat("client ", i, " cannot connect to ", address);
    sockets_.push_back(fd);
    const std::string frame = LoginFrame(i);
    char reply[wire::kGoimHeaderBytes];
    if (send(fd, frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size()) ||
        recv(fd, reply, sizeof reply, MSG_WAITALL) != sizeof reply) {
      return absl::StrCat("client ", i, " cannot log in at ", address);
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  reader_ = std::thread([this] { Read(); });
  return {};
}

void Receivers::Read() {
  std::vector<char> buffer(1 << 20);
  epoll_event events[kEvents];
  while (!stop_.load(std::memory_order_relaxed)) {
    const int count = epoll_wait(epoll_, events, kEvents, 10);
    for (int i = 0; i < count; ++i) {
      const ssize_t bytes = recv(events[i].data.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (bytes > 0) received_bytes_.fetch_add(static_cast<size_t>(bytes), std::memory_order_relaxed);
      // Closed: what is missing will tell.
      if (bytes == 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, events[i].data.fd, nullptr);
    }
  }
}

size_t Receivers::WaitFor(size_t messages) const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  const auto count = [this] {
    return received_bytes_.load(std::memory_order_relaxed) / message_.size();
  };
  while (count() < messages && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return count();
}

}  // namespace halley::comet
