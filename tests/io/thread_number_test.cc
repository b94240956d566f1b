#include "io/thread_number.h"

#include <set>
#include <thread>

#include "gtest/gtest.h"

namespace halley::io {
namespace {

TEST(ThreadNumber, IsAThreadsOwnAndNeverUsedAgain) {
  std::set<uint64_t> numbers{ThreadNumber()};
  EXPECT_EQ(numbers.count(ThreadNumber()), 1u);
  EXPECT_EQ(numbers.count(0), 0u);
  for (int i = 0; i < 20; ++i) {
    uint64_t number = 0;
    std::thread([&] { number = ThreadNumber(); }).join();
    EXPECT_TRUE(numbers.insert(number).second) << number;
  }
}

}  // namespace
}  // namespace halley::io
