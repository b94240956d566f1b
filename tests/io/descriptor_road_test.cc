#include "io/descriptor_road.h"

#include <array>
#include <string>
#include <vector>

#include "io/loopback.h"

namespace halley::io {
namespace {

using testing::DescriptorShortage;
using testing::IsOpen;
using testing::OwnedFd;
using testing::ReceiveAll;

constexpr size_t kPassagesMax = Ring::kPassagesMax;

// Sockets of which one end travels and the other stays.
struct Traveller {
  OwnedFd travels;
  OwnedFd stays;

  Traveller() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    travels = OwnedFd(ends[0]);
    stays = OwnedFd(ends[1]);
  }
};

class DescriptorRoadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ends = DescriptorRoad::Open();
    ASSERT_TRUE(ends.ok());
    here_ = std::move(ends->first);
    there_ = std::move(ends->second);
  }

  DescriptorRoad here_;
  DescriptorRoad there_;
};

TEST_F(DescriptorRoadTest, DescriptorsArriveInOrderWithTheirTokens) {
  std::vector<Traveller> travellers(kPassagesMax + 3);
  std::vector<Passage> out;
  for (uint32_t i = 0; i < travellers.size(); ++i) {
    out.push_back({travellers[i].travels.Release(), 1000 + i});
  }
  ASSERT_TRUE(here_.Send({out.data(), kPassagesMax}));
  ASSERT_TRUE(here_.Send({out.data() + kPassagesMax, 3}));

  std::array<Passage, 2 * kPassagesMax> in;
  ASSERT_EQ(there_.Receive(absl::MakeSpan(in)), travellers.size());
  for (uint32_t i = 0; i < travellers.size(); ++i) {
    EXPECT_EQ(in[i].token, 1000 + i);
    const OwnedFd arrived(in[i].fd);
    EXPECT_EQ(::fcntl(arrived.get(), F_GETFD), FD_CLOEXEC);
    testing::SendAll(arrived.get(), std::to_string(i));
    EXPECT_EQ(ReceiveAll(travellers[i].stays.get(), std::to_string(i).size()), std::to_string(i));
  }
  EXPECT_EQ(there_.Receive(absl::MakeSpan(in)), 0u);
}

TEST_F(DescriptorRoadTest, SendingGivesTheDescriptorAway) {
  Traveller traveller;
  const Passage passage{traveller.travels.Release(), 1};
  ASSERT_TRUE(here_.Send({&passage, 1}));
  EXPECT_FALSE(IsOpen(passage.fd));
  // Nobody has taken it, and yet it lives.
  testing::SendAll(traveller.stays.get(), "x");
  std::array<Passage, kPassagesMax> in;
  ASSERT_EQ(there_.Receive(absl::MakeSpan(in)), 1u);
  const OwnedFd arrived(in[0].fd);
  EXPECT_EQ(ReceiveAll(arrived.get(), 1), "x");
}

TEST_F(DescriptorRoadTest, AFullRoadRefusesAndLeavesTheDescriptorWithTheCaller) {
  Traveller traveller;
  std::vector<OwnedFd> copies;
  size_t sent = 0;
  for (bool room = true; room && sent < 100'000;) {
    OwnedFd copy(::dup(traveller.travels.get()));
    const Passage passage{copy.get(), static_cast<uint32_t>(sent)};
    room = here_.Send({&passage, 1});
    EXPECT_EQ(IsOpen(copy.get()), !room);
    if (room) {
      copy.Release();
      ++sent;
    }
  }
  ASSERT_GT(sent, 10u);
  ASSERT_LT(sent, 100'000u);
  std::array<Passage, kPassagesMax> in;
  uint32_t expected = 0;
  for (size_t count; (count = there_.Receive(absl::MakeSpan(in))) > 0;) {
    for (const Passage& passage : absl::MakeSpan(in).first(count)) {
      EXPECT_EQ(passage.token, expected++);
      const OwnedFd arrived(passage.fd);
      EXPECT_TRUE(IsOpen(arrived.get()));
    }
  }
  EXPECT_EQ(expected, sent);
  const Passage again{::dup(traveller.travels.get()), 1};
  EXPECT_TRUE(here_.Send({&again, 1}));
}

// EMFILE on arrival: the tokens come, the descriptors that found no place are closed by the kernel.
TEST_F(DescriptorRoadTest, WithoutRoomOnArrivalTheTokensStillCome) {
  std::vector<Traveller> travellers(8);
  std::vector<Passage> out;
  for (uint32_t i = 0; i < travellers.size(); ++i) {
    out.push_back({travellers[i].travels.Release(), i});
  }
  for (const uint32_t room : {1u, 0u}) {
    ASSERT_TRUE(here_.Send({out.data() + (room == 1 ? 0 : 4), 4}));
    std::array<Passage, kPassagesMax> in;
    size_t count;
    {
      const DescriptorShortage shortage(room);
      count = there_.Receive(absl::MakeSpan(in));
    }
    ASSERT_EQ(count, 4u);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t number = (room == 1 ? 0 : 4) + i;
      EXPECT_EQ(in[i].token, number);
      EXPECT_EQ(in[i].fd >= 0, i < room);
      const OwnedFd arrived(in[i].fd);
      const int stays = travellers[number].stays.get();
      if (arrived.get() >= 0) {
        testing::SendAll(arrived.get(), "x");
        EXPECT_EQ(ReceiveAll(stays, 1), "x");
      } else {
        EXPECT_TRUE(testing::Ends(stays));
      }
    }
  }
}

TEST_F(DescriptorRoadTest, BetweenEachTwoThereIsOneRoad) {
  constexpr uint32_t kCount = 4;
  auto roads = DescriptorRoad::OpenAll(kCount);
  ASSERT_TRUE(roads.ok());
  for (uint32_t from = 0; from < kCount; ++from) {
    EXPECT_FALSE((*roads)[from][from].open());
    for (uint32_t to = 0; to < kCount; ++to) {
      if (from == to) continue;
      Traveller traveller;
      const Passage passage{traveller.travels.Release(), from * kCount + to};
      ASSERT_TRUE((*roads)[from][to].Send({&passage, 1}));
      std::array<Passage, kPassagesMax> in;
      ASSERT_EQ((*roads)[to][from].Receive(absl::MakeSpan(in)), 1u);
      const OwnedFd arrived(in[0].fd);
      EXPECT_EQ(in[0].token, passage.token);
    }
  }
}

TEST_F(DescriptorRoadTest, AnEmptySendIsNothing) {
  EXPECT_TRUE(here_.Send({}));
  std::array<Passage, kPassagesMax> in;
  EXPECT_EQ(there_.Receive(absl::MakeSpan(in)), 0u);
}

TEST_F(DescriptorRoadTest, WhenTheOtherEndHasGoneSendingIsRefused) {
  there_ = DescriptorRoad();
  const Traveller traveller;
  const Passage passage{traveller.travels.get(), 1};
  EXPECT_FALSE(here_.Send({&passage, 1}));
  EXPECT_TRUE(IsOpen(traveller.travels.get()));
}

}  // namespace
}  // namespace halley::io
