#include "peers/socket_port.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "halley-load/address.h"
#include "halley-load/system.h"

namespace halley::peers {
namespace {

class SocketPort final : public load::PushPort {
 public:
  SocketPort(int fd, std::unique_ptr<Dialogue> dialogue)
      : fd_(fd), dialogue_(std::move(dialogue)) {
    totals_.taken_known = dialogue_->tells_taken();
    std::string hello;
    dialogue_->Greet(&hello);
    if (!hello.empty() && !Send(hello)) Fail("cannot send");
  }
  ~SocketPort() override { close(fd_); }

  void Push(uint32_t, std::string_view body) override {
    // What has been answered is taken, so that the server never finds its socket full.
    if (!ReadAnswers(MSG_DONTWAIT)) Fail("the server hung up");
    ++pushed_;
    out_.clear();
    dialogue_->AppendPush(body, &out_);
    if (!Send(out_)) Fail("cannot send");
  }

  load::PushTotals Finish(uint64_t until_ns) override {
    while (totals_.answered + totals_.failed < pushed_) {
      if (WaitReadable(until_ns) && ReadAnswers(0)) continue;
      totals_.failed = pushed_ - totals_.answered;
      Fail("no answer");
    }
    return totals_;
  }

  // No foreign server tells us; its CPU time is read from outside.
  absl::StatusOr<load::ServerFigures> Figures() override { return load::ServerFigures{}; }

 private:
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  bool WaitReadable(uint64_t until_ns) const {
    const uint64_t now_ns = load::NowNs();
    const uint64_t wait_ms = until_ns > now_ns ? (until_ns - now_ns) / 1'000'000 + 1 : 0;
    pollfd wanted{fd_, POLLIN, 0};
    return poll(&wanted, 1, static_cast<int>(std::min<uint64_t>(wait_ms, 60'000))) > 0;
  }

  // False when the connection has ended, or what came is no answer.
  bool ReadAnswers(int flags) {
    char bytes[16384];
    const ssize_t got = recv(fd_, bytes, sizeof bytes, flags);
    if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
    unread_.append(bytes, static_cast<size_t>(got));
    size_t begin = 0;
    std::string reply;
    while (begin < unread_.size()) {
      Answer answer;
      size_t used = 0;
      const wire::DecodeStatus status = dialogue_->TakeAnswer(
          std::string_view(unread_).substr(begin), &answer, &reply, &used);
      if (status == wire::DecodeStatus::kMore) break;
      if (status != wire::DecodeStatus::kDone) return false;
      begin += used;
      totals_.taken += answer.taken;
      if (answer.kind == Answer::kPushed) ++totals_.answered;
      if (answer.kind == Answer::kFailed) {
        ++totals_.failed;
        Fail(std::string_view(unread_).substr(begin - used, used));
      }
    }
    unread_.erase(0, begin);
    return reply.empty() || Send(reply);
  }

  void Fail(std::string_view why) {
    if (totals_.first_error.empty()) totals_.first_error = std::string(why);
  }

  const int fd_;
  const std::unique_ptr<Dialogue> dialogue_;
  uint64_t pushed_ = 0;
  load::PushTotals totals_;
  std::string unread_;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<load::PushPort>> OpenSocketPort(
    const std::string& address, std::unique_ptr<Dialogue> dialogue) {
  const absl::StatusOr<load::Address> server = load::ParseAddress(address);
  if (!server.ok()) return server.status();
  const absl::StatusOr<int> fd = load::ConnectTo(*server);
  if (!fd.ok()) return fd.status();
  return std::make_unique<SocketPort>(*fd, std::move(dialogue));
}

}  // namespace halley::peers
