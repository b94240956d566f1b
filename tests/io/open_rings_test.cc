#include "io/open_rings.h"

#include <cstdio>
#include <string>

#include "absl/strings/match.h"
#include "io/forbid_io_uring.h"
#include "io/loopback.h"

namespace halley::io {
namespace {

using testing::ForbidIoUring;
using testing::UringTest;

// Whether each ring is of the kind and wakes the next one.
bool AreConnected(const OpenedRings& opened, absl::string_view kind) {
  const auto count = static_cast<uint32_t>(opened.by_shard.size());
  for (const auto& ring : opened.by_shard) {
    if (!absl::StartsWith(ring->Describe(), kind) || !ring->Start().ok()) return false;
  }
  for (uint32_t shard = 0; shard < count; ++shard) {
    opened.by_shard[shard]->Wake((shard + 1) % count);
    opened.by_shard[shard]->Enter(0);
    const Completion woken = testing::Next(opened.by_shard[(shard + 1) % count].get());
    if (woken.tag.op != Op::kWake || woken.tag.slot != shard) return false;
  }
  return count > 0;
}

class OpenRingsTest : public UringTest {};

TEST_F(OpenRingsTest, PrefersIoUring) {
  for (const Engine engine : {Engine::kAuto, Engine::kUring}) {
    const auto opened = OpenRings(engine, 3);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->by_shard.size(), 3u);
    EXPECT_EQ(opened->why_not_uring, "");
    EXPECT_TRUE(AreConnected(*opened, "io_uring on Linux"));
  }
}

TEST(OpenRings, EpollIsThereForTheAsking) {
  const auto opened = OpenRings(Engine::kEpoll, 3);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->by_shard.size(), 3u);
  EXPECT_EQ(opened->why_not_uring, "");
  EXPECT_TRUE(AreConnected(*opened, "epoll on Linux"));
}

// Exits with 0 when `engine` came to be epoll, as it must, and with 78 when it was refused.
void OpenAndExit(Engine engine) {
  const auto opened = OpenRings(engine, 2);
  const std::string why = opened.ok() ? opened->why_not_uring : opened.status().ToString();
  std::fprintf(stderr, "why: %s\n", why.c_str());
  if (!opened.ok()) ::_exit(78);
  ::_exit(AreConnected(*opened, "epoll on Linux") ? 0 : 1);
}

TEST(OpenRingsDeathTest, WhereIoUringIsForbiddenAutoSaysWhyAndUsesEpoll) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  for (const int error : {EPERM, ENOSYS}) {
    const uint32_t refuse = SECCOMP_RET_ERRNO | static_cast<uint32_t>(error);
    EXPECT_EXIT({ ForbidIoUring(refuse); OpenAndExit(Engine::kAuto); },
                ::testing::ExitedWithCode(0),
                "why: io_uring is (refused by a seccomp filter|switched off|reserved)");
    EXPECT_EXIT({ ForbidIoUring(refuse); OpenAndExit(Engine::kUring); },
                ::testing::ExitedWithCode(78), "why: UNIMPLEMENTED: io_uring is ");
  }
}

TEST(OpenRingsDeathTest, EpollDoesNotTouchIoUring) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT({ ForbidIoUring(SECCOMP_RET_KILL_PROCESS); OpenAndExit(Engine::kEpoll); },
              ::testing::ExitedWithCode(0), "why: \n");
}

TEST(OpenRings, OutOfDescriptorsIsFatalForEither) {
  for (const Engine engine : {Engine::kAuto, Engine::kUring, Engine::kEpoll}) {
    const testing::DescriptorShortage shortage(1);
    const auto opened = OpenRings(engine, 8);
    EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition) << opened.status();
  }
}

}  // namespace
}  // namespace halley::io
