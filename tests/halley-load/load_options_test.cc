// halley-load's command line, the plan that follows from it, and its verdict.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "halley-load/options.h"
#include "halley-load/plan.h"
#include "halley-load/report.h"

namespace halley::load {
namespace {

absl::Status Parse(std::vector<const char*> args, LoadOptions* options) {
  return ParseOptions(args, options);
}
bool Good(std::vector<const char*> args) {
  LoadOptions options;
  return Parse(std::move(args), &options).ok();
}

TEST(LoadOptions, ValuesInBothSpellings) {
  LoadOptions options;
  ASSERT_TRUE(Parse({"--tcp=127.0.0.1:3101", "--clients", "5", "--push", "127.0.0.1:3108", "--cpus",
                     "1,3-4", "--to=mid", "--spin"},
                    &options)
                  .ok());
  EXPECT_EQ(options.transport, Transport::kTcp);
  EXPECT_EQ(options.clients, 5u);
  EXPECT_EQ(options.to, To::kMid);
  EXPECT_EQ(options.cpus, (std::vector<uint32_t>{1, 3, 4}));
  EXPECT_TRUE(options.spin);
  EXPECT_EQ(options.window, 1u) << "one at a time unless told otherwise";
  EXPECT_EQ(options.seconds, 10u);
  EXPECT_EQ(options.mids, 5u);
  EXPECT_EQ(options.accepts, (std::vector<int32_t>{1000}));
}

TEST(LoadOptions, BoundsAreInclusive) {
  const auto with = [](const char* name, const char* value) {
    return Good({"--ws", "h:1", "--push", "h:2", name, value});
  };
  EXPECT_TRUE(with("--size", "44"));
  EXPECT_FALSE(with("--size", "43")) << "no room for what is checked by";
  EXPECT_TRUE(with("--size", "1048576"));
  EXPECT_FALSE(with("--size", "1048577"));
  EXPECT_TRUE(with("--stalled", "100"));
  EXPECT_FALSE(with("--stalled", "101"));
  EXPECT_TRUE(with("--window", "4096"));
  EXPECT_FALSE(with("--window", "4097"));
  EXPECT_TRUE(with("--op", "18"));
  EXPECT_FALSE(with("--op", "17")) << "goim's own";
  EXPECT_FALSE(with("--clients", "0"));
  EXPECT_FALSE(with("--clients", "-1"));
  EXPECT_FALSE(with("--clients", "5x"));
  EXPECT_FALSE(with("--key-prefix", "a\"b"));
}

TEST(LoadOptions, RefusesWhatCannotBeMeant) {
  EXPECT_FALSE(Good({"--ws", "h:1", "--push", "h:2", "--batch", "2"})) << "a batch of rooms";
  EXPECT_TRUE(Good({"--ws", "h:1", "--rooms", "2", "--hold", "1", "--room-changes", "1"}));
  EXPECT_FALSE(Good({"--ws", "h:1", "--rooms", "2", "--room-changes", "1"})) << "when?";
  EXPECT_FALSE(Good({"--ws", "h:1", "--hold", "1", "--room-changes", "1"})) << "where to?";
  EXPECT_FALSE(Good({"--ws", "h:1", "--push", "h:2", "--rooms", "2", "--hold", "1",
                     "--room-changes", "1"}))
      << "who is in which room?";
  EXPECT_FALSE(Good({"--clients", "5"})) << "no server";
  EXPECT_FALSE(Good({"--ws", "h:1", "--tcp", "h:1"})) << "two servers";
  EXPECT_FALSE(Good({"--ws", "h:1", "--nonsense", "1"}));
  EXPECT_FALSE(Good({"--ws", "h:1", "--json=1"})) << "a switch with a value";
  EXPECT_FALSE(Good({"--ws", "h:1", "--clients"})) << "no value";
  EXPECT_FALSE(Good({"ws"}));
  EXPECT_FALSE(Good({"--ws", "h:1", "--push", "h:2", "--bare", "h:3"}));
  EXPECT_FALSE(Good({"--ws", "h:1", "--push", "h:2", "--churn", "5"})) << "needs a rate";
  EXPECT_TRUE(Good({"--ws", "h:1", "--push", "h:2", "--churn", "5", "--rate", "9"}));
  EXPECT_FALSE(Good({"--ws", "h:1", "--push", "h:2", "--pushers", "4", "--window", "3"}));
  EXPECT_FALSE(Good({"--ws", "h:1", "--bare", "h:2", "--rooms", "2"}));
  EXPECT_FALSE(Good({"--ws", "h:1", "--push", "h:2", "--rooms", "0"})) << "to room, without rooms";
  EXPECT_TRUE(Good({"--help"}));
}

TEST(Plan, TargetsCoverEveryClientOnceWhateverIsPushedTo) {
  for (const To to : {To::kRoom, To::kAll, To::kKey, To::kMid}) {
    LoadOptions options;
    options.clients = 1000;
    options.rooms = 7;
    options.mids = 13;
    options.to = to;
    options.stalled = 10;
    const Plan plan(options, 42);
    uint64_t members = 0;
    for (uint32_t target = 0; target < plan.targets(); ++target) {
      members += plan.HealthyMembers(target);
    }
    uint64_t healthy = 0;
    std::set<std::string> keys;
    for (uint32_t client = 0; client < options.clients; ++client) {
      ASSERT_LT(plan.TargetOf(client), plan.targets());
      healthy += plan.Stalled(client) ? 0 : 1;
      keys.insert(plan.Key(client));
    }
    EXPECT_EQ(members, healthy);
    EXPECT_EQ(keys.size(), options.clients);
    EXPECT_NEAR(static_cast<double>(healthy), 900, 30) << "ten percent stand still";
  }
}

TEST(Plan, ABatchIsATargetOfItsOwnKeys) {
  LoadOptions options;
  ASSERT_TRUE(Parse({"--ws", "h:1", "--push", "h:2", "--clients", "10", "--to", "key", "--batch",
                     "4", "--key-prefix", "k"},
                    &options)
                  .ok());
  const Plan plan(options, 7);
  ASSERT_EQ(plan.targets(), 3u);
  EXPECT_EQ(plan.KeysOf(0), (std::vector<std::string>{"k0", "k1", "k2", "k3"}));
  EXPECT_EQ(plan.KeysOf(2), (std::vector<std::string>{"k8", "k9"}));
  EXPECT_EQ(plan.TargetOf(7), 1u);
  EXPECT_EQ(plan.HealthyMembers(2), 2u);
}

TEST(Plan, NumbersAreDensePerPusherAndTarget) {
  LoadOptions options;
  options.rooms = 2;
  options.pushers = 2;
  Plan plan(options, 42);
  EXPECT_EQ(plan.NextNumber(0, 1), 1u);
  EXPECT_EQ(plan.NextNumber(1, 1), 1u);
  EXPECT_EQ(plan.NextNumber(0, 1), 2u);
  std::vector<uint32_t> sent;
  plan.ReadSent(1, &sent);
  EXPECT_EQ(sent, (std::vector<uint32_t>{2, 1}));
  plan.ReadSent(0, &sent);
  EXPECT_EQ(sent, (std::vector<uint32_t>{0, 0}));
}

// A run of which everything is right.
struct GoodRun {
  GoodRun() {
    options.push_address = "h:1";
    report.healthy.received = 100;
    report.taken = 100;
  }
  size_t Failures() const { return Judge(options, report).size(); }

