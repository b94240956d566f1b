#include "shard/trace.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/networks.h"

namespace halley::shard {
namespace {

TraceTarget Key(std::string key) { return {.name = std::move(key)}; }
TraceTarget Mid(int64_t mid) { return {.kind = TraceKind::kMid, .mid = mid}; }
TraceTarget Ip(const std::string& ip) {
  return {.kind = TraceKind::kIp, .name = ip, .ip = base::ParseIp(ip).value()};
}

TEST(TraceTable, SixteenAreOnAtATime) {
  TraceTable table;
  for (int i = 0; i < 16; ++i) EXPECT_EQ(table.Begin(Mid(i + 1), 100), "");
  const std::string why = table.Begin(Mid(17), 100);
  EXPECT_NE(why.find("has 16 traces, which is as many as it may"), std::string::npos) << why;
  EXPECT_EQ(table.List().size(), 16u);
  std::set<uint32_t> places;
  for (const Trace& trace : table.List()) places.insert(trace.place);
  EXPECT_EQ(places.size(), 16u);
  // One that is on may begin again, and one that has ended leaves its place.
  EXPECT_EQ(table.Begin(Mid(16), 200), "");
  EXPECT_TRUE(table.End(Mid(3)));
  EXPECT_EQ(table.Begin(Mid(17), 100), "");
}

TEST(TraceTable, BeginningAgainMovesTheEndOnly) {
  TraceTable table;
  EXPECT_EQ(table.Begin(Key("a"), 100), "");
  const uint64_t id = table.List().front().id;
  EXPECT_EQ(table.Begin(Key("a"), 300), "");
  ASSERT_EQ(table.List().size(), 1u);
  EXPECT_EQ(table.List().front().id, id);
  EXPECT_EQ(table.List().front().end_ns, 300u);
  EXPECT_TRUE(table.End(Key("a")));
  EXPECT_EQ(table.Begin(Key("a"), 100), "");
  EXPECT_NE(table.List().front().id, id);
}

TEST(TraceTable, TargetsAreWhatTheyMean) {
  TraceTable table;
  EXPECT_EQ(table.Begin(Ip("10.0.0.1"), 100), "");
  EXPECT_TRUE(table.End(Ip("::ffff:10.0.0.1"))) << "the same address in another spelling";
  EXPECT_EQ(table.Begin(Key("7"), 100), "");
  EXPECT_FALSE(table.End(Mid(7)));
  EXPECT_FALSE(table.End(Key("8")));
  EXPECT_TRUE(table.End(Key("7")));
}

TEST(TraceTable, EachEndsOnceForOneCaller) {
  TraceTable table;
  EXPECT_EQ(table.Begin(Key("a"), 100), "");
  EXPECT_EQ(table.Begin(Key("b"), 200), "");
  EXPECT_TRUE(table.Expire(99).empty());
  const uint64_t number = table.number();
  ASSERT_EQ(table.Expire(100).size(), 1u);
  EXPECT_GT(table.number(), number);
  EXPECT_TRUE(table.Expire(150).empty());
  ASSERT_EQ(table.List().size(), 1u);
  EXPECT_EQ(table.List().front().target.name, "b");
}

// A key may hold anything, and must not make a line of its own.
TEST(Trace, ItsNameIsOnOneLine) {
  EXPECT_EQ(Described(Key("a\nb\x1b")), "key a\\nb\\x1b");
  EXPECT_EQ(Described(Mid(-5)), "mid -5");
  EXPECT_EQ(Described(Ip("2001:db8::1")), "ip 2001:db8::1");
}

}  // namespace
}  // namespace halley::shard
