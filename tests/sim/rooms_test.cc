// Questions for rooms: whoever asks, about however many, a push does not wait until they are answered.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

namespace v1 = push::v1;

// So many that an answer takes each shard that gathers it a dozen turns.
constexpr uint32_t kRooms = 3000;

using Counts = std::map<std::string, uint64_t>;

Counts CountsOf(const v1::RoomsResult& result) {
  Counts counts;
  for (const v1::RoomCount& room : result.rooms()) {
    EXPECT_TRUE(counts.emplace(room.room(), room.members()).second) << room.room() << " is there twice";
  }
  return counts;
}

std::string RoomNamed(uint32_t number) { return "live://" + std::to_string(number); }

class RoomsTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  RoomsTest() : node_(1, SetupOf()) {
    // Every tenth room has a second member, which is on another shard as often as not.
    for (uint32_t i = 0; i < kRooms; ++i) Enter(i);
    for (uint32_t i = 0; i < kRooms; i += 10) Enter(i);
    node_.Settle();
    asker_ = &node_.JoinPusher();
    pusher_ = &node_.JoinPusher();
  }

  static NodeSetup SetupOf() {
    NodeSetup setup;
    setup.shards = GetParam();
    setup.options.push.pipelined = 16;
    // What is sent is there soon: before a question that is under way is answered.
    setup.faults.network_delay_ns = 1000;
    return setup;
  }

  void Enter(uint32_t room) {
    const auto number = static_cast<uint32_t>(node_.clients().size());
    node_.NewClient({.key = "k" + std::to_string(number), .room = RoomNamed(room)}).Start(number % GetParam());
    ++expected_[RoomNamed(room)];
  }

  static v1::Request Question(v1::RoomOrder order, uint32_t limit, const std::string& prefix = "") {
    v1::Request request;
    request.mutable_rooms()->set_prefix(prefix);
    request.mutable_rooms()->set_limit(limit);
    request.mutable_rooms()->set_order(order);
    return request;
  }
  // Asks, and returns when the shard has begun to work at it.
  uint64_t Ask(SimPusher* asker, const v1::Request& question) {
    const uint64_t read = Requests();
    const uint64_t id = asker->Call(question);
    EXPECT_TRUE(node_.world().Until(kSecond, [&] { return Requests() > read; }));
    return id;
  }
  uint64_t Requests() const { return node_.shard(0).Status().push_requests; }
  uint64_t Turns() const { return node_.shard(0).Status().turns; }
  const v1::RoomsResult& AnswerTo(SimPusher* asker, uint64_t id) {
    EXPECT_TRUE(node_.world().Until(kSecond, [&] { return asker->replies().contains(id); }));
    return asker->replies().at(id).rooms();
  }
  void ExpectFirst(const v1::RoomsResult& result, size_t limit) {
    EXPECT_EQ(result.total(), kRooms);
    ASSERT_EQ(static_cast<size_t>(result.rooms_size()), limit);
    auto room = expected_.begin();
    for (size_t i = 0; i < limit; ++i, ++room) {
      EXPECT_EQ(result.rooms(static_cast<int>(i)).room(), room->first);
      EXPECT_EQ(result.rooms(static_cast<int>(i)).members(), room->second);
    }
  }
  bool AnyWork() const {
    for (uint32_t i = 0; i < node_.shards(); ++i) {
      if (node_.shard(i).HasWork()) return true;
    }
    return false;
  }

  SimNode node_;
  Counts expected_;
  SimPusher* asker_ = nullptr;
  SimPusher* pusher_ = nullptr;
};

