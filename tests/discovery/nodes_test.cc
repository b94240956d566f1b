#include "discovery/nodes.h"

#include <gtest/gtest.h>

namespace halley::discovery {
namespace {

TEST(Nodes, BeginsAnywhereAndGoesRound) {
  uint64_t drawn = 4;
  Nodes nodes({"a", "b", "c"}, [&] { return drawn; });
  EXPECT_EQ(nodes.current(), "b");
  nodes.Switch();
  EXPECT_EQ(nodes.current(), "c");
  nodes.Switch();
  EXPECT_EQ(nodes.current(), "a");
}

TEST(Nodes, WaitsLongerAfterEachFailureWithinBounds) {
  uint64_t drawn = 0;
  Nodes nodes({"a"}, [&] { return drawn; });
  for (const uint64_t wait_ms : {250, 500, 1000, 2000, 4000, 5000, 5000}) {
    EXPECT_EQ(nodes.Fail(), wait_ms);
  }
  drawn = 999;
  EXPECT_EQ(nodes.Fail(), 5000u + 4995u);
  nodes.Succeed();
  EXPECT_EQ(nodes.Fail(), 250u + 249u);
}

}  // namespace
}  // namespace halley::discovery
