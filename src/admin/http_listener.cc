#include "admin/http_listener.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace halley::admin {
namespace {

// How often a server on a socket that was passed looks whether it is to leave it.
constexpr time_t kLookUs = 50'000;

}  // namespace

template <typename Server>
class HttpListener::PassableServer final : public Server, public Passable {
 public:
  using Server::Server;

  void Take(int fd) override {
    this->svr_sock_ = fd;
    // Else it waits in accept(2), which only a shutdown for all who hold the socket would end.
    this->set_idle_interval(0, kLookUs);
  }
  int Leave() override { return this->svr_sock_.exchange(INVALID_SOCKET); }
};

std::unique_ptr<HttpListener> HttpListener::New(HttpsIdentity* identity) {
  if (identity == nullptr) {
    return std::unique_ptr<HttpListener>(
        new HttpListener(std::make_unique<PassableServer<httplib::Server>>()));
  }
  auto server = std::make_unique<PassableServer<httplib::SSLServer>>(
      [identity](SSL_CTX& context) { return identity->Prepare(&context); });
  if (!server->is_valid()) return nullptr;
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(server)));
}

HttpListener::~HttpListener() {
  if (thread_.joinable()) {
    Stop();
    thread_.join();
  } else if (passed_) {
    left_fd_ = passable_->Leave();
  }
  if (left_fd_ >= 0) ::close(left_fd_);
}

int HttpListener::Bind(const std::string& host, int port) {
  if (port == 0) return server_->bind_to_any_port(host);
  return server_->bind_to_port(host, port) ? port : -1;
}

bool HttpListener::Adopt(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return false;
  // httplib takes an accept(2) that does not wait for one that has failed.
  const int flags = ::fcntl(copy, F_GETFL);
  if (flags >= 0) ::fcntl(copy, F_SETFL, flags & ~O_NONBLOCK);
  passable_->Take(copy);
  passed_ = true;
  return true;
}

void HttpListener::Run() {
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  // Stop() before it runs would be in vain.
  while (!server_->is_running()) std::this_thread::yield();
}

void HttpListener::Stop() {
  if (!passed_) {
    server_->stop();
  } else if (left_fd_ < 0) {
    left_fd_ = passable_->Leave();
  }
}

}  // namespace halley::admin
