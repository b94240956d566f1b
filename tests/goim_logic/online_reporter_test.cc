#include "goim_logic/online_reporter.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "goim_logic/stand_in_logic.h"
#include "gtest/gtest.h"

namespace halley::goim_logic {
namespace {

using testing::StandInLogic;

// Until it is so, or a minute is over.
template <typename Condition>
bool Eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

OnlineReporterSetup SetupFor(std::vector<std::string> addresses,
                             std::function<absl::StatusOr<RoomList>()> rooms) {
  OnlineReporterSetup setup;
  setup.server = "node-1";
  setup.addresses = [addresses = std::move(addresses)] { return addresses; };
  setup.rooms = std::move(rooms);
  setup.every = setup.again = std::chrono::milliseconds(5);
  return setup;
}

TEST(OnlineReporter, TellsWhatCanBeSaid) {
  StandInLogic logic;
  {
    OnlineReporter reporter(SetupFor({logic.address()}, [] {
      return RoomList{{{"live://1", 3}, {"live://2", uint64_t{1} << 40}, {"\xff", 1}}, 3};
    }));
    EXPECT_TRUE(Eventually([&] { return logic.reports().size() >= 2; }));
    reporter.Stop();
    EXPECT_GE(reporter.figures().told.load(), 1u);
    EXPECT_GE(reporter.figures().rooms_left_out.load(), 2u);
    EXPECT_EQ(reporter.figures().no_rooms.load(), 0u);
  }
  const goim::logic::OnlineReq report = logic.reports().front();
  EXPECT_EQ(report.server(), "node-1");
  EXPECT_EQ(report.roomcount_size(), 2);
  EXPECT_EQ(report.roomcount().at("live://1"), 3);
  EXPECT_EQ(report.roomcount().at("live://2"), INT32_MAX);
}

// Their names come back in the answer, which is longer than that to a login may be.
TEST(OnlineReporter, TellsOfAHundredThousandRooms) {
  constexpr size_t kRooms = 100'000;
  StandInLogic logic;
  OnlineReporter reporter(SetupFor({logic.address()}, [] {
    RoomList list;
    for (size_t i = 0; i < kRooms; ++i) list.rooms.push_back({absl::StrCat("live://room-", i), 1});
    return list;
  }));
  EXPECT_TRUE(Eventually([&] { return reporter.figures().told.load() >= 1; }));
  reporter.Stop();
  EXPECT_EQ(reporter.figures().failed.load(), 0u);
  EXPECT_EQ(logic.reports().front().roomcount_size(), static_cast<int>(kRooms));
}

TEST(OnlineReporter, ANodeWithoutRoomsTellsNothing) {
  StandInLogic logic;
  std::atomic<int> asked{0};
  {
    OnlineReporter reporter(SetupFor({logic.address()}, [&] {
      ++asked;
      return RoomList{};
    }));
    EXPECT_TRUE(Eventually([&] { return asked.load() >= 5; }));
    reporter.Stop();
    EXPECT_EQ(reporter.figures().no_rooms.load(), static_cast<uint64_t>(asked.load()));
    EXPECT_EQ(reporter.figures().failed.load(), 0u);
  }
  EXPECT_TRUE(logic.reports().empty());
}

TEST(OnlineReporter, ANodeThatCannotSayIsAskedAgain) {
  StandInLogic logic;
  std::atomic<int> asked{0};
  OnlineReporter reporter(SetupFor({logic.address()}, [&]() -> absl::StatusOr<RoomList> {
    if (++asked < 3) return absl::UnavailableError("not now");
    return RoomList{{{"live://1", 1}}, 1};
  }));
  EXPECT_TRUE(Eventually([&] { return !logic.reports().empty(); }));
  reporter.Stop();
  // The two, and perhaps the one that was given up.
  EXPECT_GE(reporter.figures().failed.load(), 2u);
  EXPECT_LE(reporter.figures().failed.load(), 3u);
}

TEST(OnlineReporter, OneOfTheOthersIsToldWhenOneIsDead) {
  StandInLogic logic;
  std::string dead;
  { dead = StandInLogic().address(); }
  OnlineReporter reporter(
      SetupFor({dead, logic.address()}, [] { return RoomList{{{"live://1", 1}}, 1}; }));
  EXPECT_TRUE(Eventually([&] { return !logic.reports().empty(); }));
}

}  // namespace
}  // namespace halley::goim_logic
