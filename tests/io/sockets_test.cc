#include "io/sockets.h"

#include <ctime>
#include <string>

#include "io/loopback.h"

namespace halley::io {
namespace {

using testing::TcpPair;

TEST(Sockets, ReceiveTellsDataFromNothingFromTheEndFromAReset) {
  TcpPair pair = TcpPair::Make();
  char buffer[8];
  EXPECT_EQ(ReceiveNow(pair.ours.get(), buffer, sizeof buffer).outcome, Outcome::kAgain);

  testing::SendAll(pair.theirs.get(), "0123456789");
  ::shutdown(pair.theirs.get(), SHUT_WR);
  Received received = ReceiveNow(pair.ours.get(), buffer, sizeof buffer);
  EXPECT_EQ(received.outcome, Outcome::kOk);
  EXPECT_EQ(std::string(buffer, received.bytes), "01234567");
  received = ReceiveNow(pair.ours.get(), buffer, sizeof buffer);
  EXPECT_EQ(std::string(buffer, received.bytes), "89");
  received = ReceiveNow(pair.ours.get(), buffer, sizeof buffer);
  EXPECT_EQ(received.outcome, Outcome::kEnd);
  EXPECT_EQ(received.bytes, 0u);

  TcpPair reset = TcpPair::Make();
  reset.theirs.Reset();
  EXPECT_EQ(ReceiveNow(reset.ours.get(), buffer, sizeof buffer).outcome, Outcome::kReset);
}

TEST(Sockets, ReceiveOnSomethingElseFails) {
  char buffer[8];
  EXPECT_EQ(ReceiveNow(-1, buffer, sizeof buffer).outcome, Outcome::kFailed);
}

TEST(Sockets, ErrorsHaveOutcomes) {
  EXPECT_EQ(OutcomeOfError(EAGAIN), Outcome::kAgain);
  EXPECT_EQ(OutcomeOfError(ECANCELED), Outcome::kEnd);
  EXPECT_EQ(OutcomeOfError(ECONNRESET), Outcome::kReset);
  EXPECT_EQ(OutcomeOfError(ETIMEDOUT), Outcome::kReset);
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    EXPECT_EQ(OutcomeOfError(error), Outcome::kExhausted);
  }
  EXPECT_EQ(OutcomeOfError(EBADF), Outcome::kFailed);
}

TEST(Sockets, AddressesAreWritten) {
  sockaddr_storage address{};
  EXPECT_EQ(FormatAddress(address), "");
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(5);
  v4.sin_addr.s_addr = htonl(0x01020304);
  EXPECT_EQ(FormatAddress(address), "1.2.3.4:5");
  address = {};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(65535);
  v6.sin6_addr = in6addr_loopback;
  EXPECT_EQ(FormatAddress(address), "[::1]:65535");
}

TEST(Sockets, PeerAddressIsEmptyWhenUnknown) {
  EXPECT_EQ(PeerAddressOf(-1), "");
  const TcpPair pair = TcpPair::Make();
  EXPECT_EQ(PeerAddressOf(pair.ours.get()).rfind("127.0.0.1:", 0), 0u);
}

TEST(Sockets, TheKernelCountsWhatGoesEachWay) {
  EXPECT_FALSE(TrafficOf(-1).has_value());
  const TcpPair pair = TcpPair::Make();
  ASSERT_EQ(::send(pair.ours.get(), "hello", 5, 0), 5);
  ASSERT_EQ(::send(pair.theirs.get(), "hello, you", 10, 0), 10);
  // What is on its way on loopback is there by the time that the other end can read it.
  char buffer[16];
  ASSERT_EQ(::recv(pair.ours.get(), buffer, 10, MSG_WAITALL), 10);
  const std::optional<Traffic> traffic = TrafficOf(pair.ours.get());
  ASSERT_TRUE(traffic.has_value());
  EXPECT_EQ(traffic->bytes_sent, 5u);
  EXPECT_EQ(traffic->bytes_received, 10u);
  EXPECT_EQ(traffic->retransmits, 0u);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_FALSE(TrafficOf(ends[0]).has_value());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Sockets, TheWallsClockIsTheHosts) {
  const auto before = static_cast<uint64_t>(std::time(nullptr));
  const uint64_t now = WallNowS();
  EXPECT_GE(now + 1, before);  // time() is a tick behind
  EXPECT_LE(now, before + 60);
}

TEST(Sockets, TimeDoesNotGoBack) {
  const uint64_t before_ns = MonotonicNowNs();
  EXPECT_GE(MonotonicNowNs(), before_ns);
}

}  // namespace
}  // namespace halley::io
