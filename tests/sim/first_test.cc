#include <gtest/gtest.h>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

TEST(First, OneClientLogsInAndGetsARoomPush) {
  SimNode node(1, {});
  SimClient& client = node.Join({.key = "a", .room = "r"});
  ASSERT_TRUE(client.logged_in()) << node.core().failures();
  SimPusher& pusher = node.JoinPusher();
  const uint32_t push = pusher.PushRooms({"r"});
  EXPECT_TRUE(node.Settle());
  EXPECT_EQ(client.times_received(push), 1u);
  node.CheckDelivered();
  node.CheckSleeps();
  client.Leave();
  node.net().Leave(pusher.link());
  node.Settle();
  node.CheckEmpty();
  node.StopAndCheck();
  EXPECT_EQ(node.core().failures(), "");
}

}  // namespace
}  // namespace halley::sim
