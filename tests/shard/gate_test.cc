#include "shard/gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace halley::shard {
namespace {

using wire::CloseReason;

constexpr uint64_t kSecond = 1'000'000'000;

in6_addr Ip(const std::string& text) { return base::ParseIp(text).value(); }

TEST(Gate, NamesWhatAnAddressHasTooMuchOf) {
  Gate gate(
      {.ip_connections = 2, .ip_connects_per_s = 1, .ip_connects_burst = 3, .trusted = {}}, 1);
  AddressKey a = 0, b = 0, seat = 0;
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &a), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitAddress(Ip("::ffff:10.0.0.1"), 0, &b), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &seat), CloseReason::kAddressFull);
  EXPECT_EQ(seat, kNoAddress);
  EXPECT_EQ(gate.addresses(), 1u);
  gate.GiveBack(a);
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &a), CloseReason::kNone);
  gate.GiveBack(a);
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &a), CloseReason::kAddressRate);
  gate.GiveBack(a);  // none: nothing
  EXPECT_EQ(gate.AdmitAddress(Ip("2001:db8::1"), 0, &a), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitAddress(Ip("2001:db8::2"), 0, &seat), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitAddress(Ip("2001:db8::3"), 0, &seat), CloseReason::kAddressFull);
}

TEST(Gate, WhoIsTrustedIsCountedAndNotLimited) {
  Gate gate({.ip_connections = 1, .trusted = "10.0.0.0/8, 2001:db8::/32"}, 1);
  AddressKey seat = 0;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(gate.AdmitAddress(Ip("10.1.2.3"), 0, &seat), CloseReason::kNone);
    EXPECT_NE(seat, kNoAddress);
    EXPECT_EQ(gate.AdmitAddress(Ip("2001:db8::9"), 0, &seat), CloseReason::kNone);
  }
  EXPECT_EQ(gate.addresses(), 2u);
  EXPECT_EQ(gate.AdmitAddress(Ip("11.0.0.1"), 0, &seat), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitAddress(Ip("11.0.0.1"), 0, &seat), CloseReason::kAddressFull);
}

TEST(Gate, WhoFindsNoPlaceIsLetInAndCounted) {
  Gate gate({.ip_connections = 1, .ip_table = 2, .trusted = {}}, 1);
  AddressKey seat = 0;
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &seat), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.2"), 0, &seat), CloseReason::kNone);
  EXPECT_NE(seat, kNoAddress);
  EXPECT_EQ(gate.without_place(), 0u);
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.3"), 0, &seat), CloseReason::kNone);
  EXPECT_EQ(seat, kNoAddress);
  EXPECT_EQ(gate.without_place(), 1u);
  EXPECT_EQ(gate.addresses(), 2u);
}

TEST(Gate, TheNodeHasItsOwnLimits) {
  Gate gate({.trusted = {}, .connects_per_s = 10, .connects_burst = 2, .handshakes = 5}, 1);
  EXPECT_EQ(gate.AdmitToNode(5, 0), CloseReason::kHandshakesFull);
  EXPECT_EQ(gate.AdmitToNode(4, 0), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitToNode(4, 0), CloseReason::kNone) << "who was refused took no token";
  EXPECT_EQ(gate.AdmitToNode(0, 0), CloseReason::kConnectRate);
  EXPECT_EQ(gate.AdmitToNode(0, kSecond / 10 - 1), CloseReason::kConnectRate);
  EXPECT_EQ(gate.AdmitToNode(0, kSecond / 10), CloseReason::kNone);
}

TEST(Gate, MetersMessagesAndBytesEachByItself) {
  Gate gate({.trusted = {}, .messages_per_s = 2, .bytes_per_s = 100, .bytes_burst = 150}, 1);
  ASSERT_TRUE(gate.meters());
  Meter meter;
  EXPECT_TRUE(gate.TakeMessage(&meter, 0));
  EXPECT_TRUE(gate.TakeMessage(&meter, 0));
  EXPECT_FALSE(gate.TakeMessage(&meter, 0));
  EXPECT_TRUE(gate.TakeMessage(&meter, kSecond / 2));
  EXPECT_TRUE(gate.TakeBytes(&meter, 150, kSecond));
  EXPECT_FALSE(gate.TakeBytes(&meter, 1, kSecond));
  EXPECT_TRUE(gate.TakeBytes(&meter, 100, 2 * kSecond));
  Gate bytes_only({.trusted = {}, .bytes_per_s = 100}, 1);
  Meter other;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bytes_only.TakeMessage(&other, 0));
}

