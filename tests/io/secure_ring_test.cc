// SecureRing above a ring of the test's own, whose sockets are strings with as much room as a test
// gives them; the clients are real ones.
#include "io/secure_ring.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "io/string_ring.h"
#include "tls/certificates.h"
#include "tls/client.h"

namespace halley::io {
namespace {

using testing::StringRing;
using testing::Wire;

constexpr int kListener = 3;
constexpr Tag kAcceptTag{0, 0, Op::kAccept};

class SecureRingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tls::ServerOptions serving;
    serving.certificates = {authority_.Issue("server", "DNS:localhost")};
    server_ = std::move(*tls::Server::Create(serving));
    tls::ClientOptions trusting;
    trusting.ca_file = authority_.root_file();
    client_ = std::move(*tls::Client::Create(trusting));
    ring_ = MakeRing(0, &wires_);
  }

  std::unique_ptr<SecureRing> MakeRing(uint32_t shard, StringRing** inner,
                                       uint32_t handshakes = 1000) {
    auto strings = std::make_unique<StringRing>();
    *inner = strings.get();
    auto ring = std::make_unique<SecureRing>(std::move(strings), shard, &transit_,
                                             std::vector<SecureListener>{{kListener, server_.get()}},
                                             handshakes);
    ring->Accept(kAcceptTag, kListener);
    return ring;
  }

  // A client of the secure listener, which has not said anything.
  std::unique_ptr<tls::Stream> Arrives(int fd) {
    wires_->completions.push_back(
        {kAcceptTag, Outcome::kOk, /*more=*/true, static_cast<uint32_t>(fd)});
    Completion completion;
    EXPECT_EQ(ring_->Reap({&completion, 1}), 1u);
    return client_->Connect("localhost");
  }

  // Everything that waits on the wire, for the client; what it answers goes up.
  std::string Reads(int fd, tls::Stream& client) {
    Wire& wire = wires_->wires[fd];
    std::string plain;
    std::string_view cipher = wire.down;
    for (;;) {
      char room[1000];
      size_t bytes = 0;
      const tls::ReadOutcome outcome = client.Read(&cipher, room, sizeof room, &bytes, &wire.up);
      plain.append(room, bytes);
      client_outcome_ = outcome;
      if (outcome != tls::ReadOutcome::kFull) break;
    }
    wire.down.clear();
    return plain;
  }

  // All that the ring has for its owner, in pieces of at most `piece`.
  std::string Receives(int fd, size_t piece = 4096) {
    std::string plain, buffer(piece, '\0');
    for (;;) {
      const Received received = ring_->Receive(fd, buffer.data(), piece);
      outcome_ = received.outcome;
      if (received.outcome != Outcome::kOk) return plain;
      EXPECT_GT(received.bytes, 0u);
      plain.append(buffer, 0, received.bytes);
    }
  }

  std::unique_ptr<tls::Stream> Shaken(int fd) {
    auto client = Arrives(fd);
    for (int i = 0; i < 4; ++i) {
      Reads(fd, *client);
      EXPECT_EQ(Receives(fd), "");
      EXPECT_EQ(outcome_, Outcome::kAgain);
    }
    EXPECT_TRUE(client->open());
    return client;
  }

  std::vector<base::SendException> SendSame(const std::vector<int>& fds, const std::string& text) {
    std::vector<base::FanoutTarget> targets;
    for (const int fd : fds) targets.push_back({.fd = fd});
    // In two parts, as from two pages of a log.
    const size_t half = text.size() / 2;
    const iovec parts[] = {{const_cast<char*>(text.data()), half},
                           {const_cast<char*>(text.data()) + half, text.size() - half}};
    std::vector<base::SendException> exceptions;
    ring_->SendSame(parts, targets, &exceptions);
    return exceptions;
  }

  // Whether the ring lets its owner know that the socket has room.
  bool WritableIsTold(uint32_t slot) {
    wires_->completions.push_back({{slot, 0, Op::kWatch}, Outcome::kOk, true, kWritable});
    Completion completion;
    EXPECT_EQ(ring_->Reap({&completion, 1}), 1u);
    return (completion.value & kWritable) != 0;
  }

  tls::testing::Authority authority_;
  std::unique_ptr<tls::Server> server_;
  std::unique_ptr<tls::Client> client_;
  SecureTransit transit_{2};
  StringRing* wires_ = nullptr;
  std::unique_ptr<SecureRing> ring_;
  Outcome outcome_ = Outcome::kOk;
  tls::ReadOutcome client_outcome_ = tls::ReadOutcome::kMore;
};