TEST_P(RoomsTest, APushIsNotBehindAQuestion) {
  const uint64_t begin = Turns();
  const uint64_t question = Ask(asker_, Question(v1::ROOM_ORDER_NONE, 10'000));
  const uint32_t push = pusher_->PushRooms({RoomNamed(7)});
  ASSERT_TRUE(node_.world().Until(kSecond, [&] { return pusher_->pushes_replied() > 0; }));
  EXPECT_FALSE(asker_->replies().contains(question));
  const uint64_t push_turns = Turns() - begin;
  ASSERT_TRUE(node_.world().Until(kSecond, [&] { return node_.clients()[7]->times_received(push) > 0; }));
  EXPECT_FALSE(asker_->replies().contains(question));
  const v1::RoomsResult& answer = AnswerTo(asker_, question);
  EXPECT_GE(Turns() - begin, 8u);
  EXPECT_LT(push_turns, Turns() - begin);
  EXPECT_EQ(CountsOf(answer), expected_);
  EXPECT_EQ(answer.total(), kRooms);
  EXPECT_EQ(node_.core().failures(), "");
}

TEST_P(RoomsTest, SeveralAtATimeAreEachExact) {
  SimPusher& elsewhere = node_.JoinPusher(GetParam() - 1);
  const uint64_t all = asker_->Call(Question(v1::ROOM_ORDER_NONE, 10'000));
  const uint64_t by_name = asker_->Call(Question(v1::ROOM_ORDER_NAME, 2000));
  const uint64_t by_members = elsewhere.Call(Question(v1::ROOM_ORDER_MEMBERS, 400));
  const uint64_t some = elsewhere.Call(Question(v1::ROOM_ORDER_NONE, 10'000, "live://29"));
  EXPECT_EQ(CountsOf(AnswerTo(asker_, all)), expected_);
  ExpectFirst(AnswerTo(asker_, by_name), 2000);

  std::vector<std::pair<std::string, uint64_t>> most(expected_.begin(), expected_.end());
  std::stable_sort(most.begin(), most.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  most.resize(400);
  std::vector<std::pair<std::string, uint64_t>> listed;
  for (const v1::RoomCount& room : AnswerTo(&elsewhere, by_members).rooms()) {
    listed.emplace_back(room.room(), room.members());
  }
  EXPECT_EQ(listed, most);

  Counts with_prefix = expected_;
  std::erase_if(with_prefix, [](const auto& room) { return !room.first.starts_with("live://29"); });
  EXPECT_EQ(CountsOf(AnswerTo(&elsewhere, some)), with_prefix);
  EXPECT_EQ(AnswerTo(&elsewhere, some).total(), with_prefix.size());
  EXPECT_EQ(node_.core().failures(), "");
}

TEST_P(RoomsTest, WhoGoesWithoutTheAnswerLeavesNothingBehind) {
  for (const v1::RoomOrder order : {v1::ROOM_ORDER_NONE, v1::ROOM_ORDER_NAME}) {
    // In the midst of the survey, of the tally, and anywhere.
    for (const uint64_t turns : {0, 3, 7, 12}) {
      SimPusher& hasty = node_.JoinPusher();
      const uint64_t question = Ask(&hasty, Question(order, 10'000));
      const uint64_t begin = Turns();
      node_.world().Until(kSecond, [&] { return Turns() - begin >= turns; });
      EXPECT_TRUE(turns == 12 || !hasty.replies().contains(question));
      node_.net().Leave(hasty.link());
      EXPECT_TRUE(node_.Settle());
      EXPECT_FALSE(AnyWork());
    }
  }
  ExpectFirst(AnswerTo(asker_, asker_->Call(Question(v1::ROOM_ORDER_NAME, 100))), 100);
  node_.StopAndCheck();
  EXPECT_EQ(node_.core().failures(), "");
}

TEST_P(RoomsTest, RoomsMayComeAndGoMeanwhile) {
  const uint64_t question = Ask(asker_, Question(v1::ROOM_ORDER_NONE, 10'000));
  for (uint32_t i = 1; i < 100; i += 10) node_.clients()[i]->Leave();
  for (uint32_t i = 0; i < 10; ++i) Enter(kRooms + i);
  for (const auto& [room, members] : CountsOf(AnswerTo(asker_, question))) {
    EXPECT_EQ(members, expected_[room]) << room;
  }
  EXPECT_GE(AnswerTo(asker_, question).total(), kRooms - 10);
  EXPECT_LE(AnswerTo(asker_, question).total(), kRooms + 10);
  node_.Settle();
  EXPECT_EQ(AnswerTo(asker_, asker_->Call(Question(v1::ROOM_ORDER_NAME, 1))).total(), kRooms);
  EXPECT_EQ(node_.core().failures(), "");
}

INSTANTIATE_TEST_SUITE_P(Shards, RoomsTest, ::testing::Values(1, 3),
                         [](const auto& instance) { return std::to_string(instance.param) + "shards"; });

}  // namespace
}  // namespace halley::sim
