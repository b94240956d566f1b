#include "halleyctl/status_view.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::ctl {
namespace {

NodeFigures Node() {
  NodeFigures node;
  for (uint32_t i = 0; i < 2; ++i) {
    ShardFigures shard;
    shard.shard = i;
    shard.connections = 10 + i;
    shard.channels = 5;
    shard.cpu_ns = 2'500'000'000;
    shard.deliveries.expected = 100;
    shard.deliveries.delivered = 90;
    shard.deliveries.pending = 3;
    shard.deliveries.skipped = {{"overflow", 7}, {"closed", 0}};
    shard.deliveries.log_bytes = 1 << 20;
    shard.closed = {{"kicked", i}, {"replaced", 0}};
    shard.refused_logins = {{"expired", 2}, {"issuer", 0}};
    shard.dialects = {{"goim_tcp", 5}, {"sse", 0}};
    shard.push_time = {.counts = {0, 9, 0, 1, 0}, .sum_ns = 100'000};
    shard.ring.description = "a ring";
    node.shards.push_back(shard);
  }
  return node;
}

TEST(StatusText, SumsShardsAndShowsTheIdentity) {
  const std::string text = StatusText(Node());
  EXPECT_NE(text.find("21 connected, 10 logged in"), std::string::npos) << text;
  EXPECT_NE(text.find("200 expected = 180 delivered + 14 skipped (overflow 14) + 6 pending"),
            std::string::npos) << text;
  EXPECT_NE(text.find("they speak goim_tcp 10\n"), std::string::npos) << text;
  EXPECT_NE(text.find("sent after at most 8us (half of them), at most 32us (99 %)\n"),
            std::string::npos) << text;
  EXPECT_NE(text.find("2.0 MiB in logs"), std::string::npos) << text;
  EXPECT_NE(text.find("closed      kicked 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("tokens      expired 4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("ring: a ring\n"), std::string::npos) << text;
}

TEST(StatusText, ShowsANodeWithoutAnything) {
  EXPECT_NE(StatusText({}).find("closed      none so far"), std::string::npos);
  EXPECT_EQ(StatusText({}).find("tokens"), std::string::npos) << "no backend that knows causes";
  EXPECT_EQ(StatusText({}).find("sent after"), std::string::npos) << "nothing was sent";
}

TEST(StatusJson, HasTotalsAndShards) {
  const std::string json = StatusJson(Node());
  for (const char* part :
       {R"({"total":{"connections":21,"channels":10,"rooms":0,)", R"("expected":200,)",
        R"("ring_cq_overflows":0,"ring_held_bytes":0,"tls_handshakes":0,"tls_resumed":0,"tls_failures":0,"skipped":{"overflow":14,"closed":0},"closed":{"kicked":1,)",
        R"("replaced":0},"refused_logins":{"expired":4,"issuer":0},"dialects":{"goim_tcp":10,"sse":0},"turn_time":{"count":0,"sum_ns":0,"p50_ns":0,"p99_ns":0},)",
        R"("push_time":{"count":20,"sum_ns":200000,"p50_ns":8192,"p99_ns":32768}},"shards":[{"shard":0,"connections":10,)",
        R"({"shard":1,"connections":11,)", R"("ring":"a ring"}]})" "\n"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " is not in " << json;
  }
}

TEST(StatusJson, ShowsANodeWithoutAnything) {
  EXPECT_NE(StatusJson({}).find(R"("shards":[]})"), std::string::npos);
}

}  // namespace
}  // namespace halley::ctl
