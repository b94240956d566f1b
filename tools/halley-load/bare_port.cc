#include "halley-load/bare_port.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "halley-load/address.h"
#include "halley-load/bare_wire.h"
#include "halley-load/system.h"

namespace halley::load {
namespace {

constexpr uint64_t kFiguresNs = 5'000'000'000;

class BarePort final : public PushPort {
 public:
  explicit BarePort(int fd) : fd_(fd) {}
  ~BarePort() override { close(fd_); }

  void Push(uint32_t, std::string_view body) override {
    // What has been answered is taken, so that the other side never finds its socket full.
    ReadAnswers(MSG_DONTWAIT);
    ++pushed_;
    if (!Send(body)) Fail("cannot send");
  }

  PushTotals Finish(uint64_t until_ns) override {
    while (totals_.answered + totals_.failed < pushed_) {
      if (!WaitReadable(until_ns) || !ReadAnswers(0)) {
        Fail("no answer");
        break;
      }
    }
    return totals_;
  }

  absl::StatusOr<ServerFigures> Figures() override {
    BareFigures bare;
    uint64_t* fields = &bare.cpu_ns;
    char bytes[sizeof bare];
    size_t got = 0;
    const uint64_t until_ns = NowNs() + kFiguresNs;
    if (!Send("")) return absl::UnavailableError("halley-limit has gone: start it again.");
    while (got < sizeof bytes) {
      const ssize_t n = WaitReadable(until_ns) ? recv(fd_, bytes + got, sizeof bytes - got, 0) : 0;
      if (n <= 0) return absl::UnavailableError("halley-limit does not answer: start it again.");
      got += static_cast<size_t>(n);
    }
    for (size_t i = 0; i < kBareFiguresCount; ++i) fields[i] = base::LoadBe64(bytes + 8 * i);
    ServerFigures figures;
    figures.cpu_ns = bare.cpu_ns;
    figures.loop_cpu_ns = bare.loop_cpu_ns;
    figures.logins = bare.logins;
    figures.sends = bare.sends;
    figures.expected = bare.deliveries;
    figures.delivered = bare.deliveries;
    return figures;
  }

 private:
  bool Send(std::string_view body) {
    out_.resize(kBareHeaderBytes);
    base::StoreBe32(out_.data(), static_cast<uint32_t>(body.size()));
    out_.append(body);
    size_t sent = 0;
    while (sent < out_.size()) {
      const ssize_t n = send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<size_t>(n);
    }
    return true;
  }

  bool WaitReadable(uint64_t until_ns) const {
    const uint64_t now_ns = NowNs();
    const uint64_t wait_ms = until_ns > now_ns ? (until_ns - now_ns) / 1'000'000 + 1 : 0;
    pollfd wanted{fd_, POLLIN, 0};
    return poll(&wanted, 1, static_cast<int>(std::min<uint64_t>(wait_ms, 60'000))) > 0;
  }

  // False when the connection has ended.
  bool ReadAnswers(int flags) {
    char bytes[64 * kBareAnswerBytes];
    const ssize_t n = recv(fd_, bytes + kept_, sizeof bytes - kept_, flags);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    std::memcpy(bytes, half_, kept_);
    const size_t present = kept_ + static_cast<size_t>(n);
    size_t used = 0;
    for (; present - used >= kBareAnswerBytes; used += kBareAnswerBytes) {
      totals_.taken += base::LoadBe64(bytes + used);
      ++totals_.answered;
    }
    kept_ = present - used;
    std::memcpy(half_, bytes + used, kept_);
    return true;
  }

  void Fail(const char* what) {
    totals_.failed = pushed_ - totals_.answered;
    if (totals_.first_error.empty()) {
      totals_.first_error = absl::StrCat("halley-limit: ", what);
    }
  }

  const int fd_;
  uint64_t pushed_ = 0;
  PushTotals totals_;
  size_t kept_ = 0;
  char half_[kBareAnswerBytes];  // the beginning of an answer
  std::string out_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PushPort>> OpenBarePort(const std::string& address) {
  const absl::StatusOr<Address> server = ParseAddress(address);
  if (!server.ok()) return server.status();
  const absl::StatusOr<int> fd = ConnectTo(*server);
  if (!fd.ok()) return fd.status();
  return std::make_unique<BarePort>(*fd);
}

}  // namespace halley::load
