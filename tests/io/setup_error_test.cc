#include "io/setup_error.h"

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace halley::io {
namespace {

constexpr char kFiltered[] = "Name:\thalley\nSeccomp:\t2\nSeccomp_filters:\t1\n";
constexpr char kUnfiltered[] = "Name:\thalley\nSeccomp:\t0\nSeccomp_filters:\t0\n";

// The cause and the cure that belong to an error and what the system says of itself.
struct Case {
  int error;
  const char* io_uring_disabled;
  const char* process_status;
  const char* cause;
  const char* cure;
  bool only_io_uring = true;  // something else would do
};

TEST(SetupError, NamesTheCauseAndTheCureInOneSentence) {
  const Case cases[] = {
      {EPERM, "2\n", kUnfiltered, "io_uring_disabled = 2", "sysctl kernel.io_uring_disabled=0"},
      {EPERM, "1\n", kUnfiltered, "io_uring_disabled = 1", "kernel.io_uring_group"},
      {EPERM, "0\n", kFiltered, "seccomp filter", "--security-opt seccomp="},
      {ENOSYS, "0\n", kFiltered, "seccomp filter", "io_uring_setup"},
      {ENOSYS, "", kFiltered, "seccomp filter", "io_uring_setup"},
      {ENOSYS, "", kUnfiltered, "has no io_uring", "Linux 6.1"},
      {EPERM, "0\n", kUnfiltered, "security policy", "allow io_uring_setup"},
      {EACCES, "", "", "security policy", "allow io_uring_setup"},
      {EINVAL, "0\n", kUnfiltered, "5.10.0-test) is too old", "Linux 6.1"},
      {ENOMEM, "0\n", kUnfiltered, "memory", "RLIMIT_MEMLOCK"},
      {EMFILE, "0\n", kUnfiltered, "descriptors", "RLIMIT_NOFILE", false},
      {ENFILE, "0\n", kUnfiltered, "descriptors", "fs.file-max", false},
      {EIO, "0\n", kUnfiltered, "Input/output error", "io_uring_setup(2)"},
  };
  for (const Case& one : cases) {
    const absl::Status status = ExplainSetupError(
        one.error, {one.io_uring_disabled, one.process_status, "5.10.0-test"});
    EXPECT_EQ(status.code(), one.only_io_uring ? absl::StatusCode::kUnimplemented
                                               : absl::StatusCode::kFailedPrecondition)
        << status;
    EXPECT_TRUE(absl::StrContains(status.message(), one.cause)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), one.cure)) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "\n")) << status;
  }
}

TEST(SetupError, StatusLinesAreFoundByTheirWholeName) {
  EXPECT_EQ(StatusLine(kFiltered, "Seccomp"), "2");
  EXPECT_EQ(StatusLine(kFiltered, "Seccomp_filters"), "1");
  EXPECT_EQ(StatusLine(kFiltered, "Sec"), "");
  EXPECT_EQ(StatusLine("", "Seccomp"), "");
  EXPECT_EQ(StatusLine("Seccomp", "Seccomp"), "");
}

TEST(SetupError, TheSystemIsAsked) {
  const SetupEvidence evidence = GatherSetupEvidence();
  EXPECT_FALSE(evidence.kernel.empty());
  EXPECT_NE(StatusLine(evidence.process_status, "Seccomp"), "");
  EXPECT_EQ(ReadProcFile("/proc/this/is/not/there"), "");
}

}  // namespace
}  // namespace halley::io
