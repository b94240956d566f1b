#include "gateway/machine_memory.h"

#include "gtest/gtest.h"

namespace halley::gateway {
namespace {

TEST(MachineMemory, ReadsALimitOrNone) {
  EXPECT_EQ(ParseMemoryMax("536870912\n"), 536870912u);
  EXPECT_EQ(ParseMemoryMax("0"), 0u);
  EXPECT_EQ(ParseMemoryMax("18446744073709551615\n"), UINT64_MAX);
  for (const char* text : {"max\n", "", "\n", "-1", "18446744073709551616"}) {
    EXPECT_EQ(ParseMemoryMax(text), std::nullopt) << text;
  }
}

TEST(MachineMemory, FindsTheCgroupOfVersion2) {
  EXPECT_EQ(ParseCgroupPath("0::/user.slice/a b\n"), "/user.slice/a b");
  EXPECT_EQ(ParseCgroupPath("12:memory:/old\n0::/new"), "/new");
  EXPECT_EQ(ParseCgroupPath("0::/\n"), "/");
  EXPECT_EQ(ParseCgroupPath("12:memory:/old\n"), "");
  EXPECT_EQ(ParseCgroupPath(""), "");
}

TEST(MachineMemory, ThereIsSome) {
  EXPECT_GT(MachineMemoryBytes(), uint64_t{16} << 20);
}

}  // namespace
}  // namespace halley::gateway
