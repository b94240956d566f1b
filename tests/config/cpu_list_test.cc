#include "config/cpu_list.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace halley::config {
namespace {

using Cpus = std::vector<uint32_t>;

TEST(CpuList, ReadsNumbersAndSpansInTheirOrder) {
  EXPECT_EQ(*ParseCpuList("0-3,8"), (Cpus{0, 1, 2, 3, 8}));
  EXPECT_EQ(*ParseCpuList("8, 0-1"), (Cpus{8, 0, 1}));
  EXPECT_EQ(*ParseCpuList("5-5"), (Cpus{5}));
  EXPECT_EQ(*ParseCpuList(""), Cpus());
}

TEST(CpuList, HasALimit) {
  EXPECT_EQ(*ParseCpuList("1023"), (Cpus{1023}));
  EXPECT_EQ(ParseCpuList("0-1023")->size(), kCpusMax);
  EXPECT_FALSE(ParseCpuList("1024").ok());
  EXPECT_FALSE(ParseCpuList("0-1024").ok());
}

TEST(CpuList, RefusesWhatIsNone) {
  for (const char* text : {"a", "-", "1-", "-1", "3-1", "1,,2", "1,", "1-2-3", "+1", "1 2", "0x1",
                           "99999999999999999999", "00000"}) {
    EXPECT_FALSE(ParseCpuList(text).ok()) << text;
  }
  EXPECT_EQ(ParseCpuList("all").status().message(),
            "'all' is no CPU list: write numbers from 0 to 1023 like 0-3,8");
}

TEST(CpuList, RefusesACpuNamedTwice) {
  EXPECT_EQ(ParseCpuList("0-3,2").status().message(),
            "CPU 2 is named twice in '0-3,2': name it once");
}

}  // namespace
}  // namespace halley::config
