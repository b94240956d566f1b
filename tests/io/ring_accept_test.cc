// Accepting on a ring: what is inherited, what happens when descriptors run out, how it ends.
#include <string>
#include <thread>
#include <vector>

#include "io/listener.h"
#include "io/loopback.h"
#include "io/ring_kinds.h"

namespace halley::io {
namespace {

using testing::ConnectTo;
using testing::DescriptorShortage;
using testing::Next;
using testing::OptionOf;
using testing::OwnedFd;
using testing::PortOf;
using testing::Ready;
using testing::ReceiveAll;
using testing::RingTest;

constexpr Tag kAcceptTag{.slot = 1, .generation = 1, .op = Op::kAccept};

class RingAcceptTest : public RingTest {
 protected:
  void SetUp() override {
    RingTest::SetUp();
    auto listeners = OpenListeners("127.0.0.1:0", 1, options_);
    ASSERT_TRUE(listeners.ok()) << listeners.status();
    listener_ = OwnedFd(listeners->front().fds.front());
    port_ = PortOf(listeners->front().address);
  }

  const SocketOptions options_{.backlog = 64,
                               .send_buffer_bytes = 40000,
                               .receive_buffer_bytes = 20000,
                               .notsent_lowat_bytes = 12345,
                               .keepalive_s = 100,
                               .user_timeout_ms = 23456};
  OwnedFd listener_;
  uint16_t port_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kinds, RingAcceptTest, ::testing::ValuesIn(testing::kRingKinds),
                         testing::NameOfKind);

TEST_P(RingAcceptTest, EveryConnectionHasTheListenersOptions) {
  const auto ring = StartRing();
  ring->Accept(kAcceptTag, listener_.get());
  ring->Enter(0);
  for (int i = 0; i < 20; ++i) {
    const OwnedFd client = ConnectTo(port_);
    const Completion accepted = Next(ring.get());
    ASSERT_EQ(accepted.tag.op, Op::kAccept);
    ASSERT_EQ(accepted.outcome, Outcome::kOk);
    EXPECT_TRUE(accepted.more);
    const OwnedFd ours(static_cast<int>(accepted.value));
    const int fd = ours.get();
    EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_SNDBUF), 80000);
    EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_RCVBUF), 40000);
    EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 12345);
    EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 23456);
    EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_KEEPIDLE), 100);
    EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_KEEPINTVL), 25);
    EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  }
}

// The kernel keeps back who has not sent anything, not for ever.
TEST_P(RingAcceptTest, DeferredClientsComeWithTheirFirstBytesOrAfterAWhile) {
  const auto listeners = OpenListeners("127.0.0.1:0", 1, {.defer_accept_s = 1});
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  const OwnedFd listener(listeners->front().fds.front());
  const uint16_t port = PortOf(listeners->front().address);
  const auto ring = StartRing();
  ring->Accept(kAcceptTag, listener.get());
  const uint64_t start_ns = ring->NowNs();
  const OwnedFd silent = ConnectTo(port);
  const OwnedFd speaking = ConnectTo(port);
  testing::SendAll(speaking.get(), "hello");
  const OwnedFd first(static_cast<int>(Next(ring.get()).value));
  EXPECT_EQ(ReceiveAll(first.get(), 5), "hello");
  // It takes the kernel's second SYN-ACK.
  const Completion second = Next(ring.get());
  EXPECT_GT(ring->NowNs() - start_ns, 500'000'000u);
  ASSERT_EQ(second.tag.op, Op::kAccept);
  const OwnedFd accepted(static_cast<int>(second.value));
  testing::SendAll(silent.get(), "late");
  EXPECT_EQ(ReceiveAll(accepted.get(), 4), "late");
}

