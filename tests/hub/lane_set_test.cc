#include "hub/lane_set.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "hub/lane_world.h"

namespace halley::hub {
namespace {

using wire::Encoding;

class LaneSetTest : public testing::Test {
 protected:
  Lane* Add(Encoding encoding) {
    auto lane = std::make_unique<Lane>(encoding, nullptr, world_.limits, world_.shared);
    Lane* const added = lane.get();
    lanes_.Add(std::move(lane));
    return added;
  }
  std::vector<Encoding> Order() const {
    std::vector<Encoding> order;
    for (const Lane& lane : lanes_) order.push_back(lane.encoding());
    return order;
  }

  LaneWorld world_;
  LaneSet lanes_;
};

TEST_F(LaneSetTest, EmptyIsAPointer) {
  static_assert(sizeof(LaneSet) == sizeof(void*));
  EXPECT_TRUE(lanes_.empty());
  EXPECT_EQ(lanes_.Find(Encoding::kGoimTcp), nullptr);
  EXPECT_EQ(Order(), std::vector<Encoding>());
}

// However they come and whichever goes.
TEST_F(LaneSetTest, TheOrderIsThatOfTheEncodings) {
  std::array<Encoding, 4> coming = {Encoding::kGoimTcp, Encoding::kGoimWebSocket,
                                    Encoding::kGoimWebSocketDeflate, Encoding::kJsonWebSocket};
  const std::vector<Encoding> sorted(coming.begin(), coming.end());
  do {
    for (const Encoding going : sorted) {
      std::vector<Lane*> added;
      for (const Encoding encoding : coming) added.push_back(Add(encoding));
      EXPECT_EQ(Order(), sorted);
      for (size_t i = 0; i < coming.size(); ++i) EXPECT_EQ(lanes_.Find(coming[i]), added[i]);

      lanes_.Remove(lanes_.Find(going));
      std::vector<Encoding> left = sorted;
      std::erase(left, going);
      EXPECT_EQ(Order(), left);
      EXPECT_EQ(lanes_.Find(going), nullptr);
      for (const Encoding encoding : left) lanes_.Remove(lanes_.Find(encoding));
      EXPECT_TRUE(lanes_.empty());
    }
  } while (std::next_permutation(coming.begin(), coming.end()));
}

}  // namespace
}  // namespace halley::hub
