#include "shard/address_table.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/networks.h"

namespace halley::shard {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kSecret = 4711;

AddressKey KeyOfText(const std::string& text) { return KeyOf(base::ParseIp(text).value()); }

// The n-th of many addresses.
AddressKey Nth(uint64_t n) { return (uint64_t{1} << 32) + 2 + n; }

TEST(AddressKey, IsAnAddressOrANetworkOfSixtyFourBits) {
  EXPECT_EQ(KeyOfText("10.0.0.1"), KeyOfText("::ffff:10.0.0.1"));
  EXPECT_NE(KeyOfText("10.0.0.1"), KeyOfText("10.0.0.2"));
  EXPECT_EQ(KeyOfText("2001:db8::1"), KeyOfText("2001:db8::ffff:ffff:ffff:ffff"));
  EXPECT_NE(KeyOfText("2001:db8::1"), KeyOfText("2001:db8:0:1::1"));
  for (const char* const text : {"0.0.0.0", "255.255.255.255", "::", "::1", "0:0:0:1::"}) {
    EXPECT_GT(KeyOfText(text), kAddressToCome) << text;
  }
}

TEST(AddressTable, ConnectionsOfOneAddressEndAtTheLimit) {
  AddressTable table({.addresses_max = 8, .connections = 2}, kSecret);
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kIn);
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kIn);
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kFull);
  EXPECT_EQ(table.Enter(Nth(2), 0), Entered::kIn) << "another's are its own";
  EXPECT_EQ(table.present(), 2u);
  table.Leave(Nth(1));
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kIn);
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kFull);
  table.Leave(Nth(1));
  table.Leave(Nth(1));
  table.Leave(Nth(2));
  EXPECT_EQ(table.present(), 0u);
  EXPECT_EQ(table.remembered(), 0u);
}

TEST(AddressTable, WhoComesTooFastIsRememberedUntilItsTokensAreBack) {
  AddressTable table({.addresses_max = 1, .connects = {1, 2}}, kSecret);
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kIn);
  table.Leave(Nth(1));
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kIn);
  table.Leave(Nth(1));
  EXPECT_EQ(table.Enter(Nth(1), 0), Entered::kTooFast) << "leaving gives nothing back";
  EXPECT_EQ(table.present(), 0u);
  EXPECT_EQ(table.remembered(), 1u);
  // Its place is nobody's until then.
  EXPECT_EQ(table.Enter(Nth(2), 2 * kSecond - 1), Entered::kNoPlace);
  EXPECT_EQ(table.Enter(Nth(2), 2 * kSecond), Entered::kIn);
  EXPECT_EQ(table.Enter(Nth(1), 2 * kSecond), Entered::kNoPlace);
  table.Leave(Nth(2));
}

TEST(AddressTable, HoldsAsManyAsItMayAndNotOneMore) {
  constexpr uint64_t kMany = AddressTable::kStripeAddresses;
  AddressTable table({.addresses_max = kMany, .connections = 1}, kSecret);
  for (uint64_t i = 0; i < kMany; ++i) ASSERT_EQ(table.Enter(Nth(i), 0), Entered::kIn) << i;
  EXPECT_EQ(table.Enter(Nth(kMany), 0), Entered::kNoPlace);
  EXPECT_EQ(table.Enter(Nth(5), 0), Entered::kFull) << "who is known is known when it is full, too";
  EXPECT_EQ(table.remembered(), kMany);
  table.Leave(Nth(5));
  EXPECT_EQ(table.Enter(Nth(kMany), 0), Entered::kIn);
  EXPECT_EQ(table.Enter(Nth(5), 0), Entered::kNoPlace);
}

// Nobody who has a connection, or spent tokens, may be forgotten: the model says what is known.
TEST(AddressTable, AgreesWithAModelOverRandomComingsAndGoings) {
  const AddressLimits limits{.addresses_max = 40, .connections = 3, .connects = {2, 4}};
  AddressTable table(limits, kSecret);
  struct Known {
    uint32_t open = 0;
    base::TokenBucket bucket;
  };
  std::map<AddressKey, Known> model;
  std::mt19937_64 random(1);
  uint64_t now = 0;
  uint64_t refused = 0, too_fast = 0, no_place = 0;
  for (int step = 0; step < 200'000; ++step) {
    now += random() % (kSecond / 250);
    const AddressKey key = Nth(random() % 60);
    Known& known = model[key];
    if (random() % 2 == 0 && known.open > 0) {
      table.Leave(key);
      --known.open;
      continue;
    }
    switch (table.Enter(key, now)) {
      case Entered::kIn:
        ASSERT_LT(known.open, 3u);
        ASSERT_TRUE(known.bucket.Take(limits.connects, 1, now));
        ++known.open;
        break;
      case Entered::kFull:
        ASSERT_EQ(known.open, 3u);
        ++refused;
        break;
      case Entered::kTooFast:
        ASSERT_FALSE(known.bucket.Take(limits.connects, 1, now));
        ++too_fast;
        break;
      case Entered::kNoPlace:
        ASSERT_EQ(known.open, 0u);
        ASSERT_TRUE(known.bucket.IsFull(limits.connects, now));
        ++no_place;
        break;
    }
  }
  EXPECT_GT(refused, 100u);
  EXPECT_GT(too_fast, 100u);
  EXPECT_GT(no_place, 100u);
  uint64_t present = 0;
  for (const auto& [key, known] : model) present += known.open > 0;
  EXPECT_EQ(table.present(), present);
  for (auto& [key, known] : model) {
    for (; known.open > 0; --known.open) table.Leave(key);
  }
  EXPECT_EQ(table.present(), 0u);
}

