#include "base/segmented_vector.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace halley::base {
namespace {

using Vector = SegmentedVector<uint32_t, 8>;

void ExpectSame(const Vector& vector, const std::vector<uint32_t>& model) {
  ASSERT_EQ(vector.size(), model.size());
  ASSERT_EQ(vector.empty(), model.empty());
  for (size_t i = 0; i < model.size(); ++i) ASSERT_EQ(vector[i], model[i]) << i;
}

// What is held in reserve: nothing much when small, less than two segments when large.
void ExpectLittleReserve(const Vector& vector) {
  if (vector.capacity() > 8) {
    EXPECT_LT(vector.capacity(), vector.size() + 16);
  } else {
    EXPECT_LE(vector.capacity(), std::max<size_t>(4 * vector.size(), 2));
  }
}

TEST(SegmentedVector, BehavesLikeAVectorAtEverySize) {
  Vector vector;
  std::vector<uint32_t> model;
  for (uint32_t i = 0; i < 100; ++i) {
    vector.push_back(i * 7);
    model.push_back(i * 7);
    ExpectSame(vector, model);
    ExpectLittleReserve(vector);
  }
  while (!model.empty()) {
    vector.pop_back();
    model.pop_back();
    ExpectSame(vector, model);
    ExpectLittleReserve(vector);
  }
}

TEST(SegmentedVector, BehavesLikeAVectorInAnyOrderOfUse) {
  std::mt19937 random(4);
  Vector vector;
  std::vector<uint32_t> model;
  for (int step = 0; step < 20'000; ++step) {
    // Up and down again, many times over every edge.
    const bool grow = random() % 100 < (step / 500 % 2 == 0 ? 60u : 40u);
    if (grow) {
      vector.push_back(static_cast<uint32_t>(step));
      model.push_back(static_cast<uint32_t>(step));
    } else if (!model.empty()) {
      vector.pop_back();
      model.pop_back();
    }
    if (!model.empty()) {
      const size_t at = random() % model.size();
      vector[at] = model[at] = static_cast<uint32_t>(random());
    }
    if (step % 50 == 0) ExpectSame(vector, model);
  }
  ExpectSame(vector, model);
}

TEST(SegmentedVector, ARunIsWhatLiesSideBySide) {
  Vector vector;
  for (uint32_t i = 0; i < 20; ++i) vector.push_back(i);
  EXPECT_EQ(vector.Run(0, 20).size(), 8u);
  EXPECT_EQ(vector.Run(7, 10).size(), 1u);
  EXPECT_EQ(vector.Run(8, 3).size(), 3u);
  EXPECT_EQ(vector.Run(16, 4).size(), 4u);
  EXPECT_EQ(vector.Run(16, 4)[3], 19u);
  EXPECT_TRUE(vector.Run(20, 0).empty());
  Vector small;
  for (uint32_t i = 0; i < 5; ++i) small.push_back(i);
  EXPECT_EQ(small.Run(1, 4).size(), 4u);
}

TEST(SegmentedVector, GoingBackAndForthAtAnEdgeMovesNothing) {
  Vector vector;
  for (uint32_t i = 0; i < 17; ++i) vector.push_back(i);
  const uint32_t* const first = &vector[0];
  const size_t capacity = vector.capacity();
  for (int i = 0; i < 100; ++i) {
    vector.pop_back();
    vector.push_back(1);
  }
  EXPECT_EQ(vector.capacity(), capacity);
  EXPECT_EQ(&vector[0], first);
}

static_assert(sizeof(Vector) == 16);

}  // namespace
}  // namespace halley::base
