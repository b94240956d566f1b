#include "config/render.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/load.h"
#include "config/table.h"
#include "config/temp_file.h"
#include "config/value.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

// Every option as text, to compare two Options as a whole.
std::string Whole(const Options& options) {
  std::string whole;
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.kind == Kind::kSecret) continue;
    absl::StrAppend(&whole, spec.Key(), "=", RenderValue(spec, options), "\n");
  }
  return whole;
}

std::string LoadedFrom(const std::string& toml) {
  const TempFile file(toml);
  const char* argv[] = {"halley", "--config", file.path().c_str()};
  const auto invocation = Load(3, argv);
  return invocation.ok() ? Whole(invocation->options) : invocation.status().ToString();
}

TEST(RenderToml, ChangesNothingAsItIs) {
  EXPECT_EQ(LoadedFrom(RenderToml()), Whole(Options()));
}

// Each setting uncommented says what is so anyway.
TEST(RenderToml, SaysTheDefaults) {
  std::string toml;
  size_t settings = 0;
  for (const std::string& line : Lines(RenderToml())) {
    const bool is_setting = line[0] == '#' && line[1] != ' ';
    settings += is_setting;
    absl::StrAppend(&toml, is_setting ? line.substr(1) : line, "\n");
  }
  EXPECT_EQ(settings, OptionTable().size());
  EXPECT_EQ(LoadedFrom(toml), Whole(Options()));
}

TEST(RenderHelp, IsAlignedAndNamesEveryFlag) {
  const std::string help = RenderHelp();
  for (const std::string& line : Lines(help)) EXPECT_LE(line.size(), 100u) << line;
  for (const std::string& flag : AllFlags()) {
    EXPECT_TRUE(absl::StrContains(help, absl::StrCat("  ", flag)) ||
                absl::StrContains(help, absl::StrCat(", ", flag, " ")))
        << flag;
  }
}

TEST(RenderMarkdownTable, HasOneRowOfSixCellsPerOption) {
  const std::vector<std::string> rows = Lines(RenderMarkdownTable());
  ASSERT_EQ(rows.size(), 2 + OptionTable().size() + CommandTable().size());
  for (const std::string& row : rows) {
    const std::vector<std::string> cells = absl::StrSplit(row, '|');
    EXPECT_EQ(cells.size(), 8u) << row;
  }
  EXPECT_EQ(rows[6], "| `listen.push` | `--push`, `--listen.push` | address:port | "
                     "`127.0.0.1:3108` | at most 16 addresses | where backends connect to push; "
                     "beyond loopback only with a secret; empty: nowhere |");
}

}  // namespace
}  // namespace halley::config