TEST(AddressTable, WhoHasLeftIsForgottenAsOthersCome) {
  AddressTable table({.addresses_max = 4096, .connects = {10, 1}}, kSecret);
  for (uint64_t i = 0; i < 100'000; ++i) {
    const uint64_t now = i * 1'000'000;
    ASSERT_EQ(table.Enter(Nth(i), now), Entered::kIn);
    table.Leave(Nth(i));
  }
  // Each is worth remembering for a tenth of a second, in which a hundred come.
  EXPECT_LT(table.remembered(), 2000u);
}

TEST(AddressTable, AMillionAddressesFitIntoSixtyFourMegabytes) {
  constexpr uint64_t kMillion = 1'000'000;
  AddressTable table({.addresses_max = kMillion, .connections = 1}, kSecret);
  for (uint64_t i = 0; i < kMillion; ++i) ASSERT_EQ(table.Enter(Nth(i), 0), Entered::kIn) << i;
  EXPECT_EQ(table.present(), kMillion);
  EXPECT_LT(table.bytes(), 64'000'000u);
  RecordProperty("bytes", std::to_string(table.bytes()));
  for (uint64_t i = 0; i < kMillion; ++i) ASSERT_EQ(table.Enter(Nth(i), 0), Entered::kFull) << i;
  for (uint64_t i = 0; i < kMillion; ++i) table.Leave(Nth(i));
  EXPECT_EQ(table.remembered(), 0u);
}

TEST(AddressTable, GrowsWithWhoIsThere) {
  AddressTable table({.addresses_max = 1'000'000, .connects = {1, 5}}, kSecret);
  EXPECT_LT(table.bytes(), 200'000u);
  for (uint64_t i = 0; i < 20'000; ++i) {
    ASSERT_EQ(table.Enter(Nth(i), 0), Entered::kIn);
    ASSERT_EQ(table.Enter(Nth(i / 2), 0), Entered::kIn) << "known across growth";
  }
  EXPECT_EQ(table.present(), 20'000u);
  EXPECT_LT(table.bytes(), 200'000u + 20'000 * 86);
  for (uint64_t i = 0; i < 20'000; ++i) {
    table.Leave(Nth(i));
    table.Leave(Nth(i / 2));
  }
  EXPECT_EQ(table.present(), 0u);
}

TEST(AddressTable, ALimitThatEndsForgetsWhatWasSpent) {
  AddressTable table({.addresses_max = 64, .connects = {1, 1}}, kSecret);
  for (uint64_t i = 0; i < 64; ++i) {
    ASSERT_EQ(table.Enter(Nth(i), 0), Entered::kIn);
    table.Leave(Nth(i));
  }
  ASSERT_EQ(table.Enter(Nth(64), 0), Entered::kNoPlace);
  table.SetLimits(0, {});
  for (uint64_t i = 64; i < 128; ++i) ASSERT_EQ(table.Enter(Nth(i), 0), Entered::kIn);
  EXPECT_EQ(table.present(), 64u);
}

// For ThreadSanitizer, too.
TEST(AddressTable, ThreadsShareOneCount) {
  constexpr uint32_t kThreads = 4;
  AddressTable table({.addresses_max = 10'000, .connections = 50}, kSecret);
  std::atomic<uint64_t> in{0};
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        std::vector<AddressKey> mine;
        for (uint64_t i = 0; i < 2000; ++i) {
          if (table.Enter(Nth(i % 40), 0) == Entered::kIn) mine.push_back(Nth(i % 40));
        }
        in += mine.size();
        for (const AddressKey key : mine) table.Leave(key);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(in, 20u * 2000u);
  EXPECT_EQ(table.present(), 0u);
  EXPECT_EQ(table.remembered(), 0u);
}

TEST(AddressTableDeathTest, LeavingTwiceIsAProgrammersError) {
  AddressTable table({.addresses_max = 8, .connections = 2}, kSecret);
  ASSERT_EQ(table.Enter(Nth(1), 0), Entered::kIn);
  table.Leave(Nth(1));
  EXPECT_DEATH(table.Leave(Nth(1)), "assertion failed");
}

}  // namespace
}  // namespace halley::shard
