#include "push/rooms_reply.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <utility>

#include "base/bytes.h"
#include "wire/rpc_frame.h"

namespace halley::push {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

// Of Reply.rooms: its tag, and the bytes of the message that follows.
std::string RoomsHeader(size_t bytes) {
  constexpr uint32_t kTag = WireFormatLite::MakeTag(v1::Reply::kRoomsFieldNumber,
                                                    WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  uint8_t header[2 * 5];  // of two varints
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(kTag, header);
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(bytes), end);
  return {header, end};
}

}  // namespace

void RoomsReply::Add(absl::Span<const shard::RoomCount> rooms, v1::RoomsResult* scratch) {
  if (rooms.empty()) return;
  scratch->Clear();
  for (const shard::RoomCount& room : rooms) {
    v1::RoomCount* const entry = scratch->add_rooms();
    entry->set_room(room.room.data(), room.room.size());
    entry->set_members(room.members);
  }
  slices_.push_back(scratch->SerializeAsString());
}

// A repeated field's entries need not be written at once: slices one behind the other are one RoomsResult.
std::vector<std::string> RoomsReply::Finish(uint64_t request_id, uint64_t total) {
  v1::RoomsResult last;
  last.set_total(total);
  slices_.push_back(last.SerializeAsString());
  size_t rooms_bytes = 0;
  for (const std::string& slice : slices_) rooms_bytes += slice.size();
  v1::Reply begin;
  begin.set_id(request_id);
  const std::string payload_begin = begin.SerializeAsString() + RoomsHeader(rooms_bytes);
  std::string head(wire::kRpcHeaderBytes, '\0');
  base::StoreBe32(head.data(), static_cast<uint32_t>(payload_begin.size() + rooms_bytes));
  slices_.insert(slices_.begin(), head + payload_begin);
  return std::exchange(slices_, {});
}

}  // namespace halley::push