TEST(Gate, RoomsEndAtTheLimitAndComeBack) {
  Gate gate({.trusted = {}, .rooms = 2}, 1);
  EXPECT_TRUE(gate.OpenRoom());
  EXPECT_TRUE(gate.OpenRoom());
  EXPECT_FALSE(gate.OpenRoom());
  EXPECT_EQ(gate.rooms(), 2u);
  gate.CloseRoom();
  EXPECT_TRUE(gate.OpenRoom());
  Gate without({.trusted = {}, .handshakes = 1}, 1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(without.OpenRoom());
  without.CloseRoom();
}

TEST(Gate, ALimitBeginsForWhoIsThereAndEnds) {
  const config::LimitsOptions none{.trusted = {}};
  Gate gate(none, 1);
  std::vector<AddressKey> seats(3);
  for (AddressKey& seat : seats) {
    EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &seat), CloseReason::kNone);
    EXPECT_TRUE(gate.OpenRoom());
  }
  EXPECT_EQ(gate.addresses(), 1u);
  EXPECT_FALSE(gate.meters());
  AddressKey seat = kNoAddress;
  gate.SetLimits({.ip_connections = 3, .ip_connects_per_s = 1, .trusted = {}, .messages_per_s = 1,
                  .rooms = 3});
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &seat), CloseReason::kAddressFull);
  EXPECT_FALSE(gate.OpenRoom());
  EXPECT_TRUE(gate.meters());
  gate.GiveBack(seats.back());
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &seats.back()), CloseReason::kNone);
  // It has spent what it may in a second: with the limit, that is forgotten.
  gate.GiveBack(seats.back());
  EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0.1"), 0, &seat), CloseReason::kAddressRate);
  for (size_t i = 0; i < 2; ++i) gate.GiveBack(seats[i]);
  EXPECT_EQ(gate.addresses(), 0u);
  gate.SetLimits(none);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(gate.AdmitAddress(Ip("10.0.0." + std::to_string(i + 1)), 0, &seat), CloseReason::kNone);
    EXPECT_TRUE(gate.OpenRoom());
  }
  EXPECT_EQ(gate.addresses(), 100u);
  EXPECT_EQ(gate.rooms(), 103u);
}

// 20,000 connects a second are let in to a hundredth, however many more there are: of the node and
// of each address, over ten seconds, from several threads' clocks that differ by a turn.
TEST(Gate, IsExactAtTwentyThousandConnectsASecond) {
  constexpr uint64_t kSeconds = 10;
  constexpr uint64_t kPerSecond = 20'000;
  Gate gate({.ip_connects_per_s = 100,
             .trusted = {},
             .connects_per_s = kPerSecond,
             .connects_burst = 200},
            1);
  uint64_t admitted = 0, per_address = 0;
  const uint64_t step_ns = kSecond / (3 * kPerSecond);
  for (uint64_t now = 0; now < kSeconds * kSecond; now += step_ns) {
    const uint64_t turn = now % 3 * 1000;  // another shard's clock
    admitted += gate.AdmitToNode(0, now - std::min(now, turn)) == CloseReason::kNone;
    AddressKey seat = 0;
    per_address += gate.AdmitAddress(Ip("10.0.0.1"), now, &seat) == CloseReason::kNone;
    gate.GiveBack(seat);
  }
  EXPECT_NEAR(static_cast<double>(admitted), kSeconds * kPerSecond, 0.01 * kSeconds * kPerSecond);
  EXPECT_NEAR(static_cast<double>(per_address), kSeconds * 100 + 100, 1);
}

// For ThreadSanitizer, too: never more than one room too many, and all of them back.
TEST(Gate, ThreadsShareIt) {
  Gate gate({.trusted = {}, .connects_per_s = 1000, .connects_burst = 500, .rooms = 10}, 1);
  std::atomic<uint64_t> admitted{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        admitted += gate.AdmitToNode(0, 0) == CloseReason::kNone;
        if (gate.OpenRoom()) gate.CloseRoom();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted, 500u);
  EXPECT_EQ(gate.rooms(), 0u);
}

TEST(Gate, LimitsMayChange) {
  config::LimitsOptions limits{.ip_connections = 1, .ip_connects_per_s = 100, .ip_table = 100, .trusted = {},
                               .connects_per_s = 1, .handshakes = 5, .messages_per_s = 1, .rooms = 1};
  Gate gate(limits, 1);
  in6_addr ip{};
  ip.s6_addr[0] = 0x20;
  AddressKey first = kNoAddress;
  AddressKey second = kNoAddress;
  Meter meter;
  EXPECT_EQ(gate.AdmitAddress(ip, 0, &first), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitAddress(ip, 0, &second), CloseReason::kAddressFull);
  EXPECT_EQ(gate.AdmitToNode(5, 0), CloseReason::kHandshakesFull);
  EXPECT_EQ(gate.AdmitToNode(0, 0), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitToNode(0, 0), CloseReason::kConnectRate);
  EXPECT_TRUE(gate.OpenRoom());
  EXPECT_FALSE(gate.OpenRoom());
  EXPECT_TRUE(gate.TakeMessage(&meter, 0));
  EXPECT_FALSE(gate.TakeMessage(&meter, 0));
  limits.ip_connections = limits.connects_per_s = limits.messages_per_s = limits.rooms = 2;
  limits.handshakes = 6;
  gate.SetLimits(limits);
  EXPECT_EQ(gate.AdmitAddress(ip, 0, &second), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitToNode(5, 0), CloseReason::kNone);
  EXPECT_EQ(gate.AdmitToNode(6, 0), CloseReason::kHandshakesFull);
  EXPECT_TRUE(gate.OpenRoom());
  EXPECT_FALSE(gate.OpenRoom());
  EXPECT_TRUE(gate.TakeMessage(&meter, 0));
  EXPECT_FALSE(gate.TakeMessage(&meter, 0));
  gate.GiveBack(first);
  gate.GiveBack(second);
  EXPECT_EQ(gate.addresses(), 0u);
}

}  // namespace
}  // namespace halley::shard
