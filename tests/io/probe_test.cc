#include "io/probe.h"

#include <time.h>

#include <algorithm>
#include <cstdio>

#include "io/forbid_io_uring.h"
#include "io/loopback.h"

namespace halley::io {
namespace {

using testing::ForbidIoUring;
using testing::ForbidRestrictions;
using testing::UringTest;

class ProbeTest : public UringTest {};

// Of this thread only, so that a busy machine does not count.
uint64_t CpuNs() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

TEST_F(ProbeTest, FindsTheFeaturesFastAndLeavesNothingBehind) {
  const int before = ::dup(0);
  ::close(before);
  const uint64_t start_ns = CpuNs();
  const absl::StatusOr<UringFeatures> features = ProbeUring();
  EXPECT_LT(CpuNs() - start_ns, 50'000'000u);
  ASSERT_TRUE(features.ok()) << features.status();
  EXPECT_TRUE(features->skip_success);
  EXPECT_TRUE(features->restricted);
  const int after = ::dup(0);
  ::close(after);
  EXPECT_EQ(after, before);
}

TEST(ProbeDeathTest, ASeccompFilterIsNamed) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  for (const int error : {EPERM, ENOSYS}) {
    EXPECT_EXIT(
        {
          ForbidIoUring(SECCOMP_RET_ERRNO | static_cast<uint32_t>(error));
          const absl::StatusOr<UringFeatures> features = ProbeUring();
          std::fprintf(stderr, "%s\n", features.status().ToString().c_str());
          ::_exit(78);
        },
        ::testing::ExitedWithCode(78),
        "UNIMPLEMENTED: io_uring is (refused by a seccomp filter|switched off|reserved)");
  }
}

// A filter, or a kernel, that knows nothing of restrictions costs nothing but them.
TEST(ProbeDeathTest, RingsThatCannotBeRestrictedServeAsWell) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  if (const auto ring = UringRing::Create({}); !ring.ok()) GTEST_SKIP() << ring.status().message();
  EXPECT_EXIT(
      {
        ForbidRestrictions(EINVAL);
        const absl::StatusOr<UringFeatures> features = ProbeUring();
        const auto ring = UringRing::Create({.features = features.value_or(UringFeatures{})});
        std::fprintf(stderr, "%s; restricted: %d; %s\n", features.status().ToString().c_str(),
                     features.ok() && features->restricted,
                     ring.ok() ? (*ring)->Describe().c_str() : "none");
        ::_exit(78);
      },
      ::testing::ExitedWithCode(78), "OK; restricted: 0; .*not restricted to the operations it uses");
}

TEST_F(ProbeTest, OutOfDescriptorsIsNamed) {
  absl::StatusOr<UringFeatures> features;
  {
    const testing::DescriptorShortage shortage(0);
    features = ProbeUring();
  }
  EXPECT_EQ(features.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(features.status().message().find("RLIMIT_NOFILE"), std::string::npos)
      << features.status();
}

TEST(DescriptorLimit, IsCheckedAtTheBoundary) {
  const DescriptorNeeds needs{.connections = 16000, .shards = 4, .listeners = 3};
  const uint64_t wanted = DescriptorsPerShard(needs);
  EXPECT_EQ(wanted, 4000u + 250u + 3u + 3u + 8u + 64u);
  EXPECT_TRUE(CheckDescriptorLimit(needs, wanted).ok());
  const absl::Status status = CheckDescriptorLimit(needs, wanted - 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("16000 connections on 4 shards"), std::string::npos) << status;
  EXPECT_NE(status.message().find("LimitNOFILE"), std::string::npos) << status;
}

// Before their tables part, all that shards use among themselves is in one.
TEST(DescriptorLimit, ShardsMayNeedMoreToStartThanToRun) {
  const DescriptorNeeds needs{.connections = 100, .shards = 100, .listeners = 3};
  const uint64_t wanted = DescriptorsToStart(needs);
  EXPECT_EQ(wanted, 300u + 200u + 64u + 9900u);
  EXPECT_TRUE(CheckDescriptorLimit(needs, wanted).ok());
  const absl::Status status = CheckDescriptorLimit(needs, wanted - 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("fewer shards"), std::string::npos) << status;
}

TEST(DescriptorLimit, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(256, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseDescriptorLimit(), before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace halley::io
