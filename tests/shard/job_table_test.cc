#include "shard/job_table.h"

#include <gtest/gtest.h>

#include <utility>

namespace halley::shard {
namespace {

base::Ref<SharedJob> MakeJob(JobKind kind, std::vector<std::string> names) {
  base::Ref<SharedJob> job(new SharedJob);
  job->job.kind = kind;
  job->job.names = std::move(names);
  return job;
}

JobPart PartOf(uint64_t taken, std::vector<Fate> fates) {
  JobPart part;
  part.taken = taken;
  part.fates = std::move(fates);
  return part;
}

TEST(JobTable, FinishesWhenEveryReportHasCome) {
  JobTable jobs;
  const uint32_t ticket = jobs.Open({1, 2}, 77, MakeJob(JobKind::kPushKeys, {"a", "b", "c"}));
  jobs.Expect(ticket, 2, 0);
  JobTable::Finished finished;
  jobs.AddPart(ticket, PartOf(1, {Fate::kTaken, Fate::kOffline, Fate::kOffline}));
  EXPECT_FALSE(jobs.TakeIfFinished(ticket, &finished));
  jobs.AddPart(ticket, PartOf(0, {Fate::kOffline, Fate::kQueueFull, Fate::kOffline}));
  ASSERT_TRUE(jobs.TakeIfFinished(ticket, &finished));
  EXPECT_EQ(finished.connection.slot, 1u);
  EXPECT_EQ(finished.pusher_ticket, 77u);
  EXPECT_EQ(finished.result.taken, 1u);
  ASSERT_EQ(finished.result.refused.size(), 2u);
  EXPECT_EQ(finished.result.refused[0].index, 1u);
  EXPECT_EQ(finished.result.refused[0].why, Refusal::kQueueFull);
  EXPECT_EQ(finished.result.refused[1].index, 2u);
  EXPECT_EQ(finished.result.refused[1].why, Refusal::kOffline);
  EXPECT_EQ(jobs.open(), 0u);
}

// Of what the shards say about one target the best counts.
TEST(JobTable, TakesTheBestFateOfAllShards) {
  for (const auto& [first, second] : {std::pair(Fate::kNotWatching, Fate::kOffline),
                                      std::pair(Fate::kOffline, Fate::kNotWatching)}) {
    JobTable jobs;
    base::Ref<SharedJob> job(new SharedJob);
    job->job.kind = JobKind::kPushMids;
    job->job.mids = {7};
    const uint32_t ticket = jobs.Open({}, 0, job);
    jobs.Expect(ticket, 2, 0);
    jobs.AddPart(ticket, PartOf(0, {first}));
    jobs.AddPart(ticket, PartOf(0, {second}));
    JobTable::Finished finished;
    ASSERT_TRUE(jobs.TakeIfFinished(ticket, &finished));
    EXPECT_EQ(finished.result.refused.at(0).why, Refusal::kNotWatching);
  }
}

// A shard's report may overtake the home's word that it was sent one.
TEST(JobTable, ARoomPushMayBeReportedBeforeItIsNumbered) {
  JobTable jobs;
  const uint32_t ticket = jobs.Open({}, 0, MakeJob(JobKind::kPushRooms, {"here", "nobody"}));
  jobs.Expect(ticket, 0, 2);
  JobTable::Finished finished;
  jobs.AddPart(ticket, PartOf(3, {}));
  EXPECT_FALSE(jobs.TakeIfFinished(ticket, &finished));
  jobs.AddNumber(ticket, 1, 0, 0);
  EXPECT_FALSE(jobs.TakeIfFinished(ticket, &finished));
  jobs.AddNumber(ticket, 0, 9, 2);
  EXPECT_FALSE(jobs.TakeIfFinished(ticket, &finished));
  jobs.AddPart(ticket, PartOf(4, {}));
  ASSERT_TRUE(jobs.TakeIfFinished(ticket, &finished));
  EXPECT_EQ(finished.result.taken, 7u);
  EXPECT_EQ(finished.result.sequence, (std::vector<uint64_t>{9, 0}));
  ASSERT_EQ(finished.result.refused.size(), 1u);
  EXPECT_EQ(finished.result.refused[0].index, 1u);
}

JobPart RoomsOf(const std::vector<std::string>& ids) {
  JobPart part;
  part.rooms.emplace_back();
  for (const std::string& id : ids) part.rooms[0].Add(id, 1);
  return part;
}

// Tallies of questions that every shard has reported of are worked at in the order in which that came about.
TEST(JobTable, AQuestionForRoomsIsFinishedWhenItsTallyIs) {
  JobTable jobs;
  const uint32_t first = jobs.Open({1, 2}, 70, MakeJob(JobKind::kRooms, {}));
  const uint32_t second = jobs.Open({3, 4}, 71, MakeJob(JobKind::kRooms, {}));
  for (const uint32_t ticket : {first, second}) jobs.Expect(ticket, 2, 0);
  JobTable::Finished finished;
  for (const uint32_t ticket : {first, second, second, first}) {
    jobs.AddPart(ticket, RoomsOf(ticket == first ? std::vector<std::string>{"a"} : std::vector<std::string>{"b", "c"}));
    EXPECT_FALSE(jobs.TakeIfFinished(ticket, &finished));
  }
  for (const uint32_t ticket : {second, first}) {
    const auto next = jobs.FirstTally();
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(next->ticket, ticket);
    EXPECT_EQ(next->connection.slot, ticket == first ? 1u : 3u);
    EXPECT_EQ(next->pusher_ticket, ticket == first ? 70u : 71u);
    while (!next->tally->done()) next->tally->Advance(100);
    ASSERT_TRUE(jobs.TakeIfFinished(ticket, &finished));
    EXPECT_EQ(finished.result.rooms_total, ticket == first ? 1u : 2u);
  }
  EXPECT_FALSE(jobs.tallying());
  EXPECT_EQ(jobs.open(), 0u);
}

TEST(JobTable, AnEntryIsGoneOnceItIsTaken) {
  JobTable jobs;
  const uint32_t ticket = jobs.Open({}, 0, MakeJob(JobKind::kPushAll, {}));
  JobTable::Finished finished;
  ASSERT_TRUE(jobs.TakeIfFinished(ticket, &finished));
  EXPECT_DEATH((void)jobs.TakeIfFinished(ticket, &finished), "open");
}

}  // namespace
}  // namespace halley::shard