TEST_F(SecureRingTest, PlainSocketsAreLeftAlone) {
  const auto secure = Shaken(10);
  wires_->wires[11].up = "plain";
  EXPECT_EQ(Receives(11), "plain");
  EXPECT_TRUE(SendSame({11}, "hello").empty());
  EXPECT_EQ(wires_->wires[11].down, "hello");
  ring_->ShutdownWrite(11);
  EXPECT_TRUE(wires_->wires[11].shut);
  EXPECT_EQ(ring_->PeerAddress(11), "192.0.2.1:1");
}

TEST_F(SecureRingTest, WhatAClientSaysIsReceivedInPiecesOfAnySize) {
  const auto client = Shaken(10);
  const std::string text = std::string(40000, 'a') + "end";
  for (const size_t piece : {1u, 7u, 4096u, 100'000u}) {
    for (size_t at = 0; at < text.size(); at += tls::kRecordBytesMax) {
      ASSERT_TRUE(client->Write(std::string_view(text).substr(at, tls::kRecordBytesMax),
                                &wires_->wires[10].up));
    }
    EXPECT_EQ(Receives(10, piece), text) << piece;
    EXPECT_EQ(outcome_, Outcome::kAgain);
  }
}

// As a shard relies on it: who got less than it had room for has got everything.
TEST_F(SecureRingTest, AShortReadHasEmptiedTheSocket) {
  const auto client = Shaken(10);
  ASSERT_TRUE(client->Write("one", &wires_->wires[10].up));
  ASSERT_TRUE(client->Write("two", &wires_->wires[10].up));
  char buffer[100];
  const Received received = ring_->Receive(10, buffer, sizeof buffer);
  EXPECT_EQ(std::string(buffer, received.bytes), "onetwo");
  EXPECT_TRUE(wires_->wires[10].up.empty());
}

TEST_F(SecureRingTest, AFanOutReachesSecureAndPlainTargets) {
  const auto first = Shaken(10);
  const auto second = Shaken(12);
  for (const size_t bytes : {1u, 300u, 16384u, 16385u, 65536u}) {
    const std::string text(bytes, 'x');
    EXPECT_TRUE(SendSame({10, 11, 12, 13}, text).empty());
    EXPECT_EQ(Reads(10, *first), text);
    EXPECT_EQ(Reads(12, *second), text);
    EXPECT_EQ(std::exchange(wires_->wires[11].down, {}), text);
    EXPECT_EQ(std::exchange(wires_->wires[13].down, {}), text);
  }
}

TEST_F(SecureRingTest, ExceptionsComeInTheirOrder) {
  const auto full = Shaken(10);
  const auto healthy = Shaken(12);
  const auto broken = Shaken(14);
  wires_->wires[14].dead = true;
  wires_->wires[11].room = 2;
  // A socket without room: the first record waits here, the second is not begun.
  wires_->wires[10].room = 0;
  const std::string text(20000, 'x');
  const auto exceptions = SendSame({14, 10, 11, 12, 13}, text);
  ASSERT_EQ(exceptions.size(), 3u);
  EXPECT_EQ(exceptions[0].index, 0u);
  EXPECT_LT(exceptions[0].result, 0);
  EXPECT_EQ(exceptions[1].index, 1u);
  EXPECT_EQ(exceptions[1].result, static_cast<int32_t>(tls::kRecordBytesMax));
  EXPECT_EQ(exceptions[2].index, 2u);
  EXPECT_EQ(exceptions[2].result, 2);
  EXPECT_EQ(Reads(12, *healthy), text);
}

// At every length that a socket may take of a record: nothing is lost, nothing is sent twice, and
// the owner hears of room only when what waited is gone.
TEST_F(SecureRingTest, WhatASocketDoesNotTakeGoesFirstLater) {
  const auto client = Shaken(10);
  ring_->Watch({7, 0, Op::kWatch}, 10);
  for (size_t room = 0; room < 40; ++room) {
    wires_->wires[10].room = room;
    const bool whole = room >= 5 + 10 + 1 + 16;  // a record's header, text, type and seal
    // All of it counts as taken: it is encrypted.
    EXPECT_TRUE(SendSame({10}, "0123456789").empty()) << room;
    EXPECT_EQ(ring_->counters().held_bytes == 0, whole) << room;
    wires_->wires[10].room = 0;
    if (!whole) {
      const auto exceptions = SendSame({10}, "not yet");
      ASSERT_EQ(exceptions.size(), 1u);
      EXPECT_EQ(exceptions[0].result, 0);
      EXPECT_FALSE(WritableIsTold(7));
    }
    wires_->wires[10].room = 1 << 20;
    EXPECT_TRUE(WritableIsTold(7));
    EXPECT_EQ(ring_->counters().held_bytes, 0u);
    EXPECT_TRUE(SendSame({10}, "next").empty());
    EXPECT_EQ(Reads(10, *client), "0123456789next") << room;
  }
}

TEST_F(SecureRingTest, TheEndComesBehindWhatWaits) {
  const auto client = Shaken(10);
  ring_->Watch({7, 0, Op::kWatch}, 10);
  wires_->wires[10].room = 3;
  EXPECT_TRUE(SendSame({10}, "last words").empty());
  ring_->ShutdownWrite(10);
  EXPECT_FALSE(wires_->wires[10].shut);
  wires_->wires[10].room = 1000;
  WritableIsTold(7);
  EXPECT_TRUE(wires_->wires[10].shut);
  EXPECT_EQ(Reads(10, *client), "last words");
  EXPECT_EQ(client_outcome_, tls::ReadOutcome::kEnd);
}

TEST_F(SecureRingTest, TheClientsEndIsAnEnd) {
  const auto polite = Shaken(10);
  ASSERT_TRUE(polite->Write("bye", &wires_->wires[10].up));
  polite->Close(&wires_->wires[10].up);
  EXPECT_EQ(Receives(10), "bye");
  EXPECT_EQ(outcome_, Outcome::kEnd);
  const auto abrupt = Shaken(12);
  wires_->wires[12].ended = true;
  EXPECT_EQ(Receives(12), "");
  EXPECT_EQ(outcome_, Outcome::kEnd);
}

TEST_F(SecureRingTest, NothingIsSaidBeforeTheHandshakeIsOver) {
  const auto client = Arrives(10);
  const auto exceptions = SendSame({10}, "HTTP/1.1 503");
  ASSERT_EQ(exceptions.size(), 1u);
  EXPECT_EQ(exceptions[0].result, 0);
  EXPECT_EQ(wires_->wires[10].down, "");
}

TEST_F(SecureRingTest, WhoSpeaksSomethingElseIsToldAndCounted) {
  Arrives(10);
  wires_->wires[10].up = "GET / HTTP/1.1\r\n\r\n";
  EXPECT_EQ(Receives(10), "");
  EXPECT_EQ(outcome_, Outcome::kInsecure);
  EXPECT_EQ(ring_->counters().tls.failures, 1u);
  // An alert, or what else OpenSSL finds fitting; and the rest it sends is read and thrown away.
  wires_->wires[10].up = "more";
  EXPECT_EQ(Receives(10), "more");
  EXPECT_EQ(outcome_, Outcome::kAgain);
  EXPECT_EQ(ring_->counters().tls.failures, 1u);
}

TEST_F(SecureRingTest, WhatCameBeforeAForgeryIsHeard) {
  const auto client = Shaken(10);
  ASSERT_TRUE(client->Write("good", &wires_->wires[10].up));
  ASSERT_TRUE(client->Write("forged", &wires_->wires[10].up));
  wires_->wires[10].up.back() = static_cast<char>(wires_->wires[10].up.back() ^ 1);
  EXPECT_EQ(Receives(10), "good");
  EXPECT_EQ(outcome_, Outcome::kInsecure);
}

TEST_F(SecureRingTest, HandshakesWaitForTheNextTurnWhenThereAreMany) {
  ring_ = MakeRing(0, &wires_, /*handshakes=*/2);
  std::vector<std::unique_ptr<tls::Stream>> clients;
  for (int fd = 10; fd < 15; ++fd) {
    clients.push_back(Arrives(fd));
    Reads(fd, *clients.back());
  }
  char buffer[100];
  std::vector<Outcome> outcomes;
  for (int fd = 10; fd < 15; ++fd) {
    outcomes.push_back(ring_->Receive(fd, buffer, sizeof buffer).outcome);
  }
  EXPECT_EQ(outcomes, (std::vector{Outcome::kAgain, Outcome::kAgain, Outcome::kExhausted,
                                   Outcome::kExhausted, Outcome::kExhausted}));
  ring_->Enter(0);
  EXPECT_EQ(ring_->Receive(12, buffer, sizeof buffer).outcome, Outcome::kAgain);
  // Whose handshake is over does not wait for others'.
  Reads(10, *clients[0]);
  EXPECT_EQ(ring_->Receive(10, buffer, sizeof buffer).outcome, Outcome::kAgain);
  EXPECT_EQ(ring_->Receive(13, buffer, sizeof buffer).outcome, Outcome::kExhausted);
  ASSERT_TRUE(clients[0]->Write("hello", &wires_->wires[10].up));
  EXPECT_EQ(Receives(10), "hello");
  EXPECT_EQ(ring_->counters().tls.handshakes, 1u);
}

TEST_F(SecureRingTest, SessionsMoveWithTheirDescriptors) {
  const auto client = Shaken(10);
  StringRing* other_wires = nullptr;
  auto other = MakeRing(1, &other_wires);
  const Passage out{10, 77};
  wires_->refuse_passing = true;
  EXPECT_FALSE(ring_->PassDescriptors(1, {&out, 1}));
  EXPECT_TRUE(SendSame({10}, "still here").empty());
  EXPECT_EQ(Reads(10, *client), "still here");
  wires_->refuse_passing = false;
  ASSERT_TRUE(ring_->PassDescriptors(1, {&out, 1}));

  // There it has another number.
  other_wires->wires[20] = wires_->wires[10];
  other_wires->arriving = {{20, 77}};
  Passage in[Ring::kPassagesMax];
  ASSERT_EQ(other->TakeDescriptors(0, absl::MakeSpan(in)), 1u);
  std::swap(ring_, other);
  std::swap(wires_, other_wires);
  ASSERT_TRUE(client->Write("moved", &wires_->wires[20].up));
  EXPECT_EQ(Receives(20), "moved");
  EXPECT_TRUE(SendSame({20}, "welcome").empty());
  EXPECT_EQ(Reads(20, *client), "welcome");
  // And its old number is anybody's.
  std::swap(ring_, other);
  std::swap(wires_, other_wires);
  wires_->wires[10] = {};
  EXPECT_TRUE(SendSame({10}, "plain").empty());
  EXPECT_EQ(wires_->wires[10].down, "plain");
}

// A client that talks on before its login is answered, and is moved then: the socket is empty, and
// arming says all the same that there is something to read.
TEST_F(SecureRingTest, WhatWasNotReadIsToldAgainWhereItWentTo) {
  const auto client = Shaken(10);
  ASSERT_TRUE(client->Write("login, heartbeat", &wires_->wires[10].up));
  char buffer[7];
  ASSERT_EQ(ring_->Receive(10, buffer, sizeof buffer).bytes, sizeof buffer);
  StringRing* other_wires = nullptr;
  auto other = MakeRing(1, &other_wires);
  const Passage out{10, 77};
  ASSERT_TRUE(ring_->PassDescriptors(1, {&out, 1}));
  other_wires->wires[20] = wires_->wires[10];
  other_wires->arriving = {{20, 77}};
  Passage in[Ring::kPassagesMax];
  ASSERT_EQ(other->TakeDescriptors(0, absl::MakeSpan(in)), 1u);
  std::swap(ring_, other);
  std::swap(wires_, other_wires);

  const auto told = [&] {
    wires_->completions.push_back({{7, 0, Op::kWatch}, Outcome::kOk, true, kWritable});
    Completion completion;
    EXPECT_EQ(ring_->Reap({&completion, 1}), 1u);
    return completion.value;
  };
  ring_->Watch({7, 0, Op::kWatch}, 20);
  EXPECT_EQ(told(), kWritable | kReadable);
  EXPECT_EQ(Receives(20), "heartbeat");
  EXPECT_EQ(told(), kWritable);
}

TEST_F(SecureRingTest, ADescriptorThatDidNotArriveTakesItsSessionAlong) {
  const auto client = Shaken(10);
  StringRing* other_wires = nullptr;
  const auto other = MakeRing(1, &other_wires);
  const Passage out{10, 77};
  ASSERT_TRUE(ring_->PassDescriptors(1, {&out, 1}));
  other_wires->arriving = {{-1, 77}};
  Passage in[Ring::kPassagesMax];
  ASSERT_EQ(other->TakeDescriptors(0, absl::MakeSpan(in)), 1u);
  EXPECT_EQ(transit_.Take(1, 0, 77), nullptr);
}

// Requests for new keys cost the asker 27 bytes and us an answer. Who does not take the answers is
// cut before it holds more than its share.
TEST_F(SecureRingTest, WhoAsksForAnswersAndDoesNotTakeThemIsCut) {
  const auto client = Shaken(10);
  wires_->wires[10].room = 0;
  for (int i = 0; i < 10'000 && outcome_ != Outcome::kInsecure; ++i) {
    tls::testing::AskForNewKeys(client.get());
    ASSERT_TRUE(client->Write("x", &wires_->wires[10].up));
    Receives(10);
  }
  EXPECT_EQ(outcome_, Outcome::kInsecure);
  EXPECT_LE(ring_->counters().held_bytes, SecureRing::kUnsentBytesMax + 100);
}

TEST_F(SecureRingTest, ANumberThatIsUsedAgainIsSomebodyElse) {
  { const auto client = Shaken(10); }
  ring_->Close(10);
  wires_->wires[10].up = "plain";
  EXPECT_EQ(Receives(10), "plain");
  const auto next = Shaken(12);
  EXPECT_EQ(ring_->Describe().substr(0, 16), "strings; OpenSSL");
}

}  // namespace
}  // namespace halley::io
