#include "config/file_list.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

TEST(FileList, SplitsAtCommas) {
  EXPECT_TRUE(ParseFileList("")->empty());
  EXPECT_TRUE(ParseFileList("  ")->empty());
  EXPECT_EQ(*ParseFileList("/etc/a b.pem"), std::vector<std::string>{"/etc/a b.pem"});
  EXPECT_EQ(*ParseFileList(" a.pem ,b.pem"), (std::vector<std::string>{"a.pem", "b.pem"}));
}

TEST(FileList, RefusesWhatNobodyMeans) {
  for (const char* bad : {",", "a,", ",a", "a,,b"}) {
    EXPECT_EQ(std::string(ParseFileList(bad).status().message()),
              absl::StrCat("'", bad, "' has an empty name: remove the comma too many"));
  }
}

TEST(FileList, HasALimit) {
  std::string list = "a";
  for (size_t i = 1; i < kFilesMax; ++i) list += ",a";
  EXPECT_EQ(ParseFileList(list)->size(), kFilesMax);
  EXPECT_EQ(std::string(ParseFileList(list + ",a").status().message()),
            "65 files are too many: name at most 64");
}

}  // namespace
}  // namespace halley::config