  LoadOptions options;
  RunReport report;
};

TEST(Judge, AGoodRunHasNoFailures) { EXPECT_EQ(GoodRun().Failures(), 0u); }

TEST(Judge, EachDifferenceIsAFailureOfItsOwn) {
  uint64_t RunReport::*const fields[] = {
      &RunReport::foreign,      &RunReport::bad_bytes, &RunReport::order_differs,
      &RunReport::disconnected, &RunReport::not_back,  &RunReport::push_failed};
  for (const auto field : fields) {
    GoodRun run;
    run.report.*field = 1;
    EXPECT_EQ(run.Failures(), 1u);
  }
  GoodRun lost;
  lost.report.healthy = {99, 1, 0, 0};
  EXPECT_EQ(lost.Failures(), 1u);
  GoodRun duplicate;
  duplicate.report.healthy.duplicates = 1;
  EXPECT_EQ(duplicate.Failures(), 1u);
  GoodRun reordered;
  reordered.report.healthy.reordered = 1;
  EXPECT_EQ(reordered.Failures(), 1u);
  GoodRun stuck;
  stuck.report.stuck = true;
  EXPECT_EQ(stuck.Failures(), 1u);
  GoodRun overstated;
  overstated.report.taken = 101;
  EXPECT_EQ(overstated.Failures(), 1u);
}

TEST(Judge, StalledClientsAreExcusedExactlyAsFarAsTheServerSays) {
  GoodRun run;
  run.report.stalled_clients = 1;
  run.report.stalled = {10, 5, 0, 0};
  run.report.server_skipped = 2;
  run.report.server_refused = 3;
  EXPECT_EQ(run.Failures(), 0u);
  run.report.server_refused = 2;
  EXPECT_EQ(run.Failures(), 1u);
  run.report.server_refused = 4;
  EXPECT_EQ(run.Failures(), 1u);
  run.report.disconnected_stalled = 1;
  EXPECT_EQ(run.Failures(), 0u) << "it may have given up what had arrived";
  run.report.server_refused = 2;
  EXPECT_EQ(run.Failures(), 1u);
}

TEST(Judge, WhoDoesNotPushDoesNotMindOthersMessages) {
  GoodRun run;
  run.options.push_address.clear();
  run.report.foreign = 3;
  run.report.taken = 0;
  EXPECT_EQ(run.Failures(), 0u);
}

TEST(Report, TellsTheFailuresInBothForms) {
  GoodRun run;
  run.report.push_failed = 1;
  run.report.push_error = "it said \"no\"";
  const std::vector<std::string> failures = Judge(run.options, run.report);
  EXPECT_NE(TextReport(run.options, run.report, failures).find("FAILED"), std::string::npos);
  const std::string json = JsonReport(run.options, run.report, failures);
  EXPECT_NE(json.find("\"ok\": false"), std::string::npos);
  EXPECT_NE(json.find("it said \\\"no\\\""), std::string::npos);
  EXPECT_NE(json.find("\"expected\": 100"), std::string::npos);
}

}  // namespace
}  // namespace halley::load
