// StringRing: a Ring whose sockets are strings, with as much room as a test gives them, for tests of
// what stands above a ring.
#pragma once

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "io/ring.h"

namespace halley::io::testing {

// What lies between the ring and a client.
struct Wire {
  std::string peer = "192.0.2.1:1";
  std::string up;      // from the client
  std::string down;    // to the client
  size_t room = 1 << 20;  // for `down`, beyond what it holds
  bool ended = false;  // by the client
  bool shut = false;   // by the ring, behind `down`
  bool dead = false;
};

class StringRing final : public Ring {
 public:
  absl::Status Start() override { return absl::OkStatus(); }
  uint64_t NowNs() override { return 0; }
  uint64_t WallS() override { return 0; }
  void Accept(Tag, int) override {}
  void PollOnce(Tag, int) override {}
  void Watch(Tag, int) override {}
  void Cancel(Tag) override {}
  Received Receive(int fd, char* buffer, size_t bytes) override {
    Wire& wire = wires[fd];
    if (wire.dead) return {Outcome::kReset, 0};
    if (wire.up.empty()) return {wire.ended ? Outcome::kEnd : Outcome::kAgain, 0};
    const size_t taken = wire.up.copy(buffer, bytes);
    wire.up.erase(0, taken);
    return {Outcome::kOk, taken};
  }
  void SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                std::vector<base::SendException>* exceptions) override {
    for (uint32_t i = 0; i < targets.size(); ++i) Send(i, targets[i].fd, span, exceptions);
  }
  void SendEach(absl::Span<const SendRequest> requests,
                std::vector<base::SendException>* exceptions) override {
    EXPECT_LE(requests.size(), kBatchMax);
    for (uint32_t i = 0; i < requests.size(); ++i) {
      Send(i, requests[i].fd, {requests[i].parts, requests[i].parts_count}, exceptions);
    }
  }
  void ShutdownWrite(int fd) override { wires[fd].shut = true; }
  void Shutdown(int) override {}
  void Close(int fd) override { wires.erase(fd); }
  std::string PeerAddress(int fd) override { return wires[fd].peer; }
  std::optional<Traffic> TrafficOf(int) override { return std::nullopt; }
  void Wake(uint32_t) override {}
  [[nodiscard]] bool PassDescriptors(uint32_t, absl::Span<const Passage> out) override {
    if (refuse_passing) return false;
    passed.assign(out.begin(), out.end());
    return true;
  }
  size_t TakeDescriptors(uint32_t, absl::Span<Passage> in) override {
    std::copy(arriving.begin(), arriving.end(), in.begin());
    return std::exchange(arriving, {}).size();
  }
  void Enter(uint64_t) override {}
  size_t Reap(absl::Span<Completion> out) override {
    size_t count = 0;
    for (; count < out.size() && !completions.empty(); ++count) {
      out[count] = completions.front();
      completions.pop_front();
    }
    return count;
  }
  const RingCounters& counters() const override { return counters_; }
  std::string Describe() const override { return "strings"; }

  std::map<int, Wire> wires;
  std::deque<Completion> completions;
  std::vector<Passage> passed;
  std::vector<Passage> arriving;
  bool refuse_passing = false;

 private:
  void Send(uint32_t index, int fd, absl::Span<const iovec> span,
            std::vector<base::SendException>* exceptions) {
    Wire& wire = wires[fd];
    if (wire.dead) {
      exceptions->push_back({index, -EPIPE});
      return;
    }
    std::string all;
    for (const iovec& part : span) all.append(static_cast<const char*>(part.iov_base), part.iov_len);
    const size_t taken = std::min(all.size(), wire.room);
    wire.down.append(all, 0, taken);
    wire.room -= taken;
    if (taken < all.size()) exceptions->push_back({index, static_cast<int32_t>(taken)});
  }

  RingCounters counters_;
};

}  // namespace halley::io::testing