TEST_P(RingAcceptTest, PeerAddressIsTheClients) {
  const auto ring = StartRing();
  ring->Accept(kAcceptTag, listener_.get());
  const OwnedFd client = ConnectTo(port_);
  const OwnedFd ours(static_cast<int>(Next(ring.get()).value));
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(client.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(ring->PeerAddress(ours.get()), "127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
}

// Out of descriptors: the connection stays in the backlog, the accept ends and can be armed again.
TEST_P(RingAcceptTest, RunningOutOfDescriptorsLosesNoConnection) {
  const auto ring = StartRing();
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(ConnectTo(port_));
  std::vector<OwnedFd> accepted;
  {
    const DescriptorShortage shortage(1);
    ring->Accept(kAcceptTag, listener_.get());
    const Completion first = Next(ring.get());
    ASSERT_EQ(first.outcome, Outcome::kOk);
    accepted.emplace_back(static_cast<int>(first.value));
    const Completion exhausted = Next(ring.get());
    EXPECT_EQ(exhausted.outcome, Outcome::kExhausted);
    EXPECT_FALSE(exhausted.more);
    // Armed again too early, it answers the same.
    ring->Accept(kAcceptTag, listener_.get());
    EXPECT_EQ(Next(ring.get()).outcome, Outcome::kExhausted);
  }
  ring->Accept(kAcceptTag, listener_.get());
  while (accepted.size() < clients.size()) {
    const Completion next = Next(ring.get());
    ASSERT_EQ(next.outcome, Outcome::kOk);
    EXPECT_TRUE(next.more);
    accepted.emplace_back(static_cast<int>(next.value));
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    testing::SendAll(clients[i].get(), "x");
    EXPECT_EQ(ReceiveAll(accepted[i].get(), 1), "x");
  }
}

// More than a turn takes, and others come meanwhile.
TEST_P(RingAcceptTest, AFullBacklogIsAcceptedInTurns) {
  const auto ring = StartRing();
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(ConnectTo(port_));
  ring->Accept(kAcceptTag, listener_.get());
  std::vector<OwnedFd> accepted;
  while (accepted.size() < clients.size()) {
    const Completion next = Next(ring.get());
    ASSERT_EQ(next.outcome, Outcome::kOk);
    ASSERT_TRUE(next.more);
    accepted.emplace_back(static_cast<int>(next.value));
    if (accepted.size() % 8 == 0) clients.push_back(ConnectTo(port_));
  }
  EXPECT_GT(accepted.size(), 70u);
}

TEST_P(RingAcceptTest, CancelStopsAcceptingAndLeavesTheBacklog) {
  const auto ring = StartRing();
  ring->Accept(kAcceptTag, listener_.get());
  ring->Enter(0);
  ring->Cancel(kAcceptTag);
  const Completion last = Next(ring.get());
  EXPECT_EQ(last.outcome, Outcome::kEnd);
  EXPECT_FALSE(last.more);
  const OwnedFd client = ConnectTo(port_);
  EXPECT_TRUE(Ready(ring.get()).empty());
  ring->Accept(kAcceptTag, listener_.get());
  const OwnedFd ours(static_cast<int>(Next(ring.get()).value));
  EXPECT_TRUE(testing::IsOpen(ours.get()));
}

// A copy of the listener in another descriptor table would keep it listening after close().
TEST_P(RingAcceptTest, ShutdownEndsListeningInEveryDescriptorTable) {
  const auto ring = StartRing();
  const OwnedFd copy(::dup(listener_.get()));
  ring->Accept(kAcceptTag, listener_.get());
  ring->Enter(0);
  ring->Shutdown(listener_.get());
  const Completion last = Next(ring.get());
  EXPECT_EQ(last.outcome, Outcome::kFailed);
  EXPECT_FALSE(last.more);
  EXPECT_LT(ConnectTo(port_).get(), 0);
}

// An accept that outlived its ring would swallow the wake-up meant for the next one.
TEST_P(RingAcceptTest, TheNextRingAcceptsAfterOneWasDestroyed) {
  {
    const auto ring = StartRing();
    ring->Accept(kAcceptTag, listener_.get());
    ring->Enter(0);
  }
  const auto ring = StartRing();
  ring->Accept(kAcceptTag, listener_.get());
  ring->Enter(0);
  for (int i = 0; i < 3; ++i) {
    const OwnedFd client = ConnectTo(port_);
    const Completion accepted = Next(ring.get());
    ASSERT_EQ(accepted.outcome, Outcome::kOk);
    const OwnedFd ours(static_cast<int>(accepted.value));
  }
}

// Accepted, but never reaped: the connection must not hang half open for ever.
TEST_P(RingAcceptTest, ADestroyedRingClosesWhatItAcceptedAndDidNotReport) {
  OwnedFd client;
  {
    const auto ring = StartRing();
    ring->Accept(kAcceptTag, listener_.get());
    client = ConnectTo(port_);
    ring->Enter(1'000'000'000);
  }
  EXPECT_TRUE(testing::Ends(client.get()));
}

}  // namespace
}  // namespace halley::io
