#include "admin/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "admin/figures.h"

namespace halley::admin {
namespace {

NodeFigures TwoShards() {
  NodeFigures node;
  for (uint32_t i = 0; i < 2; ++i) {
    ShardFigures& shard = node.shards.emplace_back();
    shard.shard = i;
    shard.connections = 10 + i;
    shard.cpu_ns = 1'500'000'000;
    shard.memory_stage = i == 0 ? "plenty" : "skip_low";
    shard.closed = {{"kicked", 1 + i}, {"peer_closed", 5}};
    shard.deliveries.skipped = {{"overflow", 7}};
    shard.dialects = {{"goim_tcp", 4}, {"sse", 0}};
    shard.turn_time = {.counts = {5, 3, 0, 2}, .sum_ns = 1'000'000};
  }
  node.shards[1].refused_logins = {{"bad \"quote\"\\", 3}};
  return node;
}

std::map<std::string, double> Samples(const std::string& text) {
  std::map<std::string, double> samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    const size_t space = line.rfind(' ');
    EXPECT_TRUE(samples.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second)
        << "twice: " << line;
  }
  return samples;
}

TEST(Metrics, EachLineIsOfTheFormat) {
  const std::string text = RenderMetrics(TwoShards(), "1.2.3", true);
  const std::regex sample(R"re([a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9.e+-]+)re");
  const std::regex head(R"(# (HELP [a-z_]+ .+\.|TYPE [a-z_]+ (counter|gauge|histogram)))");
  ASSERT_TRUE(text.ends_with("\n"));
  std::istringstream lines(text);
  std::set<std::string> typed;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(std::regex_match(line, line.starts_with("#") ? head : sample)) << line;
    if (line.starts_with("# TYPE ")) {
      const std::string name = line.substr(7, line.rfind(' ') - 7);
      EXPECT_TRUE(typed.insert(name).second) << "typed twice: " << name;
      EXPECT_EQ(name.ends_with("_total"), line.ends_with("counter")) << line;
    }
  }
}

TEST(Metrics, FiguresPerShardAndReasonsSummed) {
  const auto samples = Samples(RenderMetrics(TwoShards(), "1.2.3", true));
  EXPECT_EQ(samples.at("halley_connections{shard=\"0\"}"), 10);
  EXPECT_EQ(samples.at("halley_connections{shard=\"1\"}"), 11);
  EXPECT_EQ(samples.at("halley_cpu_seconds_total{shard=\"0\"}"), 1.5);
  EXPECT_EQ(samples.at("halley_closed_total{reason=\"kicked\"}"), 3);
  EXPECT_EQ(samples.at("halley_skipped_total{reason=\"overflow\"}"), 14);
  EXPECT_EQ(samples.at("halley_refused_logins_total{cause=\"bad \\\"quote\\\"\\\\\"}"), 3);
  EXPECT_EQ(samples.at("halley_memory_stage{shard=\"0\"}"), 0);
  EXPECT_EQ(samples.at("halley_memory_stage{shard=\"1\"}"), 3);
  EXPECT_EQ(samples.at("halley_ready"), 1);
  EXPECT_EQ(Samples(RenderMetrics(TwoShards(), "1.2.3", false)).at("halley_ready"), 0);
}

// A client more, a room more or an hour more makes no series more.
TEST(Metrics, CardinalityIsThatOfShardsAndReasons) {
  NodeFigures busy = TwoShards();
  for (ShardFigures& shard : busy.shards) shard.connections = shard.rooms = 1'000'000;
  EXPECT_EQ(Samples(RenderMetrics(busy, "1", true)).size(),
            Samples(RenderMetrics(TwoShards(), "1", true)).size());
  EXPECT_EQ(Samples(RenderMetrics(TwoShards(), "1", true)).size(),
            2 * Figures().size() + /*closed*/ 2 + /*skipped*/ 1 + /*refused*/ 1 + /*stages*/ 2 +
                /*dialects*/ 2 + /*durations, sum and count*/ 2 * (4 + 2) + /*of pushes*/ 2 * 2 +
                /*info, ready, process*/ 4);
}

TEST(Metrics, AHistogramsBucketsHoldWhatTheSmallerOnesDo) {
  const auto samples = Samples(RenderMetrics(TwoShards(), "1.2.3", true));
  EXPECT_EQ(samples.at("halley_turn_seconds_bucket{shard=\"1\",le=\"4.096e-06\"}"), 5);
  EXPECT_EQ(samples.at("halley_turn_seconds_bucket{shard=\"1\",le=\"8.192e-06\"}"), 8);
  EXPECT_EQ(samples.at("halley_turn_seconds_bucket{shard=\"1\",le=\"1.6384e-05\"}"), 8);
  EXPECT_EQ(samples.at("halley_turn_seconds_bucket{shard=\"1\",le=\"+Inf\"}"), 10);
  EXPECT_EQ(samples.at("halley_turn_seconds_count{shard=\"1\"}"), 10);
  EXPECT_EQ(samples.at("halley_turn_seconds_sum{shard=\"1\"}"), 0.001);
  EXPECT_EQ(samples.at("halley_clients{dialect=\"goim_tcp\"}"), 8);
}

TEST(Metrics, TheRegistryIsThereWhereThereIsOne) {
  DiscoveryFigures discovery{.registered = true, .addresses = {"a:1", "b:1"}, .failures = {{"refused", 3}}};
  const auto samples = Samples(RenderMetrics(TwoShards(), "1", true, discovery));
  EXPECT_EQ(samples.at("halley_discovery_registered"), 1);
  EXPECT_EQ(samples.at("halley_discovery_addresses"), 2);
  EXPECT_EQ(samples.at("halley_discovery_failures_total{kind=\"refused\"}"), 3);
  EXPECT_FALSE(Samples(RenderMetrics(TwoShards(), "1", true)).contains("halley_discovery_registered"));
  EXPECT_NE(FiguresAsJson(TwoShards(), discovery)
                .find("],\"discovery\":{\"registered\":true,\"addresses\":[\"a:1\",\"b:1\"],"
                      "\"failures\":{\"refused\":3}}}"),
            std::string::npos);
  EXPECT_EQ(FiguresAsJson(TwoShards()).find("discovery"), std::string::npos);
}

TEST(Metrics, StatusHasEveryFigureOfEveryShard) {
  const std::string status = FiguresAsJson(TwoShards());
  const std::string one = status.substr(status.find("{\"shard\":1"));
  for (const Figure& figure : Figures()) {
    EXPECT_NE(one.find("\"" + std::string(figure.name) + "\":"), std::string::npos) << figure.name;
  }
  EXPECT_NE(one.find("\"connections\":11,"), std::string::npos) << one;
  EXPECT_NE(one.find("\"closed\":{\"kicked\":2,\"peer_closed\":5}"), std::string::npos) << one;
  EXPECT_NE(one.find("{\"bad \\\"quote\\\"\\\\\":3}"), std::string::npos) << one;
  EXPECT_NE(one.find("\"memory_stage\":\"skip_low\""), std::string::npos) << one;
}

}  // namespace
}  // namespace halley::admin
