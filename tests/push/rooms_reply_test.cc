#include "push/rooms_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "wire/rpc_frame.h"

namespace halley::push {
namespace {

// What protobuf itself makes of the whole reply.
std::string WholeFrame(uint64_t request_id, const std::vector<shard::RoomCount>& rooms, uint64_t total) {
  v1::Reply reply;
  reply.set_id(request_id);
  reply.mutable_rooms()->set_total(total);
  for (const shard::RoomCount& room : rooms) {
    v1::RoomCount* const entry = reply.mutable_rooms()->add_rooms();
    entry->set_room(std::string(room.room));
    entry->set_members(room.members);
  }
  const std::string payload = reply.SerializeAsString();
  std::string head(wire::kRpcHeaderBytes, '\0');
  base::StoreBe32(head.data(), static_cast<uint32_t>(payload.size()));
  return head + payload;
}

std::string InSlices(uint64_t request_id, const std::vector<shard::RoomCount>& rooms, uint64_t total, size_t slice) {
  RoomsReply reply;
  v1::RoomsResult scratch;
  for (size_t i = 0; i < rooms.size(); i += slice) reply.Add(absl::MakeSpan(rooms).subspan(i, slice), &scratch);
  reply.Add({}, &scratch);
  std::string bytes;
  for (const std::string& piece : reply.Finish(request_id, total)) bytes += piece;
  return bytes;
}

TEST(RoomsReply, IsByteForByteWhatProtobufWrites) {
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back("live://" + std::string(static_cast<size_t>(i % 50), '\xff'));
  std::vector<shard::RoomCount> rooms;
  for (const std::string& id : ids) rooms.push_back({id, uint64_t{1} << (rooms.size() % 64)});
  for (const size_t slice : {1, 7, 1000}) {
    EXPECT_EQ(InSlices(5, rooms, 1'000'000, slice), WholeFrame(5, rooms, 1'000'000));
  }
  EXPECT_EQ(InSlices(UINT64_MAX, {}, 0, 1), WholeFrame(UINT64_MAX, {}, 0));
  EXPECT_EQ(InSlices(1, {}, 3, 1), WholeFrame(1, {}, 3));
}

}  // namespace
}  // namespace halley::push
