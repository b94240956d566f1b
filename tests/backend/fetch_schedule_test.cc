#include "backend/fetch_schedule.h"

#include <gtest/gtest.h>

namespace halley::backend {
namespace {

constexpr uint64_t kRefreshMs = 300'000;
constexpr uint64_t kNow = 1'000'000;

FetchSchedule ScheduleFrom(uint64_t now_ms, bool good, uint64_t drawn = 500) {
  FetchSchedule schedule(kRefreshMs, [drawn] { return drawn; });
  schedule.Fetched(now_ms, good);
  return schedule;
}

TEST(FetchSchedule, ComesRoundATenthMoreOrLess) {
  const struct {
    uint64_t drawn;
    uint64_t wait_ms;
  } kRows[] = {{0, 270'000}, {500, 300'000}, {999, 329'700}};
  for (const auto& row : kRows) {
    FetchSchedule schedule = ScheduleFrom(kNow, true, row.drawn);
    EXPECT_FALSE(schedule.Due(kNow + row.wait_ms - 1));
    EXPECT_TRUE(schedule.Due(kNow + row.wait_ms));
  }
}

TEST(FetchSchedule, TriesAgainSoonAfterAFailure) {
  FetchSchedule schedule = ScheduleFrom(kNow, false);
  EXPECT_FALSE(schedule.Due(kNow + FetchSchedule::kRetryMs - 1));
  EXPECT_TRUE(schedule.Due(kNow + FetchSchedule::kRetryMs));
  FetchSchedule often(2'000, [] { return uint64_t{500}; });
  often.Fetched(kNow, false);
  EXPECT_TRUE(often.Due(kNow + 2'000)) << "no later than ever";
}

TEST(FetchSchedule, IsDueWhenAsked) {
  FetchSchedule schedule = ScheduleFrom(kNow, true);
  schedule.Ask();
  EXPECT_TRUE(schedule.Due(kNow));
  schedule.Fetched(kNow, true);
  EXPECT_FALSE(schedule.Due(kNow + 1));
}

// However many tokens name keys that are not there.
TEST(FetchSchedule, MissedKeysBringItForwardButSeldom) {
  FetchSchedule schedule(uint64_t{86'400'000}, [] { return uint64_t{500}; });
  schedule.Fetched(kNow, true);
  uint64_t fetches = 0;
  uint64_t last_ms = kNow;
  for (uint64_t now_ms = kNow + 250; now_ms <= kNow + 300'250; now_ms += 250) {
    schedule.MissKey();
    if (!schedule.Due(now_ms)) continue;
    EXPECT_EQ(now_ms - last_ms, fetches == 0 ? 250 : FetchSchedule::kEarlyApartMs);
    ++fetches;
    last_ms = now_ms;
    schedule.Fetched(now_ms, fetches % 2 == 0);
  }
  EXPECT_EQ(fetches, 11u);
}

TEST(FetchSchedule, AKeyThatIsMissedTooEarlyIsNotForgotten) {
  FetchSchedule schedule = ScheduleFrom(kNow, true);
  schedule.MissKey();
  ASSERT_TRUE(schedule.Due(kNow + 1));
  schedule.Fetched(kNow + 100, true);
  schedule.MissKey();
  EXPECT_FALSE(schedule.Due(kNow + 30'099));
  EXPECT_TRUE(schedule.Due(kNow + 30'100));
}

}  // namespace
}  // namespace halley::backend
