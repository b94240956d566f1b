#include "client/codec.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace halley::client {
namespace {

namespace v1 = push::v1;

v1::Reply Parse(const std::string& text) {
  v1::Reply reply;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &reply));
  return reply;
}

TEST(ClientCodec, NamesCodesAsAbslDoes) {
  EXPECT_TRUE(StatusOf(Parse("id: 1")).ok());
  const absl::Status invalid = StatusOf(Parse("code: CODE_INVALID_ARGUMENT error: 'why'"));
  EXPECT_EQ(invalid.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(invalid.message(), "why");
  EXPECT_EQ(StatusOf(Parse("code: CODE_UNIMPLEMENTED")).code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(StatusOf(Parse("code: CODE_UNAUTHENTICATED")).code(),
            absl::StatusCode::kUnauthenticated);
}

TEST(ClientCodec, ReadsACodeOfTheFutureAsUnknown) {
  v1::Reply reply;
  reply.set_code(static_cast<v1::Code>(1234));
  reply.set_error("later");
  EXPECT_EQ(StatusOf(reply).code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(StatusOf(reply).message(), "later");
}

TEST(ClientCodec, DecodesReports) {
  v1::Reply reply = Parse(
      "push { taken: 5 refused { index: 1 why: REFUSAL_OFFLINE }"
      " refused { index: 2 why: REFUSAL_NOT_WATCHING } refused { index: 3 why: REFUSAL_QUEUE_FULL }"
      " sequence: 8 sequence: 9 }");
  v1::Refused* later = reply.mutable_push()->add_refused();
  later->set_index(4);
  later->set_why(static_cast<v1::Refusal>(77));
  PushReport report;
  Decode(reply, &report);
  EXPECT_EQ(report.taken, 5u);
  ASSERT_EQ(report.refused.size(), 4u);
  const PushRefusal expected[] = {PushRefusal::kOffline, PushRefusal::kNotWatching,
                                  PushRefusal::kQueueFull, PushRefusal::kOther};
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(report.refused[i].index, i + 1);
    EXPECT_EQ(report.refused[i].why, expected[i]);
  }
  EXPECT_EQ(report.sequence, std::vector<uint64_t>({8, 9}));
}

TEST(ClientCodec, DecodesRoomsAndOnline) {
  RoomList rooms;
  Decode(Parse("rooms { rooms { room: 'a\\xff' members: 3 } total: 20 }"), &rooms);
  ASSERT_EQ(rooms.rooms.size(), 1u);
  EXPECT_EQ(rooms.rooms[0].room, "a\xff");
  EXPECT_EQ(rooms.rooms[0].members, 3u);
  EXPECT_EQ(rooms.total, 20u);
  std::vector<uint32_t> online;
  Decode(Parse("online { online: 0 online: 4 }"), &online);
  EXPECT_EQ(online, std::vector<uint32_t>({0, 4}));
}

TEST(ClientCodec, DecodesEveryFigureOfAShard) {
  NodeFigures node;
  Decode(Parse("status { shards { shard: 1 connections: 2 channels: 3 rooms: 4 push_connections: 5"
               " accepted: 6 logins: 7 moved_in: 8 moved_out: 9 accept_errors: 10"
               " stale_completions: 11 bytes_received: 12 turns: 13 cpu_ns: 14 buffer_bytes: 15"
               " accounting { pushed: 21 appended: 22 expected: 23 delivered: 24"
               " skipped { name: 'overflow' count: 25 } pending: 26 refused: 27 filtered: 28"
               " log_bytes: 29 queue_bytes: 30 }"
               " closed { name: 'kicked' count: 31 }"
               " refused_logins { name: 'expired' count: 41 }"
               " ring { enters: 41 submissions: 42 sends: 43 send_exceptions: 44 completions: 45"
               " cq_overflows: 46 description: 'ring' tls_handshakes: 47 tls_resumed: 48"
               " tls_failures: 49 held_bytes: 50 sent_bytes: 51 }"
               " push { requests: 51 invalid: 52 unauthorized: 53 refused: 54 } } }"),
         &node);
  ASSERT_EQ(node.shards.size(), 1u);
  const ShardFigures& s = node.shards[0];
  EXPECT_EQ(s.shard, 1u);
  const DeliveryFigures& d = s.deliveries;
  const RingFigures& r = s.ring;
  const uint64_t in_order[] = {s.connections, s.channels, s.rooms, s.push_connections, s.accepted,
                               s.logins, s.moved_in, s.moved_out, s.accept_errors,
                               s.stale_completions, s.bytes_received, s.turns, s.cpu_ns,
                               s.buffer_bytes};
  for (uint64_t i = 0; i < std::size(in_order); ++i) EXPECT_EQ(in_order[i], i + 2);
  ASSERT_EQ(d.skipped.size(), 1u);
  EXPECT_EQ(d.skipped[0].name, "overflow");
  const uint64_t deliveries[] = {d.pushed, d.appended, d.expected, d.delivered, d.skipped[0].count,
                                 d.pending, d.refused, d.filtered, d.log_bytes, d.queue_bytes};
  for (uint64_t i = 0; i < std::size(deliveries); ++i) EXPECT_EQ(deliveries[i], i + 21);
  ASSERT_EQ(s.closed.size(), 1u);
  EXPECT_EQ(s.closed[0].name, "kicked");
  EXPECT_EQ(s.closed[0].count, 31u);
  ASSERT_EQ(s.refused_logins.size(), 1u);
  EXPECT_EQ(s.refused_logins[0].name, "expired");
  EXPECT_EQ(s.refused_logins[0].count, 41u);
  const uint64_t ring[] = {r.enters, r.submissions, r.sends, r.send_exceptions, r.completions,
                           r.cq_overflows, r.tls_handshakes, r.tls_resumed, r.tls_failures,
                           r.held_bytes, r.sent_bytes};
  for (uint64_t i = 0; i < std::size(ring); ++i) EXPECT_EQ(ring[i], i + 41);
  EXPECT_EQ(r.description, "ring");
  EXPECT_EQ(s.push_requests, 51u);
  EXPECT_EQ(s.push_invalid, 52u);
  EXPECT_EQ(s.push_unauthorized, 53u);
  EXPECT_EQ(s.push_refused, 54u);
}

}  // namespace
}  // namespace halley::client
