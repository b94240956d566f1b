#include "config/toml_file.h"

#include <string>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/temp_file.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

TEST(TomlFile, IsAFlatListInTheOrderOfLines) {
  const TempFile file("top = 1\n[zebra]\nb = 'text'\na = 2\n\n[ant]\n  c = true\nd.e = 1\n");
  const auto settings = ReadTomlFile(file.path());
  ASSERT_TRUE(settings.ok()) << settings.status();
  std::string seen;
  for (const TomlSetting& each : *settings) {
    absl::StrAppend(&seen, each.section, ".", each.name, each.key_at.substr(file.path().size()),
                    each.value_at.substr(file.path().size()), " ");
  }
  EXPECT_EQ(seen,
            ".top:1:1:1:7 .zebra:2:2:2:1 zebra.b:3:1:3:5 zebra.a:4:1:4:5 .ant:6:2:6:1 "
            "ant.c:7:3:7:7 ant.d:8:1:8:1 ant.d.e:8:3:8:7 ");
  EXPECT_EQ(std::get<int64_t>((*settings)[0].value), 1);
  EXPECT_TRUE(std::get<TomlOther>((*settings)[1].value).is_table);
  EXPECT_EQ(std::get<std::string>((*settings)[2].value), "text");
  EXPECT_EQ(std::get<TomlOther>((*settings)[5].value).type, "a boolean");
  EXPECT_FALSE(std::get<TomlOther>((*settings)[5].value).is_table);
}

TEST(TomlFile, AnEmptyFileSetsNothing) {
  EXPECT_TRUE(ReadTomlFile(TempFile("").path())->empty());
  EXPECT_TRUE(ReadTomlFile(TempFile("# only a comment\n").path())->empty());
}

TEST(TomlFile, NamesTheTypeOfWhatNobodyTakes) {
  const std::pair<const char*, const char*> types[] = {
      {"a = 1.5", "a floating-point number"}, {"a = []", "an array"}, {"a = 1979-05-27", "a date"},
      {"a = 07:32:00", "a time"}, {"a = 1979-05-27T07:32:00Z", "a date and time"},
      {"a = {}", "a table"}};
  for (const auto& [text, type] : types) {
    const auto settings = ReadTomlFile(TempFile(text).path());
    ASSERT_TRUE(settings.ok()) << text;
    EXPECT_EQ(std::get<TomlOther>((*settings)[0].value).type, type);
  }
}

TEST(TomlFile, TellsWhereTheSyntaxIsWrong) {
  const TempFile file("[listen]\ntcp = \"x\n");
  const absl::Status status = ReadTomlFile(file.path()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_TRUE(absl::StartsWith(status.message(), absl::StrCat(file.path(), ":2:9: not valid TOML")))
      << status.message();
  EXPECT_TRUE(absl::EndsWith(status.message(), "correct the file at this place"));
}

// A secret without quotes is a syntax error; not even its beginning is told.
TEST(TomlFile, DoesNotRepeatWhatItCouldNotRead) {
  const std::string secrets[] = {"falcon42", "trustno1", "nobody", "infinity9", "hunter2", "12abc"};
  for (const std::string& secret : secrets) {
    const absl::Status status =
        ReadTomlFile(TempFile(absl::StrCat("[push]\nsecret = ", secret, "\n")).path()).status();
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(absl::StrContains(status.message(), secret.substr(0, 4))) << status.message();
  }
}

TEST(TomlFile, SurvivesDepthAndTruncation) {
  EXPECT_FALSE(ReadTomlFile(TempFile("a = " + std::string(100'000, '[')).path()).ok());
  const std::string whole = "[listen]\ntcp = \"127.0.0.1:1\" # x\n[room]\nlog_bytes = 65536\n";
  for (size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    const absl::Status status = ReadTomlFile(TempFile(whole.substr(0, bytes)).path()).status();
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << bytes;
  }
}

TEST(TomlFile, SurvivesEveryFlippedBit) {
  const std::string whole = "[listen]\ntcp = \"127.0.0.1:1\"\n[a]\nb = 65536\n";
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const absl::Status status = ReadTomlFile(TempFile(flipped).path()).status();
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << bit;
  }
}

TEST(TomlFile, HasALimit) {
  std::string largest(kTomlFileBytesMax, '\n');
  EXPECT_TRUE(ReadTomlFile(TempFile(largest).path()).ok());
  const TempFile larger(largest + "\n");
  const absl::Status status = ReadTomlFile(larger.path()).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), absl::StrCat("cannot read '", larger.path(),
                                           "': it is larger than 1048576 bytes"));
}

TEST(TomlFile, TellsWhyAFileCannotBeRead) {
  EXPECT_EQ(ReadTomlFile("/").status().message(), "cannot read '/': Is a directory");
  EXPECT_EQ(ReadTomlFile("no_such_file").status().message(),
            "cannot read 'no_such_file': No such file or directory");
}

}  // namespace
}  // namespace halley::config
