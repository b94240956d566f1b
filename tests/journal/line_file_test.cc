#include "journal/line_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>

#include "journal/temp_folder.h"

namespace halley::journal {
namespace {

LineFile OpenGood(const std::string& path) {
  absl::StatusOr<LineFile> file = LineFile::Open(path);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : LineFile();
}

TEST(LineFile, AddsToWhatIsThere) {
  const TempFolder folder;
  const std::string path = folder.File("log");
  int error = 0;
  EXPECT_EQ(OpenGood(path).Write("a\nb\n", &error), 2u);
  EXPECT_EQ(OpenGood(path).Write("c\n", &error), 1u);
  EXPECT_EQ(error, 0);
  EXPECT_EQ(TempFolder::Content(path), "a\nb\nc\n");
}

TEST(LineFile, AFullDiskIsToldOf) {
  LineFile file = OpenGood("/dev/full");
  int error = 0;
  EXPECT_EQ(file.Write("a\nb\n", &error), 0u);
  EXPECT_EQ(error, ENOSPC);
}

// RLIMIT_FSIZE is a disk that is full after so many bytes.
TEST(LineFile, WhatWasTornIsNotTakenForALine) {
  const TempFolder folder;
  const std::string path = folder.File("log");
  LineFile file = OpenGood(path);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 9;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  int error = 0;
  EXPECT_EQ(file.Write("first\nsecond\nthird\n", &error), 1u);
  EXPECT_EQ(error, EFBIG);
  EXPECT_EQ(file.Write("fourth\n", &error), 0u);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(file.Write("fifth\n", &error), 1u);
  EXPECT_EQ(error, 0);
  EXPECT_EQ(TempFolder::Content(path), "first\nsec\nfifth\n");
}

TEST(LineFile, CheckLeavesNothingBehind) {
  const TempFolder folder;
  const std::string path = folder.File("log");
  EXPECT_TRUE(LineFile::Check(path).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  OpenGood(path);
  EXPECT_TRUE(LineFile::Check(path).ok());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(LineFile, WhatCannotBeOpenedIsSaidInOneSentence) {
  const TempFolder folder;
  for (const std::string& path : {folder.File("no/log"), folder.File("."), folder.File("fifo")}) {
    if (path.ends_with("fifo")) {
      ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    }
    for (const absl::Status& status : {LineFile::Check(path), LineFile::Open(path).status()}) {
      EXPECT_FALSE(status.ok()) << path;
      EXPECT_NE(status.message().find("access_log.file: '" + path + "' cannot be opened"), absl::string_view::npos)
          << status;
    }
  }
}

}  // namespace
}  // namespace halley::journal
