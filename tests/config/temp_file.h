// TempFile: a file of a test's own, gone with the object.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "gtest/gtest.h"

namespace halley::config {

class TempFile {
 public:
  explicit TempFile(const std::string& content) {
    static int count = 0;
    path_ = absl::StrCat(::testing::TempDir(), "halley_config_", getpid(), "_", count++);
    Write(content);
  }
  ~TempFile() { std::remove(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  // In place of what it held.
  void Write(const std::string& content) {
    std::FILE* file = std::fopen(path_.c_str(), "we");
    HALLEY_ASSERT(file != nullptr);
    HALLEY_ASSERT(std::fwrite(content.data(), 1, content.size(), file) == content.size());
    HALLEY_ASSERT(std::fclose(file) == 0);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace halley::config
