#include "push/codec.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/goim_frame.h"

namespace halley::push {
namespace {

using shard::JobKind;

constexpr uint32_t kBodyBytesMax = 100;

// The job of a request that must be good.
shard::Job JobOf(v1::Request request) {
  shard::Job job;
  const auto fault = DecodeJob(&request, {.body_bytes = kBodyBytesMax}, &job);
  EXPECT_FALSE(fault.has_value()) << fault->error;
  return job;
}

// The fault of one that must not be.
Fault FaultOf(v1::Request request) {
  shard::Job job;
  const auto fault = DecodeJob(&request, {.body_bytes = kBodyBytesMax}, &job);
  EXPECT_TRUE(fault.has_value());
  return fault.value_or(Fault{});
}

v1::Message MessageOf(int32_t op, std::string body, bool batch = false) {
  v1::Message message;
  message.set_op(op);
  message.set_body(std::move(body));
  message.set_batch(batch);
  return message;
}

v1::Request PushAll(v1::Message message) {
  v1::Request request;
  *request.mutable_push_all()->mutable_message() = std::move(message);
  return request;
}

std::string Frame(int32_t op, std::string_view body) {
  std::string frame(wire::kGoimHeaderBytes, '\0');
  wire::WriteGoimHeader(frame.data(), 1, op, 0, body.size());
  return frame.append(body);
}

TEST(PushCodec, AConfirmationHasALimit) {
  v1::Request request;
  *request.mutable_push_all()->mutable_message() = MessageOf(1000, "hi");
  request.mutable_push_all()->mutable_message()->set_confirm_ms(kConfirmMsMax);
  EXPECT_EQ(JobOf(request).confirm_ms, kConfirmMsMax);
  request.mutable_push_all()->mutable_message()->set_confirm_ms(kConfirmMsMax + 1);
  shard::Job job;
  const auto fault = DecodeJob(&request, {.body_bytes = 1000}, &job);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, v1::CODE_INVALID_ARGUMENT);
}

v1::Request TraceOf(const std::string& key, int64_t mid, const std::string& ip, uint32_t seconds = 0) {
  v1::Request request;
  v1::TraceTarget* const target = request.mutable_trace_begin()->mutable_target();
  target->set_key(key);
  target->set_mid(mid);
  target->set_ip(ip);
  request.mutable_trace_begin()->set_seconds(seconds);
  return request;
}

TEST(PushCodec, DecodesTraces) {
  const shard::Job key = JobOf(TraceOf("ann", 0, ""));
  EXPECT_EQ(key.kind, JobKind::kTraceBegin);
  EXPECT_EQ(key.trace.kind, shard::TraceKind::kKey);
  EXPECT_EQ(key.trace.name, "ann");
  EXPECT_EQ(key.trace_s, 300u);
  const shard::Job mid = JobOf(TraceOf("", -5, "", 3600));
  EXPECT_EQ(mid.trace.kind, shard::TraceKind::kMid);
  EXPECT_EQ(mid.trace.mid, -5);
  EXPECT_EQ(mid.trace_s, 3600u);
  const shard::Job ip = JobOf(TraceOf("", 0, "::ffff:10.0.0.1"));
  EXPECT_EQ(ip.trace, JobOf(TraceOf("", 0, "10.0.0.1")).trace);
  v1::Request end;
  end.mutable_trace_end()->mutable_target()->set_key("ann");
  EXPECT_EQ(JobOf(end).kind, JobKind::kTraceEnd);
  EXPECT_EQ(JobOf(end).trace.name, "ann");
  v1::Request list;
  list.mutable_traces();
  EXPECT_EQ(JobOf(list).kind, JobKind::kTraces);
}

TEST(PushCodec, ATraceIsOfOneThingAndNotForEver) {
  for (const v1::Request& request : {TraceOf("", 0, ""), TraceOf("a", 5, ""), TraceOf("a", 0, "10.0.0.1")}) {
    EXPECT_NE(FaultOf(request).error.find("name a key, a mid that is not 0, or an ip"), std::string::npos);
  }
  EXPECT_NE(FaultOf(TraceOf("", 0, "10.0.0.1:80")).error.find("no address"), std::string::npos);
  EXPECT_NE(FaultOf(TraceOf("a", 0, "", 3601)).error.find("above the limit of 3600"), std::string::npos);
  v1::Request end;
  end.mutable_trace_end();
  EXPECT_EQ(FaultOf(end).code, v1::CODE_INVALID_ARGUMENT);
}

TEST(PushCodec, EncodesTraces) {
  shard::JobResult result;
  result.traced.error = "why";
  result.traced.traces = {{{.name = "ann"}, 5}, {{.kind = shard::TraceKind::kMid, .mid = 7}, 6}};
  v1::Reply reply;
  EncodeResult(JobKind::kTraces, result, &reply);
  EXPECT_EQ(reply.trace().error(), "why");
  ASSERT_EQ(reply.trace().traces_size(), 2);
  EXPECT_EQ(reply.trace().traces(0).target().key(), "ann");
  EXPECT_EQ(reply.trace().traces(0).seconds_left(), 5u);
  EXPECT_EQ(reply.trace().traces(1).target().mid(), 7);
}

TEST(PushCodec, DecodesPushesToKeys) {
  v1::Request request;
  request.mutable_push_keys()->add_keys("ann");
  request.mutable_push_keys()->add_keys(std::string("\xff\0", 2));
  *request.mutable_push_keys()->mutable_message() = MessageOf(-7, std::string("h\0i", 3));
  const shard::Job job = JobOf(std::move(request));
  EXPECT_EQ(job.kind, JobKind::kPushKeys);
  EXPECT_EQ(job.names, std::vector<std::string>({"ann", std::string("\xff\0", 2)}));
  EXPECT_TRUE(job.mids.empty());
  EXPECT_EQ(job.op, -7);
  EXPECT_EQ(job.body, std::string("h\0i", 3));
  EXPECT_FALSE(job.batch);
  EXPECT_EQ(job.pace, 0u);
}

TEST(PushCodec, DecodesPushesToMids) {
  v1::Request request;
  for (int64_t mid : {INT64_MIN, int64_t{-1}, int64_t{1}, INT64_MAX}) {
    request.mutable_push_mids()->add_mids(mid);
  }
  *request.mutable_push_mids()->mutable_message() = MessageOf(0, "");
  const shard::Job job = JobOf(std::move(request));
  EXPECT_EQ(job.kind, JobKind::kPushMids);
  EXPECT_EQ(job.mids, std::vector<int64_t>({INT64_MIN, -1, 1, INT64_MAX}));
}

TEST(PushCodec, DecodesPushesToRoomsAndAll) {
  v1::Request rooms;
  rooms.mutable_push_rooms()->add_rooms("live://1");
  rooms.mutable_push_rooms()->add_rooms("live://2");
  *rooms.mutable_push_rooms()->mutable_message() = MessageOf(1000, "hi");
  const shard::Job to_rooms = JobOf(std::move(rooms));
  EXPECT_EQ(to_rooms.kind, JobKind::kPushRooms);
  EXPECT_EQ(to_rooms.names, std::vector<std::string>({"live://1", "live://2"}));

  v1::Request all = PushAll(MessageOf(1000, "hi"));
  all.mutable_push_all()->set_pace(5000);
  const shard::Job to_all = JobOf(std::move(all));
  EXPECT_EQ(to_all.kind, JobKind::kPushAll);
  EXPECT_EQ(to_all.pace, 5000u);
}

TEST(PushCodec, DecodesKicksAndQueries) {
  v1::Request kick_keys;
  kick_keys.mutable_kick_keys()->add_keys("ann");
  EXPECT_EQ(JobOf(kick_keys).kind, JobKind::kKickKeys);
  EXPECT_EQ(JobOf(kick_keys).names, std::vector<std::string>({"ann"}));

  v1::Request kick_mids;
  kick_mids.mutable_kick_mids()->add_mids(5);
  EXPECT_EQ(JobOf(kick_mids).kind, JobKind::kKickMids);
  EXPECT_EQ(JobOf(kick_mids).mids, std::vector<int64_t>({5}));

  v1::Request online;
  online.mutable_online()->add_keys("ann");
  EXPECT_EQ(JobOf(online).kind, JobKind::kOnline);
  EXPECT_EQ(JobOf(online).names, std::vector<std::string>({"ann"}));

  v1::Request status;
  status.mutable_status();
  EXPECT_EQ(JobOf(status).kind, JobKind::kStatus);
}

TEST(PushCodec, BoundsTheRoomsListed) {
  v1::Request request;
  request.mutable_rooms()->set_prefix("live");
  EXPECT_EQ(JobOf(request).kind, JobKind::kRooms);
  EXPECT_EQ(JobOf(request).rooms.prefix, "live");
  EXPECT_EQ(JobOf(request).rooms.limit, kRoomsDefault);
  request.mutable_rooms()->set_limit(kRoomsMax);
  EXPECT_EQ(JobOf(request).rooms.limit, kRoomsMax);
  request.mutable_rooms()->set_limit(kRoomsMax + 1);
  EXPECT_EQ(FaultOf(request).code, v1::CODE_INVALID_ARGUMENT);
}

TEST(PushCodec, BoundsTheBody) {
  EXPECT_EQ(JobOf(PushAll(MessageOf(1, std::string(kBodyBytesMax, 'b')))).body.size(),
            kBodyBytesMax);
  const Fault fault = FaultOf(PushAll(MessageOf(1, std::string(kBodyBytesMax + 1, 'b'))));
  EXPECT_EQ(fault.code, v1::CODE_INVALID_ARGUMENT);
  EXPECT_EQ(fault.error,
            "the body has 101 bytes, above the limit of 100: send less or raise push.body_bytes");
}

TEST(PushCodec, RefusesCallsWithoutTargets) {
  std::vector<v1::Request> requests(6);
  *requests[0].mutable_push_keys()->mutable_message() = MessageOf(1, "");
  *requests[1].mutable_push_mids()->mutable_message() = MessageOf(1, "");
  *requests[2].mutable_push_rooms()->mutable_message() = MessageOf(1, "");
  requests[3].mutable_kick_keys();
  requests[4].mutable_kick_mids();
  requests[5].mutable_online();
  for (const v1::Request& request : requests) {
    EXPECT_EQ(FaultOf(request).code, v1::CODE_INVALID_ARGUMENT) << request.ShortDebugString();
  }
}

TEST(PushCodec, RefusesTargetsThatCannotExist) {
  v1::Request key;
  *key.mutable_push_keys()->mutable_message() = MessageOf(1, "");
  key.mutable_push_keys()->add_keys("ann");
  key.mutable_push_keys()->add_keys("");
  EXPECT_EQ(FaultOf(key).error, "the key at index 1 is empty: leave it out");
  v1::Request room;
  *room.mutable_push_rooms()->mutable_message() = MessageOf(1, "");
  room.mutable_push_rooms()->add_rooms("");
  EXPECT_EQ(FaultOf(room).error, "the room at index 0 is empty: leave it out");
  v1::Request mid;
  for (int64_t value : {4, 3, 0}) mid.mutable_kick_mids()->add_mids(value);
  EXPECT_EQ(FaultOf(mid).error,
            "the mid at index 2 is 0, which stands for anonymous clients: use their keys");
}

TEST(PushCodec, RefusesPushesWithoutAMessage) {
  std::vector<v1::Request> requests(4);
  requests[0].mutable_push_keys()->add_keys("ann");
  requests[1].mutable_push_mids()->add_mids(1);
  requests[2].mutable_push_rooms()->add_rooms("live://1");
  requests[3].mutable_push_all();
  for (const v1::Request& request : requests) {
    EXPECT_EQ(FaultOf(request).error, "the message is missing: give its op and body");
  }
}

TEST(PushCodec, KeepsGoimsOwnOpsForGoim) {
  for (int32_t op : {2, 3, 7, 8, 9, 12, 13, 14, 15, 16, 17}) {
    EXPECT_EQ(FaultOf(PushAll(MessageOf(op, ""))).code, v1::CODE_INVALID_ARGUMENT) << op;
    // In a batch the op is no frame's, it only asks accept sets.
    EXPECT_EQ(JobOf(PushAll(MessageOf(op, Frame(1000, "hi"), true))).op, op);
  }
  for (int32_t op : {INT32_MIN, -1, 0, 1, 4, 5, 6, 10, 11, 18, 1000, INT32_MAX}) {
    EXPECT_EQ(JobOf(PushAll(MessageOf(op, ""))).op, op);
  }
}

TEST(PushCodec, TakesBatchesOfWholeFramesOnly) {
  const std::string two = Frame(1000, "hi") + Frame(1001, "");
  const shard::Job job = JobOf(PushAll(MessageOf(1000, two, true)));
  EXPECT_TRUE(job.batch);
  EXPECT_EQ(job.body, two);
  for (const std::string& wrong : {std::string(), two.substr(0, two.size() - 1), two + '\0',
                                   std::string("not a frame at all.")}) {
    EXPECT_EQ(FaultOf(PushAll(MessageOf(1000, wrong, true))).code, v1::CODE_INVALID_ARGUMENT);
  }
}

TEST(PushCodec, WeighsAJobByWhatItHolds) {
  shard::Job job;
  const size_t empty = JobBytes(job);
  job.body = std::string(1000, 'b');
  job.names = {"ann", "bob"};
  job.mids = {1, 2, 3};
  job.rooms.prefix = "live";
  EXPECT_EQ(JobBytes(job), empty + 1000 + 4 + 2 * (sizeof(std::string) + 3) + 3 * sizeof(int64_t));
}

v1::Reply ReplyOf(JobKind kind, shard::JobResult result) {
  v1::Reply reply;
  EncodeResult(kind, std::move(result), &reply);
  return reply;
}

TEST(PushCodec, ReportsWhatAPushDid) {
  shard::JobResult result;
  result.taken = 12;
  result.refused = {{1, shard::Refusal::kOffline},
                    {3, shard::Refusal::kNotWatching},
                    {4, shard::Refusal::kQueueFull}};
  result.sequence = {7, 0, UINT64_MAX};
  for (JobKind kind : {JobKind::kPushKeys, JobKind::kPushMids, JobKind::kPushRooms,
                       JobKind::kPushAll, JobKind::kKickKeys, JobKind::kKickMids}) {
    const v1::Reply reply = ReplyOf(kind, result);
    EXPECT_EQ(reply.push().ShortDebugString(),
              "taken: 12 refused { index: 1 why: REFUSAL_OFFLINE } "
              "refused { index: 3 why: REFUSAL_NOT_WATCHING } "
              "refused { index: 4 why: REFUSAL_QUEUE_FULL } "
              "sequence: 7 sequence: 0 sequence: 18446744073709551615");
  }
}

TEST(PushCodec, TakesTheOrdersOfRoomsThatItKnows) {
  v1::Request request;
  request.mutable_rooms();
  EXPECT_EQ(JobOf(request).rooms.order, shard::RoomOrder::kName);
  request.mutable_rooms()->set_order(v1::ROOM_ORDER_MEMBERS);
  EXPECT_EQ(JobOf(request).rooms.order, shard::RoomOrder::kMembers);
  request.mutable_rooms()->set_order(v1::ROOM_ORDER_NONE);
  EXPECT_EQ(JobOf(request).rooms.order, shard::RoomOrder::kNone);
  // An order of a later version of the protocol.
  request.mutable_rooms()->set_order(static_cast<v1::RoomOrder>(3));
  EXPECT_EQ(FaultOf(request).code, v1::CODE_INVALID_ARGUMENT);
}

TEST(PushCodec, ReportsWhoIsOnline) {
  shard::JobResult result;
  result.online = {0, 5};
  const v1::Reply reply = ReplyOf(JobKind::kOnline, result);
  EXPECT_EQ(reply.online().ShortDebugString(), "online: 0 online: 5");
  EXPECT_TRUE(ReplyOf(JobKind::kOnline, {}).has_online()) << "nobody is an answer too";
}

TEST(PushCodec, ReportsEveryShard) {
  shard::JobResult result;
  result.status.resize(2);
  result.status[1].shard = 1;
  const v1::Reply reply = ReplyOf(JobKind::kStatus, result);
  ASSERT_EQ(reply.status().shards_size(), 2);
  EXPECT_EQ(reply.status().shards(1).shard(), 1u);
}

TEST(PushCodec, DeliveriesStandInTheReplyWhenTheyWereWaitedFor) {
  shard::JobResult result;
  EXPECT_FALSE(ReplyOf(JobKind::kPushAll, result).push().has_deliveries());
  result.deliveries = {5, 6, 7};
  const v1::Reply reply = ReplyOf(JobKind::kPushAll, result);
  EXPECT_EQ(reply.push().deliveries().delivered(), 5u);
  EXPECT_EQ(reply.push().deliveries().skipped(), 6u);
  EXPECT_EQ(reply.push().deliveries().pending(), 7u);
}

}  // namespace
}  // namespace halley::push
