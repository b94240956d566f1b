#include "io/proxied_ring.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "io/string_ring.h"

namespace halley::io {
namespace {

using testing::StringRing;

constexpr int kListener = 3;
constexpr int kOtherListener = 4;
constexpr char kProxy[] = "10.1.2.3:9";
constexpr char kHeader[] = "PROXY TCP4 203.0.113.9 198.51.100.1 4711 443\r\n";

class ProxiedRingTest : public ::testing::Test {
 protected:
  ProxiedRingTest() {
    base::Network ten{.prefix = *base::ParseIp("10.0.0.0"), .bits = 96 + 8};
    auto strings = std::make_unique<StringRing>();
    wires_ = strings.get();
    ring_ = std::make_unique<ProxiedRing>(std::move(strings), std::vector<int>{kListener},
                                          base::Networks({ten}));
    ring_->Accept({0, 0, Op::kAccept}, kListener);
    ring_->Accept({1, 0, Op::kAccept}, kOtherListener);
  }

  // Somebody has connected to the listener of that slot.
  void Arrives(int fd, const std::string& peer, const std::string& bytes, uint32_t slot = 0) {
    wires_->wires[fd].peer = peer;
    wires_->wires[fd].up = bytes;
    wires_->completions.push_back(
        {{slot, 0, Op::kAccept}, Outcome::kOk, true, static_cast<uint32_t>(fd)});
    Completion completion;
    EXPECT_EQ(ring_->Reap({&completion, 1}), 1u);
  }

  std::string Receives(int fd, size_t piece = 4096) {
    std::string all, buffer(piece, '\0');
    for (;;) {
      const Received received = ring_->Receive(fd, buffer.data(), piece);
      outcome_ = received.outcome;
      if (received.outcome != Outcome::kOk) return all;
      all.append(buffer, 0, received.bytes);
    }
  }

  StringRing* wires_ = nullptr;
  std::unique_ptr<ProxiedRing> ring_;
  Outcome outcome_ = Outcome::kOk;
};

TEST_F(ProxiedRingTest, TheClientIsWhomItsProxyNames) {
  Arrives(10, kProxy, std::string(kHeader) + "hello");
  EXPECT_EQ(Receives(10), "hello");
  EXPECT_EQ(outcome_, Outcome::kAgain);
  EXPECT_EQ(ring_->PeerAddress(10), "203.0.113.9:4711");
  wires_->wires[10].up = kHeader;  // once only
  EXPECT_EQ(Receives(10), kHeader);
}

TEST_F(ProxiedRingTest, TheHeaderMayComeInPiecesOfAnySize) {
  const std::string all = std::string(kHeader) + "hello";
  for (size_t first = 0; first <= all.size(); ++first) {
    for (const size_t piece : {1u, 7u, 4096u}) {
      Arrives(10, kProxy, all.substr(0, first));
      std::string got = Receives(10, piece);
      EXPECT_EQ(outcome_, Outcome::kAgain);
      wires_->wires[10].up = all.substr(first);
      got += Receives(10, piece);
      EXPECT_EQ(got, "hello") << first << " in pieces of " << piece;
      EXPECT_EQ(ring_->PeerAddress(10), "203.0.113.9:4711");
      ring_->Close(10);
    }
  }
}

// As a shard relies on it.
TEST_F(ProxiedRingTest, AShortReadHasEmptiedTheSocket) {
  const std::string text(5000, 'x');
  Arrives(10, kProxy, kHeader + text);
  std::string buffer(4096, '\0');
  EXPECT_EQ(ring_->Receive(10, buffer.data(), buffer.size()).bytes, buffer.size());
  EXPECT_EQ(ring_->Receive(10, buffer.data(), buffer.size()).bytes, text.size() - buffer.size());
  EXPECT_TRUE(wires_->wires[10].up.empty());
}

TEST_F(ProxiedRingTest, NobodyElseNamesAClient) {
  Arrives(10, "192.0.2.7:5", kHeader);              // not one of the proxies
  Arrives(11, kProxy, kHeader, /*slot=*/1);         // not one of the listeners
  for (const int fd : {10, 11}) {
    EXPECT_EQ(Receives(fd), kHeader);
    EXPECT_EQ(ring_->PeerAddress(fd), wires_->wires[fd].peer);
  }
}

// Its own address is one whose word about clients is believed.
TEST_F(ProxiedRingTest, WhomAProxyDoesNotNameIsUnknown) {
  Arrives(10, kProxy, "PROXY UNKNOWN\r\nhello");
  EXPECT_EQ(Receives(10), "hello");
  EXPECT_EQ(ring_->PeerAddress(10), "");
}

TEST_F(ProxiedRingTest, AProxyMustSayWhoseConnectionItIs) {
  Arrives(10, kProxy, "GET /sub HTTP/1.1\r\n");
  EXPECT_EQ(Receives(10), "");
  EXPECT_EQ(outcome_, Outcome::kNotProxied);
  Receives(10);
  EXPECT_EQ(outcome_, Outcome::kAgain);  // nothing more came
  wires_->wires[10].up = kHeader;
  Receives(10);
  EXPECT_EQ(outcome_, Outcome::kNotProxied);
}

TEST_F(ProxiedRingTest, AnEndWithinTheHeaderIsAnEnd) {
  Arrives(10, kProxy, "PROXY TCP4");
  wires_->wires[10].ended = true;
  EXPECT_EQ(Receives(10), "");
  EXPECT_EQ(outcome_, Outcome::kEnd);
}

TEST_F(ProxiedRingTest, ANumberThatIsUsedAgainIsSomebodyElse) {
  Arrives(10, kProxy, kHeader);
  Receives(10);
  ring_->Close(10);
  Arrives(10, "192.0.2.7:5", "x");
  EXPECT_EQ(ring_->PeerAddress(10), "192.0.2.7:5");
  ring_->Close(10);
  // Nor is one that went to another shard, or whose proxy never finished its header.
  Arrives(10, kProxy, "PROXY");
  Receives(10);
  const Passage out{10, 1};
  ASSERT_TRUE(ring_->PassDescriptors(1, {&out, 1}));
  wires_->wires[10] = {};
  wires_->wires[10].up = "plain";
  EXPECT_EQ(Receives(10), "plain");
}

}  // namespace
}  // namespace halley::io
