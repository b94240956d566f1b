#include "remote/address_book.h"

#include <gtest/gtest.h>

#include <map>

namespace halley::remote {
namespace {

constexpr uint64_t kMs = 1'000'000;

class AddressBookTest : public testing::Test {
 protected:
  void Set(const std::vector<std::string>& names, uint64_t now_ns = 0) {
    added_.clear();
    removed_.clear();
    book_.Set(names, now_ns, &added_, &removed_);
  }
  // As many good exchanges as take it off its trial.
  void Prove(AddressId address) {
    for (size_t i = 0; i < options_.concurrency; ++i) {
      ASSERT_EQ(book_.Pick(0), address);
      EXPECT_FALSE(book_.Ended(address, true, 0));
    }
  }

  EngineOptions options_;
  AddressBook book_{options_, 7};
  std::vector<AddressId> added_;
  std::vector<AddressId> removed_;
};

TEST_F(AddressBookTest, KeepsWhatItKnowsOfThoseThatStay) {
  Set({"a", "b"});
  ASSERT_EQ(added_.size(), 2u);
  const AddressId a = added_[0];
  Set({"b", "c"});
  ASSERT_EQ(removed_, std::vector<AddressId>{a});
  ASSERT_EQ(added_.size(), 1u);
  EXPECT_EQ(book_.NameOf(added_[0]), "c");
  EXPECT_EQ(book_.NameOf(a), "");
  // An exchange with one that has gone may still end.
  EXPECT_FALSE(book_.Ended(a, false, 0));
}

TEST_F(AddressBookTest, TrustsANewAddressLittleAndMoreWithEachAnswer) {
  Set({"a"});
  const AddressId a = added_[0];
  for (size_t i = 0; i < kTrialExchanges; ++i) EXPECT_EQ(book_.Pick(0), a);
  EXPECT_EQ(book_.Pick(0), std::nullopt);
  book_.Ended(a, true, 0);
  EXPECT_EQ(book_.Pick(0), a);
  EXPECT_EQ(book_.Pick(0), a) << "one more than at first";
  EXPECT_EQ(book_.Pick(0), std::nullopt);
}

TEST_F(AddressBookTest, ShutsAfterFailuresInARowAndOnTrialAfterOne) {
  Set({"a"});
  const AddressId a = added_[0];
  Prove(a);
  for (uint32_t i = 0; i + 1 < options_.failures; ++i) {
    ASSERT_EQ(book_.Pick(0), a);
    EXPECT_FALSE(book_.Ended(a, false, 0));
  }
  ASSERT_EQ(book_.Pick(0), a);
  book_.Ended(a, true, 0);  // the row is broken
  for (uint32_t i = 0; i < options_.failures; ++i) {
    ASSERT_TRUE(book_.IsOpen(a));
    ASSERT_EQ(book_.Pick(0), a);
    EXPECT_EQ(book_.Ended(a, false, 0), i + 1 == options_.failures);
  }
  EXPECT_FALSE(book_.AnyOpen());
  EXPECT_EQ(book_.Pick(0), std::nullopt);
  // A good probe opens it, but not before its time.
  EXPECT_FALSE(book_.Probed(a, true, (options_.shut_ms - 1) * kMs));
  EXPECT_TRUE(book_.Probed(a, true, options_.shut_ms * kMs));
  ASSERT_EQ(book_.Pick(0), a);
  EXPECT_TRUE(book_.Ended(a, false, options_.shut_ms * kMs)) << "on trial one is enough";
}

TEST_F(AddressBookTest, ShutsAfterTwoBadProbes) {
  Set({"a"});
  const AddressId a = added_[0];
  EXPECT_FALSE(book_.Probed(a, false, 0));
  EXPECT_FALSE(book_.Probed(a, true, 0));
  EXPECT_FALSE(book_.Probed(a, false, 0));
  EXPECT_TRUE(book_.Probed(a, false, 0));
  EXPECT_FALSE(book_.IsOpen(a));
}

TEST_F(AddressBookTest, ProbesEachOnceASecondAndOneAtATime) {
  Set({"a", "b"});
  std::vector<AddressId> due;
  book_.DueProbes(0, &due);
  ASSERT_EQ(due.size(), 2u);
  due.clear();
  book_.DueProbes(10 * options_.probe_every_ms * kMs, &due);
  EXPECT_TRUE(due.empty()) << "both are still being probed";
  for (const AddressId address : added_) book_.Probed(address, true, 0);
  const uint64_t next_ns = book_.NextProbeNs();
  EXPECT_GE(next_ns, options_.probe_every_ms * 7 / 8 * kMs);
  EXPECT_LE(next_ns, options_.probe_every_ms * kMs);
  book_.DueProbes(next_ns - 1, &due);
  EXPECT_TRUE(due.empty());
  book_.DueProbes(options_.probe_every_ms * kMs, &due);
  EXPECT_EQ(due.size(), 2u);
}

TEST_F(AddressBookTest, PrefersTheLessBusyOfTwo) {
  Set({"a", "b", "c", "d"});
  for (const AddressId address : added_) {
    // All off trial.
    for (size_t i = 0; i < options_.concurrency; ++i) book_.Ended(*book_.Pick(0), true, 0);
    ASSERT_TRUE(book_.IsOpen(address));
  }
  std::map<AddressId, int> taken;
  for (int i = 0; i < 40; ++i) ++taken[*book_.Pick(0)];
  // Of blind draws one of four would have 16 or more now and then; with two choices they stay close.
  for (const AddressId address : added_) {
    EXPECT_GE(taken[address], 8);
    EXPECT_LE(taken[address], 12);
  }
}

TEST_F(AddressBookTest, AvoidsOneWhereThereIsAnother) {
  Set({"a", "b"});
  for (size_t i = 0; i < kTrialExchanges; ++i) EXPECT_EQ(book_.Pick(added_[0]), added_[1]);
  EXPECT_EQ(book_.Pick(added_[0]), added_[0]) << "the other has all it can take";
}

}  // namespace
}  // namespace halley::remote
